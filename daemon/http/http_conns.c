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

void http_conns_init(struct http_conns *conns, const struct http_conns_options *options)
{
    *conns = (struct http_conns){.options = *options};
    for (int state = 0; state < HTTP_CONN_STATES; state++)
        TAILQ_INIT(&conns->lists[state]);
    LIST_INIT(&conns->sources);
}

static void set_state(struct http_conn *conn, enum http_conn_state state, int64_t now_ms)
{
    TAILQ_REMOVE(&conn->owner->lists[conn->state], conn, link);
    TAILQ_INSERT_TAIL(&conn->owner->lists[state], conn, link);
    conn->state = state;
    conn->since_ms = now_ms;
    if (state == HTTP_CONN_CLOSING) {
        http_source_put(conn->source);
        conn->source = NULL;
        http_conn_forget_held(conn);
    }
}

void http_conn_init(struct http_conn *conn, struct http_conns *conns, int fd, struct http_source *source,
                    int64_t now_ms)
{
    *conn = (struct http_conn){
        .owner = conns, .state = HTTP_CONN_IDLE, .source = source, .born_ms = now_ms, .since_ms = now_ms, .fd = fd};
    TAILQ_INSERT_TAIL(&conns->lists[HTTP_CONN_IDLE], conn, link);
    conns->count++;
}

void http_conn_fini(struct http_conn *conn)
{
    assert(conn->in_flight == 0);
    TAILQ_REMOVE(&conn->owner->lists[conn->state], conn, link);
    if (conn->source != NULL)
        http_source_put(conn->source);
    http_conn_forget_held(conn);
    conn->owner->count--;
}

void http_conn_shut(struct http_conn *conn, int how, int64_t now_ms)
{
    (void)shutdown(conn->fd, how); /* fails when the client has gone, which is as good */
    conn->ended = conn->ended || how == SHUT_RDWR;
    if (conn->state != HTTP_CONN_CLOSING)
        set_state(conn, HTTP_CONN_CLOSING, now_ms);
}

void http_conn_end_for(struct http_conn *conn, enum http_limit limit, int64_t now_ms)
{
    http_limit_hit(&conn->owner->hits, limit);
    http_conn_shut(conn, SHUT_RDWR, now_ms);
}

static unsigned share_of(const struct http_conns *conns)
{
    unsigned share = conns->options.max / HTTP_SOURCE_SHARE;
    return share > 0 ? share : 1;
}

static struct http_conn *idle_longest_of(const struct http_conns *conns, const struct http_source *source)
{
    struct http_conn *conn;
    TAILQ_FOREACH(conn, &conns->lists[HTTP_CONN_IDLE], link)
    {
        if (conn->source == source)
            return conn;
    }
    return NULL;
}

/* Nothing while it may still send its request. */
static struct http_conn *unless_young(struct http_conn *conn, int64_t now_ms)
{
    return conn != NULL && now_ms - conn->since_ms >= HTTP_YOUNG_MS ? conn : NULL;
}

/* End what a source has beyond its share, idle longest first; returns how many. */
static unsigned cut_to_share(struct http_conns *conns, struct http_source *source, int64_t now_ms)
{
    unsigned share = share_of(conns);
    unsigned cut = 0;
    struct http_conn *next;
    for (struct http_conn *c = TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE]); c != NULL && source->count > share;
         c = next) {
        next = TAILQ_NEXT(c, link);
        if (c->source != source)
            continue;
        http_conn_end_for(c, HTTP_LIMIT_SOURCE_CONNECTIONS, now_ms);
        cut++;
    }
    return cut;
}

/* No source has more than its share, or what it has is busy. */
static void make_one_place(struct http_conns *conns, const struct http_source *largest, unsigned newcomers_count,
                           int64_t now_ms)
{
    struct http_conn *conn = largest->count > newcomers_count ? idle_longest_of(conns, largest) : NULL;
    if (conn == NULL)
        conn = unless_young(TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE]), now_ms);
    if (conn != NULL)
        http_conn_end_for(conn, HTTP_LIMIT_CONNECTIONS, now_ms);
    else
        conns->wanted = true;
    warn_limited("every HTTP connection is taken, ending the one idle longest");
}

enum http_admission http_conns_admit(struct http_conns *conns, const struct http_source *source, int64_t now_ms)
{
    conns->wanted = false;
    if (conns->count < conns->options.max)
        return HTTP_ADMIT;
    struct http_conn *closing = TAILQ_FIRST(&conns->lists[HTTP_CONN_CLOSING]);
    if (closing != NULL && now_ms - closing->since_ms < HTTP_CLOSING_MS)
        return HTTP_WAIT;
    struct http_source *largest = http_sources_largest(&conns->sources);
    unsigned waiting = largest == source ? 1 : 0; /* the newcomer counts already, and has no connection to end */
    if (largest->count > share_of(conns) + waiting) {
        warn_limited("every HTTP connection is taken, most of them by one address, which is cut to its share");
        if (cut_to_share(conns, largest, now_ms) > 0)
            return HTTP_WAIT;
        if (largest == source) {
            http_limit_hit(&conns->hits, HTTP_LIMIT_SOURCE_CONNECTIONS);
            return HTTP_REFUSE;
        }
    }
    make_one_place(conns, largest, source->count, now_ms);
    return HTTP_WAIT;
}

