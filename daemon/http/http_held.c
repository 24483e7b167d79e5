#include "daemon/http/http_held.h"

#include <assert.h>

#include "daemon/http/http_conns.h"
#include "shared/log.h"

static size_t weight(const struct http_conn *conn)
{
    return conn->held + conn->receiving;
}

static struct http_conn *heaviest(const struct http_conns *conns)
{
    struct http_conn *found = NULL;
    for (int state = 0; state < HTTP_CONN_CLOSING; state++) {
        struct http_conn *conn;
        TAILQ_FOREACH(conn, &conns->lists[state], link)
        {
            if (conn->patient == 0 && (found == NULL || weight(conn) > weight(found)))
                found = conn;
        }
    }
    return found;
}

static void warn_held(void)
{
    static struct log_limit limit = LOG_LIMIT_INIT(1, 60 * 1000);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_warn("HTTP requests and answers under way take too much memory, ending the connection that holds most",
                 LOG_INT("suppressed", suppressed));
}

void http_conns_shed(struct http_conns *conns, int64_t now_ms)
{
    while (conns->held > HTTP_HELD_BYTES_MAX) {
        struct http_conn *conn = heaviest(conns);
        if (conn == NULL || weight(conn) == 0)
            return;
        warn_held();
        http_conn_end_for(conn, HTTP_LIMIT_HELD_BYTES, now_ms);
    }
}

void http_conn_hold(struct http_conn *conn, size_t bytes, int64_t now_ms)
{
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    conn->held += bytes;
    conn->owner->held += bytes;
    http_conns_shed(conn->owner, now_ms);
}

void http_conn_release(struct http_conn *conn, size_t bytes)
{
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    assert(conn->held >= bytes && conn->owner->held >= bytes);
    conn->held -= bytes;
    conn->owner->held -= bytes;
}

void http_conn_set_receiving(struct http_conn *conn, size_t bytes)
{
    if (conn->state == HTTP_CONN_CLOSING)
        return;
    conn->owner->held += bytes;
    conn->owner->held -= conn->receiving;
    conn->receiving = bytes;
}

void http_conn_forget_held(struct http_conn *conn)
{
    conn->owner->held -= weight(conn);
    conn->held = conn->receiving = 0;
}
