#include "daemon/proxysql/admin_drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/proxysql/sql.h"
#include "shared/buf.h"
#include "shared/str.h"

#define SQL_TRAFFIC                                                                                            \
    "SELECT Variable_Name, Variable_Value FROM stats_mysql_global WHERE Variable_Name IN ('ProxySQL_Uptime', " \
    "'Client_Connections_connected', 'Client_Connections_created', 'Active_Transactions', "                    \
    "'mysql_listener_paused')"                                                                                 \
    " UNION ALL SELECT variable_name, variable_value FROM runtime_global_variables WHERE variable_name IN "    \
    "('mysql-wait_timeout', 'mysql-session_idle_ms')"
#define SQL_PGSQL                                                                                \
    " UNION ALL SELECT 'pgsql_' || Variable_Name, Variable_Value FROM stats_pgsql_global WHERE " \
    "Variable_Name IN ('Client_Connections_connected', 'Client_Connections_created')"

/* Bits of the processlist's status_flags: LOCK TABLES 0x10, temporary table 0x20, GET_LOCK 0x40 (32 seen for a
 * temporary table on 2.7). */
enum { holder_flags = 0x70 };
/* The wait_timeout that ProxySQL takes for the longest: 20 days. */
static const int64_t number_max = INT64_C(1) << 40;
/* No session has this id: they count up from 1. */
static const int64_t nobody = 4294967295;

enum { sql_bytes_max = 256, pollers_sql_bytes_max = 2048 };

static int read_number(const char *what, const char *text, int64_t *ret_number, struct error *err)
{
    if (str_to_int(text, 0, number_max, ret_number) < 0)
        return error_set(err, -EPROTO, "ProxySQL answers %s = \"%.64s\", which makes no sense", what, text);
    return 0;
}

static int take_traffic_row(void *arg, const struct db_row *row, struct error *err)
{
    struct admin_traffic *t = arg;
    if (row->count != 2 || row->values[0] == NULL || row->values[1] == NULL)
        return error_set(err, -EPROTO, "ProxySQL answers the drain's statement with a row of %u columns", row->count);
    const char *name = row->values[0];
    const char *value = row->values[1];
    if (strcmp(name, "ProxySQL_Uptime") == 0)
        return read_number(name, value, &t->uptime_s, err);
    if (strcmp(name, "Client_Connections_connected") == 0)
        return read_number(name, value, &t->clients, err);
    if (strcmp(name, "Active_Transactions") == 0)
        return read_number(name, value, &t->transactions, err);
    if (strcmp(name, "Client_Connections_created") == 0)
        return read_number(name, value, &t->created, err);
    if (strcmp(name, "pgsql_Client_Connections_connected") == 0)
        return read_number(name, value, &t->pgsql_clients, err);
    if (strcmp(name, "pgsql_Client_Connections_created") == 0)
        return read_number(name, value, &t->pgsql_created, err);
    if (strcmp(name, "mysql-wait_timeout") == 0)
        return read_number(name, value, &t->wait_timeout_ms, err);
    if (strcmp(name, "mysql-session_idle_ms") == 0)
        return read_number(name, value, &t->session_idle_ms, err);
    if (strcmp(name, "mysql_listener_paused") == 0)
        t->paused = strcmp(value, "true") == 0;
    return 0;
}

int admin_read_traffic(struct db_conn *conn, bool pgsql, int64_t deadline_ms, struct admin_traffic *ret_traffic,
                       struct error *err)
{
    struct admin_traffic t = {.clients = -1, .wait_timeout_ms = -1, .session_idle_ms = -1};
    const char *sql = pgsql ? SQL_TRAFFIC SQL_PGSQL : SQL_TRAFFIC;
    int rc = db_conn_query(conn, sql, take_traffic_row, &t, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc == 0 && (t.clients < 0 || t.wait_timeout_ms < 0))
        rc = error_set(err, -EPROTO, "ProxySQL does not tell its clients and its wait_timeout");
    if (rc < 0)
        return error_wrap(err, "count the clients");
    *ret_traffic = t;
    return 0;
}

