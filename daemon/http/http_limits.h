#pragma once

#include <stdatomic.h>
#include <stdint.h>

/*
 * Every limit of the HTTP server by name, and how often each was hit. docs/http.md says what each of them does. Any
 * thread may count and read.
 */
enum http_limit {
    HTTP_LIMIT_CONNECTIONS,
    HTTP_LIMIT_SOURCE_CONNECTIONS,
    HTTP_LIMIT_IDLE_TIME,
    HTTP_LIMIT_REQUEST_TIME,
    HTTP_LIMIT_HANDSHAKE_TIME,
    HTTP_LIMIT_WRITE_TIME,
    HTTP_LIMIT_CONNECTION_AGE,
    HTTP_LIMIT_BODY_BYTES,
    HTTP_LIMIT_REQUESTS_IN_FLIGHT,
    HTTP_LIMIT_DROPPED_REQUESTS,
    HTTP_LIMIT_PIPELINED_REQUESTS,
    HTTP_LIMIT_HELD_BYTES,
    HTTP_LIMIT_LIBRARY_LINES,
    HTTP_LIMITS
};

struct http_limit_hits {
    _Atomic uint64_t count[HTTP_LIMITS];
};

/* What it is called in metrics and documentation: "idle_time". */
const char *http_limit_name(enum http_limit limit);

static inline void http_limit_hit(struct http_limit_hits *hits, enum http_limit limit)
{
    atomic_fetch_add_explicit(&hits->count[limit], 1, memory_order_relaxed);
}

static inline uint64_t http_limit_hits_get(const struct http_limit_hits *hits, enum http_limit limit)
{
    return atomic_load_explicit(&hits->count[limit], memory_order_relaxed);
}
