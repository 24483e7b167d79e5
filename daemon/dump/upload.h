#pragma once

#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * A file to an HTTP server by PUT, streamed from the disk. What is cut, or answered with 408, 429 or 5xx, is tried
 * again after a pause (the server's Retry-After, else doubling with jitter). Proxies are those of the environment
 * (HTTPS_PROXY, NO_PROXY), redirects are not followed. No error's text holds the URL's query. Belongs to one thread.
 */
enum {
    UPLOAD_CONNECT_MS = 10 * 1000,
    UPLOAD_STALL_S = 60, /* without a byte */
    UPLOAD_PAUSE_MS = 500,
    UPLOAD_PAUSE_CAP_MS = 30 * 1000,
};

/* Borrowed texts; "" = none. */
struct upload_options {
    const char *url; /* one that upload_url_check() takes, without names */
    const char *path;
    const char *content_type;
    const char *content_encoding;
    const char *sigv4;           /* "aws:amz:REGION:SERVICE" */
    const char *access_key_file; /* the files are read for each attempt */
    const char *secret_key_file;
    const char *session_token_file;
    const char *ca_file; /* "" = the system's */
    int64_t attempts;    /* >= 1 */
    int64_t pause_ms;    /* before the second one, 0 = UPLOAD_PAUSE_MS */
    /* At least once a second while it sends, ten times a second while it pauses or hashes the file for the signature; a
     * negative return ends it with that code. */
    int (*tick)(void *arg, uint64_t sent, uint64_t total, struct error *err);
    void *arg;
};

/* 0; -EREMOTEIO (the server refuses), -ECONNRESET and the like after the last attempt, -EACCES (no key), -EIO (the file
 * cannot be read), tick's code. *ret_attempts, which may be NULL, is set in every case. */
MUST_CHECK int upload_file(const struct upload_options *options, int *ret_attempts, struct error *err);