bool http_conn_is_old(const struct http_conn *conn, int64_t now_ms)
{
    return conn->patient == 0 && now_ms - conn->born_ms >= conn->owner->options.age_ms;
}

static void sweep_one_idle(struct http_conn *conn, int64_t now_ms)
{
    const struct http_conns *conns = conn->owner;
    int64_t idle_ms = now_ms - conn->since_ms;
    if (idle_ms >= conns->options.timeout_ms)
        http_conn_end_for(conn, conns->options.idle_limit(conn), now_ms);
    else if (http_conn_is_old(conn, now_ms))
        http_conn_end_for(conn, HTTP_LIMIT_CONNECTION_AGE, now_ms);
    else if (idle_ms >= HTTP_RESTING_MS && conn->source->count > share_of(conns))
        http_conn_end_for(conn, HTTP_LIMIT_SOURCE_CONNECTIONS, now_ms);
}

static void sweep_one_busy(struct http_conn *conn, int64_t now_ms)
{
    int64_t timeout_ms = conn->owner->options.timeout_ms;
    if (conn->patient > 0)
        return;
    if (conn->untaken > 0 && now_ms - conn->untaken_ms >= timeout_ms)
        http_conn_end_for(conn, HTTP_LIMIT_WRITE_TIME, now_ms);
    else if (http_conn_is_old(conn, now_ms - timeout_ms))
        http_conn_end_for(conn, HTTP_LIMIT_CONNECTION_AGE, now_ms);
}

void http_conns_sweep(struct http_conns *conns, int64_t now_ms)
{
    struct http_conn *next;
    for (struct http_conn *c = TAILQ_FIRST(&conns->lists[HTTP_CONN_IDLE]); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        sweep_one_idle(c, now_ms);
    }
    for (struct http_conn *c = TAILQ_FIRST(&conns->lists[HTTP_CONN_BUSY]); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        sweep_one_busy(c, now_ms);
    }
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

void http_conn_request_patient(struct http_conn *conn)
{
    conn->patient++;
}

void http_conn_request_impatient(struct http_conn *conn)
{
    assert(conn->patient > 0);
    conn->patient--;
}

void http_conn_request_answered(struct http_conn *conn, int64_t now_ms)
{
    if (conn->untaken++ == 0)
        conn->untaken_ms = now_ms;
}

bool http_conn_is_crowded(const struct http_conn *conn)
{
    return conn->in_flight + conn->abandoned > HTTP_IN_FLIGHT_MAX;
}

/* A request has ended: the moment to end a connection that is in the way. */
static void make_room(struct http_conn *conn, int64_t now_ms)
{
    struct http_conns *conns = conn->owner;
    bool idle = conn->state == HTTP_CONN_IDLE;
    if (idle && conns->draining) {
        http_conn_shut(conn, SHUT_RD, now_ms);
    } else if (idle && http_conn_is_old(conn, now_ms)) {
        http_conn_end_for(conn, HTTP_LIMIT_CONNECTION_AGE, now_ms);
    } else if (conns->wanted && conn->patient == 0 && (idle || now_ms - conn->since_ms >= HTTP_BUSY_MS)) {
        conns->wanted = false;
        http_conn_end_for(conn, HTTP_LIMIT_CONNECTIONS, now_ms);
    }
}

/*
 * HTTP/2 Rapid Reset (CVE-2023-44487) and MadeYouReset (CVE-2025-8671): a client that opens requests and drops them at
 * once makes work without ever reaching the limit of open streams. libh2o 2.2.5 has no guard of its own.
 */
static bool drops_requests(const struct http_conn *conn)
{
    return conn->unanswered >= HTTP_UNANSWERED_MAX;
}

bool http_conn_has_ended(const struct http_conn *conn)
{
    return conn->ended;
}

/* Answered ones leave the untaken, also when the client dropped the answer. */
static void count_end(struct http_conn *conn, bool was_answered, int64_t now_ms)
{
    assert(conn->in_flight > 0);
    conn->in_flight--;
    if (was_answered) {
        conn->untaken--;
        conn->untaken_ms = now_ms;
    }
}

void http_conn_request_end(struct http_conn *conn, enum http_request_end end, int64_t now_ms)
{
    count_end(conn, end != HTTP_REQUEST_UNANSWERED, now_ms);
    if (end != HTTP_REQUEST_TAKEN)
        conn->unanswered++;
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    if (drops_requests(conn)) {
        warn_limited("ending an HTTP connection whose client drops its requests");
        http_conn_end_for(conn, HTTP_LIMIT_DROPPED_REQUESTS, now_ms);
        return;
    }
    if (conn->in_flight == 0)
        set_state(conn, HTTP_CONN_IDLE, now_ms);
    make_room(conn, now_ms);
}
