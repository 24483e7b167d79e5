#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/faults.h"

/*
 * One admin connection's byte stream, plain or TLS, with the drip fault applied to everything it sends. Blocking;
 * another thread ends a blocked call by shutdown(2) on the descriptor. Not thread-safe.
 */
struct stream {
    int fd;      /* owned by the caller */
    SSL *ssl;    /* NULL = plain */
    int stop_fd; /* readable once the process is stopping: ends stream_wait() */
    const struct faults *faults;
};

void stream_init(struct stream *s, int fd, int stop_fd, const struct faults *faults);
void stream_fini(struct stream *s);

/* The server's side of a TLS handshake; from then on everything is encrypted. 0 or -EPROTO. */
MUST_CHECK int stream_start_tls(struct stream *s, SSL_CTX *context);

/* Exactly len bytes. 0, or -ECONNRESET when the peer is gone. */
MUST_CHECK int stream_read(struct stream *s, void *ret_data, size_t len);
MUST_CHECK int stream_write(struct stream *s, const void *data, size_t len);

/* Wait wait_us microseconds. False when the process is stopping. */
bool stream_wait(struct stream *s, int64_t wait_us);

/* Read and forget until the peer closes or the process stops. */
void stream_discard(struct stream *s);
