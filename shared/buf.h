#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"

/* No limit may be larger, so that sizes never overflow. */
#define BUF_MAX (SIZE_MAX / 4)

/*
 * A growing byte buffer with a limit, for everything whose size somebody else decides. The content is always followed
 * by a NUL that does not count. Not thread-safe.
 */
struct buf {
    char *data; /* never NULL after buf_init: "" while empty */
    size_t len;
    size_t cap; /* 0 while nothing is allocated */
    size_t max; /* content never grows beyond this many bytes */
};

/* An empty buffer that may hold up to max bytes (<= BUF_MAX). Allocates nothing. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
#define cleanup_buf __attribute__((cleanup(buf_fini)))

/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);

/* Append len bytes. 0, -EMSGSIZE (over the limit) or -ENOMEM; on failure the content is as before. */
MUST_CHECK int buf_append(struct buf *b, const void *data, size_t len);
MUST_CHECK int buf_puts(struct buf *b, const char *text);
MUST_CHECK int buf_printf(struct buf *b, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* Keep only the first len bytes (len <= b->len). */
void buf_truncate(struct buf *b, size_t len);

/* Remove the first len bytes (len <= b->len). */
void buf_consume(struct buf *b, size_t len);
