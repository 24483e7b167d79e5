#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/http/http_held.h"
#include "daemon/http/http_limits.h"
#include "daemon/http/http_sources.h"

/*
 * The connections of the HTTP server: how many there are and from where, which are idle and since when, which
 * misbehave. It knows descriptors only. A connection is ended by shutdown(2): the event loop sees it as the client's
 * hanging up and closes the socket in its own time. Loop thread only; now_ms is the monotonic clock.
 */
enum {
    HTTP_UNANSWERED_MAX = 50,   /* requests of one connection that its client dropped before it had the answer */
    HTTP_IN_FLIGHT_MAX = 100,   /* requests of one connection at once, with dropped ones whose work still goes on */
    HTTP_TURN_REQUESTS_MAX = 4, /* pipelined requests of one connection before others have their turn */
    HTTP_SOURCE_SHARE = 4,      /* a source keeps at most this part of all connections (1/4) when it rests */
    HTTP_RESTING_MS = 1000,     /* idle for so long, a connection of a source with more than its share is ended */
    HTTP_YOUNG_MS = 5,          /* so long an idle connection is not ended for another: its request may be on its way */
    HTTP_BUSY_MS = 1000,        /* how long a connection may go on without a pause while others wait to be accepted */
    HTTP_CLOSING_MS = 100       /* how long one that was shut down is waited for before another is */
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
    struct http_source *source; /* NULL while closing */
    int64_t born_ms;
    int64_t since_ms; /* when it entered its state */
    int fd;
    unsigned in_flight;  /* requests begun and not ended */
    unsigned abandoned;  /* requests that ended while work for them goes on; the caller counts */
    unsigned patient;    /* requests in flight for which no timer goes, see http_conn_request_patient() */
    unsigned untaken;    /* of those in flight: answered, but the answer is not sent yet */
    int64_t untaken_ms;  /* when the number of these changed last */
    unsigned unanswered; /* requests that the client dropped before it had the answer, ever */
    bool ended;          /* both ways: nobody gets an answer any more */
    size_t held;         /* bytes of requests in flight and their answers; 0 while closing, as the next one */
    size_t receiving;    /* bytes of requests that are not whole yet, when last looked at */
};

TAILQ_HEAD(http_conn_list, http_conn);

struct http_conns_options {
    unsigned max;
    int64_t timeout_ms; /* of an idle connection, and of an answer that nobody takes */
    int64_t age_ms;     /* after that a connection ends with its next pause, timeout_ms later at the latest */
    /* Which limit an idle connection has hit at timeout_ms: HTTP_LIMIT_IDLE_TIME, _REQUEST_TIME, _HANDSHAKE_TIME. */
    enum http_limit (*idle_limit)(const struct http_conn *conn);
};

struct http_conns {
    struct http_conn_list lists[HTTP_CONN_STATES]; /* each from longest to shortest in its state */
    struct http_sources sources;                   /* of those that are not closing, and of who waits for admission */
    struct http_conns_options options;
    struct http_limit_hits hits;
    unsigned count;
    size_t held; /* bytes, of all that are not closing */
    bool wanted; /* somebody waits to be admitted, and no idle connection could make room */
    bool draining;
};

void http_conns_init(struct http_conns *conns, const struct http_conns_options *options);

enum http_admission {
    HTTP_ADMIT,
    HTTP_WAIT,  /* ask again when a connection was closed, and after a moment */
    HTTP_REFUSE /* it comes from where most connections come from, more than its share, and all of these are busy */
};

/* Somebody was accepted, its source is counted already. When every place is taken and the source with the most
 * connections has more than its share, it is cut to it. Else the one idle longest of that source is ended; when the
 * newcomer's has as many, the one idle longest of all, if that is for HTTP_YOUNG_MS, and when none is idle the next one
 * that pauses. */
enum http_admission http_conns_admit(struct http_conns *conns, const struct http_source *source, int64_t now_ms);

/* End what has been idle, or has not taken its answers, for timeout_ms; what is too old; what rests beyond its
 * source's share. */
void http_conns_sweep(struct http_conns *conns, int64_t now_ms);

/* From now on a connection ends as soon as it is idle; unread bytes are still read. */
void http_conns_drain(struct http_conns *conns, int64_t now_ms);

/* End all. */
void http_conns_shut(struct http_conns *conns, int64_t now_ms);

/* A new, idle connection. fd stays the caller's, source is the connection's. */
void http_conn_init(struct http_conn *conn, struct http_conns *conns, int fd, struct http_source *source,
                    int64_t now_ms);
void http_conn_fini(struct http_conn *conn);

/* End this one (how: SHUT_RD or SHUT_RDWR). */
void http_conn_shut(struct http_conn *conn, int how, int64_t now_ms);

/* End this one both ways for a limit, which counts. */
void http_conn_end_for(struct http_conn *conn, enum http_limit limit, int64_t now_ms);

enum http_request_end {
    HTTP_REQUEST_UNANSWERED, /* the client dropped it before it was answered */
    HTTP_REQUEST_UNTAKEN,    /* it was answered, and the client dropped it before the answer was sent */
    HTTP_REQUEST_TAKEN
};

/* The life of one request: begin, perhaps patient, perhaps answered, end. */
void http_conn_request_begin(struct http_conn *conn, int64_t now_ms);
void http_conn_request_answered(struct http_conn *conn, int64_t now_ms);
void http_conn_request_end(struct http_conn *conn, enum http_request_end end, int64_t now_ms);

/* Of a request that has begun: until its end no timer and nobody else's need ends its connection. */
void http_conn_request_patient(struct http_conn *conn);
void http_conn_request_impatient(struct http_conn *conn);

/* True: with the one that has just begun more than HTTP_IN_FLIGHT_MAX are at work. */
bool http_conn_is_crowded(const struct http_conn *conn);

/* True: it ends with its next pause because of its age. */
bool http_conn_is_old(const struct http_conn *conn, int64_t now_ms);

/* True: whatever it still asks is not worth work. */
bool http_conn_has_ended(const struct http_conn *conn);
