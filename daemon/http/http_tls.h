#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The certificate that the HTTP server shows: TLS 1.2 and 1.3, ALPN h2 and http/1.1. The files are looked at again and
 * read again when they have changed; while what is there cannot be used the certificate before it stays. Loop thread,
 * but for the stats.
 */
struct http_tls;

struct http_tls_stats {
    int64_t not_after_s;    /* real time, the end of the certificate's life */
    uint64_t loads;         /* of a certificate that was taken */
    uint64_t load_failures; /* of one that was not */
};

/* Read the files (PEM; the certificate first, then its chain); both names are copied. -ENOENT, -EACCES, -EINVAL and the
 * like; the text names the file. */
MUST_CHECK int http_tls_new(struct http_tls **ret_tls, const char *cert_file, const char *key_file, bool http2,
                            struct error *err);

/* After every connection that uses it. NULL is fine. */
void http_tls_free(struct http_tls *tls);

/* What new connections use, one reference more: give it back with SSL_CTX_free(). */
SSL_CTX *http_tls_context(struct http_tls *tls);

/* Look whether the files have changed, and read them then. What came of it is logged. */
void http_tls_refresh(struct http_tls *tls);

/* Thread-safe. */
void http_tls_get_stats(const struct http_tls *tls, struct http_tls_stats *ret_stats);
