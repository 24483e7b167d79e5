#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/*
 * The connections of the HTTP server: how many there are, which are idle and since when, which misbehave. It knows
 * descriptors only. A connection is ended by shutdown(2): the event loop sees it as the client's hanging up and closes
 * the socket in its own time. Loop thread only; now_ms is the monotonic clock.
 */
enum {
    HTTP_UNANSWERED_MAX = 50, /* requests of one connection that its client dropped before the answer */
    HTTP_YOUNG_MS = 100,      /* so long an idle connection is not ended for another: its request may be on its way */
    HTTP_BUSY_MS = 1000       /* how long a connection may go on without a pause while others wait to be accepted */
};

enum http_conn_state {
    HTTP_CONN_IDLE,    /* no request that a handler knows of */
    HTTP_CONN_BUSY,    /* at least one */
    HTTP_CONN_CLOSING, /* shut down, the socket is about to be closed */
    HTTP_CONN_STATES
};

struct http_conns;

struct http_conn {
    struct http_conns *owner;
    TAILQ_ENTRY(http_conn) link; /* in owner's list of its state */
    enum http_conn_state state;
    int64_t since_ms; /* when it entered its state */
    int fd;
    unsigned in_flight;  /* requests begun and not ended */
    unsigned untaken;    /* of these: answered, but the answer is not sent yet */
    int64_t untaken_ms;  /* when the number of these changed last */
    unsigned unanswered; /* requests that ended without an answer, ever */
};

TAILQ_HEAD(http_conn_list, http_conn);

struct http_conns {
    struct http_conn_list lists[HTTP_CONN_STATES]; /* each from longest to shortest in its state */
    unsigned count;
    unsigned max;
    int64_t timeout_ms; /* of an idle connection, and of an answer that nobody takes */
    bool wanted;        /* somebody waits to be accepted, and no idle connection could make room */
    bool draining;
};

void http_conns_init(struct http_conns *conns, unsigned max, int64_t timeout_ms);

bool http_conns_full(const struct http_conns *conns);

/* Somebody waits to be accepted. True: there is a place. Otherwise the connection idle longest is ended, so that the
 * next try succeeds soon; if none is idle for HTTP_YOUNG_MS, the next one that pauses makes room. */
bool http_conns_admit(struct http_conns *conns, int64_t now_ms);

/* End what has been idle, or has not taken its answers, for timeout_ms. */
void http_conns_sweep(struct http_conns *conns, int64_t now_ms);

/* From now on a connection ends as soon as it is idle; unread bytes are still read. */
void http_conns_drain(struct http_conns *conns, int64_t now_ms);

/* End all. */
void http_conns_shut(struct http_conns *conns, int64_t now_ms);

/* A new, idle connection. fd stays the caller's. */
void http_conn_init(struct http_conn *conn, struct http_conns *conns, int fd, int64_t now_ms);
void http_conn_fini(struct http_conn *conn);

/* End this one (how: SHUT_RD or SHUT_RDWR). */
void http_conn_shut(struct http_conn *conn, int how, int64_t now_ms);

/* The life of one request: begin, perhaps answered, end. */
void http_conn_request_begin(struct http_conn *conn, int64_t now_ms);
void http_conn_request_answered(struct http_conn *conn, int64_t now_ms);
void http_conn_request_end(struct http_conn *conn, bool answered, int64_t now_ms);

/* True: it was ended for HTTP_UNANSWERED_MAX dropped requests; what it still asks is not worth work. */
bool http_conn_drops_requests(const struct http_conn *conn);