static int run(struct db_conn *conn, const char *sql, int64_t deadline_ms, struct error *err)
{
    int rc = db_conn_query(conn, sql, NULL, NULL, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    return rc < 0 ? error_wrap(err, "%s", sql) : 0;
}

/* An ERR with this text means that there was nothing to do. */
static int run_unless(struct db_conn *conn, const char *sql, const char *already, int64_t deadline_ms,
                      struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = run(conn, sql, deadline_ms, &why);
    if (rc == -EREMOTEIO && strstr(why.text, already) != NULL)
        return 0;
    return rc < 0 ? error_set(err, rc, "%s", why.text) : 0;
}

int admin_pause(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return run_unless(conn, "PROXYSQL PAUSE", "already paused", deadline_ms, err);
}

int admin_resume(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return run_unless(conn, "PROXYSQL RESUME", "not paused", deadline_ms, err);
}

int admin_shutdown(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = run(conn, "PROXYSQL SHUTDOWN", deadline_ms, &why);
    return rc == 0 || rc == -ECONNRESET ? 0 : error_set(err, rc, "%s", why.text);
}

int admin_set_session_idle(struct db_conn *conn, int64_t session_idle_ms, int64_t deadline_ms, struct error *err)
{
    char sql[sql_bytes_max];
    (void)snprintf(sql, sizeof(sql), "SET mysql-session_idle_ms=%lld", (long long)session_idle_ms);
    return run(conn, sql, deadline_ms, err);
}

int admin_set_wait_timeout(struct db_conn *conn, int64_t wait_timeout_ms, int64_t deadline_ms, struct error *err)
{
    char sql[sql_bytes_max];
    (void)snprintf(sql, sizeof(sql), "SET mysql-wait_timeout=%lld", (long long)wait_timeout_ms);
    int rc = run(conn, sql, deadline_ms, err);
    return rc < 0 ? rc : run(conn, "LOAD MYSQL VARIABLES TO RUNTIME", deadline_ms, err);
}

int admin_kill_session(struct db_conn *conn, int64_t session_id, int64_t deadline_ms, struct error *err)
{
    char sql[sql_bytes_max];
    (void)snprintf(sql, sizeof(sql), "KILL CONNECTION %lld", (long long)session_id);
    return run_unless(conn, sql, "Unknown thread id", deadline_ms, err);
}

int admin_wake(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return admin_kill_session(conn, nobody, deadline_ms, err);
}

/* Rows of one number each. */
struct numbers {
    const char *what;
    int64_t *items;
    size_t max;
    size_t count;
};

static int take_number(void *arg, const struct db_row *row, struct error *err)
{
    struct numbers *n = arg;
    if (row->count != 1)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    if (n->count >= n->max)
        return error_set(err, -EPROTO, "more than %zu rows", n->max);
    return read_number(n->what, row->values[0] == NULL ? "" : row->values[0], &n->items[n->count++], err);
}

static int read_numbers(struct db_conn *conn, const char *sql, struct numbers *n, int64_t deadline_ms,
                        struct error *err)
{
    int rc = db_conn_query(conn, sql, take_number, n, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    return rc < 0 ? error_wrap(err, "read %s", n->what) : 0;
}

int admin_count_holders(struct db_conn *conn, int64_t deadline_ms, int64_t *ret_count, struct error *err)
{
    char sql[sql_bytes_max];
    int64_t count = 0;
    struct numbers n = {.what = "the sessions that hold something", .items = &count, .max = 1};
    (void)snprintf(sql, sizeof(sql),
                   "SELECT COUNT(*) FROM stats_mysql_processlist WHERE command = 'Sleep' AND (status_flags & %d) != 0",
                   holder_flags);
    int rc = read_numbers(conn, sql, &n, deadline_ms, err);
    if (rc == 0)
        *ret_count = count;
    return rc;
}

int admin_read_idle_sessions(struct db_conn *conn, int64_t idle_ms, size_t max, int64_t *ret_ids, size_t *ret_count,
                             int64_t deadline_ms, struct error *err)
{
    char sql[sql_bytes_max];
    struct numbers n = {.what = "the idle sessions", .items = ret_ids, .max = max};
    (void)snprintf(sql, sizeof(sql),
                   "SELECT SessionID FROM stats_mysql_processlist WHERE command = 'Sleep' AND srv_host IS NULL AND "
                   "time_ms >= %lld LIMIT %zu",
                   (long long)idle_ms, max);
    int rc = read_numbers(conn, sql, &n, deadline_ms, err);
    if (rc == 0)
        *ret_count = n.count;
    return rc;
}

struct pollers_answer {
    const struct admin_pollers_question *question;
    struct admin_pollers pollers;
    int64_t interval_ms; /* -1 until told, like now_s: both come before the rest */
    int64_t now_s;
    bool self;
};

static bool is_within(const struct pollers_answer *a, int64_t at_s, unsigned intervals)
{
    return (a->now_s - at_s) * 1000 <= a->interval_ms * intervals + 1000;
}

static int take_poller_row(void *arg, const struct db_row *row, struct error *err)
{
    struct pollers_answer *a = arg;
    int64_t number;
    if (row->count != 2 || row->values[0] == NULL || row->values[1] == NULL)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    const char *name = row->values[0];
    int rc = read_number(name, row->values[1], &number, err);
    if (rc < 0)
        return rc;
    if (strcmp(name, "interval") == 0)
        a->interval_ms = number;
    else if (strcmp(name, "now") == 0)
        a->now_s = number;
    else if (a->interval_ms < 0 || a->now_s < 0)
        return error_set(err, -EPROTO, "ProxySQL does not tell its clock and its interval first");
    else if (strcmp(name, "self") == 0)
        a->self = is_within(a, number, a->question->lately);
    else {
        a->pollers.lately += is_within(a, number, a->question->lately) ? 1 : 0;
        a->pollers.long_ago += is_within(a, number, a->question->long_ago) ? 1 : 0;
    }
    return 0;
}

static int append_self(struct buf *sql, const struct admin_pollers_question *q)
{
    if (q->own_host[0] == '\0' || !q->own_success)
        return 0;
    int rc = buf_puts(sql, " UNION ALL SELECT 'self', COALESCE(MAX(updated_at), 0) FROM "
                           "stats_proxysql_servers_checksums WHERE hostname = ");
    if (rc == 0)
        rc = sql_quote(sql, q->own_host);
    return rc == 0 ? buf_printf(sql, " AND port = %u", q->own_port) : rc;
}

int admin_read_pollers(struct db_conn *conn, const struct admin_pollers_question *question, int64_t deadline_ms,
                       struct admin_pollers *ret_pollers, struct error *err)
{
    struct pollers_answer a = {.question = question, .interval_ms = -1, .now_s = -1};
    cleanup_buf struct buf sql;
    buf_init(&sql, pollers_sql_bytes_max);
    int rc = buf_puts(&sql, "SELECT 'interval', variable_value FROM runtime_global_variables WHERE variable_name = "
                            "'admin-cluster_check_interval_ms' UNION ALL SELECT 'now', strftime('%s', 'now')"
                            " UNION ALL SELECT 'seen', last_seen_at FROM stats_proxysql_servers_clients_status");
    if (rc == 0)
        rc = append_self(&sql, question);
    if (rc < 0)
        return error_set(err, rc, "the statement about who polls this node cannot be made");
    rc = db_conn_query(conn, sql.data, take_poller_row, &a, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc == 0 && (a.interval_ms < 0 || a.now_s < 0))
        rc = error_set(err, -EPROTO, "ProxySQL does not tell its clock and its interval");
    if (rc < 0)
        return error_wrap(err, "read who polls this node");
    ret_pollers->lately = a.pollers.lately - (a.self && a.pollers.lately > 0 ? 1 : 0);
    ret_pollers->long_ago = a.pollers.long_ago - (a.self && a.pollers.long_ago > 0 ? 1 : 0);
    return 0;
}
