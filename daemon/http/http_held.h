#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What connections hold in memory: requests that have not come in whole, requests at work, answers that were not taken.
 * Each of these has its own bound (a header section 400 KiB, a body 64 KiB, 100 requests of a connection at once), but
 * all connections together could hold a gigabyte with them. So there is one bound for the sum of all: beyond it the
 * connection that holds most is ended. Loop thread only; now_ms is the monotonic clock.
 */
enum {
    HTTP_HELD_BYTES_MAX = 16 * 1024 * 1024, /* of all connections */
    HTTP_REQUEST_BYTES = 8 * 1024           /* of a request itself, without body: libh2o's structures and memory pool */
};

struct http_conn;
struct http_conns;

/* The connection holds so much more, or less, for a request of its. Holding more may end the one that holds most, this
 * one too. */
void http_conn_hold(struct http_conn *conn, size_t bytes, int64_t now_ms);
void http_conn_release(struct http_conn *conn, size_t bytes);

/* So much of requests that are not whole yet. Nothing is ended before http_conns_shed(). */
void http_conn_set_receiving(struct http_conn *conn, size_t bytes);

/* End who holds most until the rest is within the bound; a connection with a patient request is left alone. */
void http_conns_shed(struct http_conns *conns, int64_t now_ms);

/* It is about to be closed: what it holds is as good as free. */
void http_conn_forget_held(struct http_conn *conn);
