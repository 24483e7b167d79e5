#include "daemon/http/http_conns.h"

#include <assert.h>
#include <stddef.h>
#include <sys/socket.h>

#include "shared/log.h"

static struct log_limit warnings = LOG_LIMIT_INIT(3, 60 * 1000);

static void warn_limited(const char *msg)
{
    uint64_t suppressed;
    if (log_limit_pass(&warnings, &suppressed))
        log_warn(msg, LOG_INT("suppressed", suppressed));
}

void http_conns_init(struct http_conns *conns, unsigned max, int64_t timeout_ms)
{
    *conns = (struct http_conns){.max = max, .timeout_ms = timeout_ms};
    for (int state = 0; state < HTTP_CONN_STATES; state++)
        TAILQ_INIT(&conns->lists[state]);
}

static void set_state(struct http_conn *conn, enum http_conn_state state, int64_t now_ms)
{
    TAILQ_REMOVE(&conn->owner->lists[conn->state], conn, link);
    TAILQ_INSERT_TAIL(&conn->owner->lists[state], conn, link);
    conn->state = state;
    conn->since_ms = now_ms;
}

void http_conn_init(struct http_conn *conn, struct http_conns *conns, int fd, int64_t now_ms)
{
    *conn = (struct http_conn){.owner = conns, .state = HTTP_CONN_IDLE, .since_ms = now_ms, .fd = fd};
    TAILQ_INSERT_TAIL(&conns->lists[HTTP_CONN_IDLE], conn, link);
    conns->count++;
}

void http_conn_fini(struct http_conn *conn)
{
    assert(conn->in_flight == 0);
    TAILQ_REMOVE(&conn->owner->lists[conn->state], conn, link);
    conn->owner->count--;
}

void http_conn_shut(struct http_conn *conn, int how, int64_t now_ms)
{
    (void)shutdown(conn->fd, how); /* fails when the client has gone, which is as good */
    if (conn->state != HTTP_CONN_CLOSING)
        set_state(conn, HTTP_CONN_CLOSING, now_ms);
}

bool http_conns_full(const struct http_conns *conns)
{
    return conns->count >= conns->max;
}

bool http_conns_admit(struct http_conns *conns, int64_t now_ms)
{
    conns->wanted = false;
    if (!http_conns_full(conns))
        return true;
    struct http_conn *idle = TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE]);
    if (idle != NULL && now_ms - idle->since_ms >= HTTP_YOUNG_MS)
        http_conn_shut(idle, SHUT_RDWR, now_ms);
    else
        conns->wanted = true;
    warn_limited("every HTTP connection is taken, ending the one idle longest");
    return false;
}

static void sweep_idle(struct http_conns *conns, int64_t now_ms)
{
    struct http_conn *conn;
    while ((conn = TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE])) != NULL && now_ms - conn->since_ms >= conns->timeout_ms)
        http_conn_shut(conn, SHUT_RDWR, now_ms);
}

static void sweep_untaken(struct http_conns *conns, int64_t now_ms)
{
    struct http_conn *next;
    for (struct http_conn *c = TAILQ_FIRST(&conns->lists[HTTP_CONN_BUSY]); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->untaken > 0 && now_ms - c->untaken_ms >= conns->timeout_ms)
            http_conn_shut(c, SHUT_RDWR, now_ms);
    }
}

void http_conns_sweep(struct http_conns *conns, int64_t now_ms)
{
    sweep_idle(conns, now_ms);
    sweep_untaken(conns, now_ms);
}

void http_conns_drain(struct http_conns *conns, int64_t now_ms)
{
    conns->draining = true;
    struct http_conn *conn;
    while ((conn = TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE])) != NULL)
        http_conn_shut(conn, SHUT_RD, now_ms);
}

void http_conns_shut(struct http_conns *conns, int64_t now_ms)
{
    for (int state = 0; state < HTTP_CONN_CLOSING; state++) {
        struct http_conn *conn;
        while ((conn = TAILQ_FIRST(&conns->lists[state])) != NULL)
            http_conn_shut(conn, SHUT_RDWR, now_ms);
    }
    struct http_conn *closing;
    TAILQ_FOREACH(closing, &conns->lists[HTTP_CONN_CLOSING], link)
    (void)shutdown(closing->fd, SHUT_RDWR); /* some were shut for reading only */
}

void http_conn_request_begin(struct http_conn *conn, int64_t now_ms)
{
    conn->in_flight++;
    if (conn->state == HTTP_CONN_IDLE)
        set_state(conn, HTTP_CONN_BUSY, now_ms);
}

void http_conn_request_answered(struct http_conn *conn, int64_t now_ms)
{
    if (conn->untaken++ == 0)
        conn->untaken_ms = now_ms;
}

/* A request has ended: the moment to end a connection that is in the way. */
static void make_room(struct http_conn *conn, int64_t now_ms)
{
    struct http_conns *conns = conn->owner;
    bool idle = conn->state == HTTP_CONN_IDLE;
    if (idle && conns->draining) {
        http_conn_shut(conn, SHUT_RD, now_ms);
    } else if (conns->wanted && (idle || now_ms - conn->since_ms >= HTTP_BUSY_MS)) {
        conns->wanted = false;
        http_conn_shut(conn, SHUT_RDWR, now_ms);
    }
}

/*
 * HTTP/2 Rapid Reset (CVE-2023-44487) and MadeYouReset (CVE-2025-8671): a client that opens requests and drops them at
 * once makes work without ever reaching the limit of open streams. libh2o 2.2.5 has no guard of its own.
 */
bool http_conn_drops_requests(const struct http_conn *conn)
{
    return conn->unanswered >= HTTP_UNANSWERED_MAX;
}

void http_conn_request_end(struct http_conn *conn, bool answered, int64_t now_ms)
{
    assert(conn->in_flight > 0);
    conn->in_flight--;
    if (answered) {
        conn->untaken--;
        conn->untaken_ms = now_ms;
    } else {
        conn->unanswered++;
    }
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (http_conn_drops_requests(conn)) {
        warn_limited("ending an HTTP connection whose client drops its requests");
        http_conn_shut(conn, SHUT_RDWR, now_ms);
        return;
    }
    if (conn->in_flight == 0)
        set_state(conn, HTTP_CONN_IDLE, now_ms);
    make_room(conn, now_ms);
}
