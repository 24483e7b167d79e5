#include "daemon/proxysql/admin_cluster.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/proxysql/sql.h"
#include "shared/str.h"

/* Rows of different tables in one answer: a tag and up to eight values. ProxySQL refreshes each table that the text
 * names. */
#define SQL_OWN "SELECT 'own', name, version, epoch, checksum, '', '', '', '' FROM runtime_checksums_values"
#define SQL_CLUSTER                                                                                             \
    "SELECT 'clock', strftime('%s', 'now'), '', '', '', '', '', '', ''"                                         \
    " UNION ALL SELECT 'variable', variable_name, variable_value, '', '', '', '', '', ''"                       \
    " FROM runtime_global_variables WHERE variable_name IN ('admin-cluster_username',"                          \
    " 'admin-cluster_check_interval_ms', 'admin-cluster_check_status_frequency',"                               \
    " 'admin-cluster_proxysql_servers_diffs_before_sync')"                                                      \
    " UNION ALL SELECT 'member', hostname, port, weight, comment, '', '', '', '' FROM runtime_proxysql_servers" \
    " UNION ALL " SQL_OWN
#define SQL_PEERS                                                                                      \
    " UNION ALL SELECT 'peer', hostname, port, name, version, epoch, checksum, updated_at, diff_check" \
    " FROM stats_proxysql_servers_checksums"
#define SQL_GATE_MODULES " WHERE name IN ('mysql_users', 'mysql_servers_v2')"
#define SQL_GATE                                                                               \
    "SELECT 'clock', strftime('%s', 'now'), '', '', '', '', '', '', ''"                        \
    " UNION ALL SELECT 'users', COUNT(*), '', '', '', '', '', '', '' FROM runtime_mysql_users" \
    " UNION ALL SELECT 'variable', variable_name, variable_value, '', '', '', '', '', ''"      \
    " FROM runtime_global_variables WHERE variable_name = 'admin-cluster_check_interval_ms'"   \
    " UNION ALL " SQL_OWN SQL_GATE_MODULES
#define SQL_METRICS                                                                        \
    " UNION ALL SELECT 'metrics', hostname, port, last_check_ms, Uptime_s, '', '', '', ''" \
    " FROM stats_proxysql_servers_metrics"

enum { columns = 9, statement_bytes_max = 256 * 1024 };

/* So large that ProxySQL never says more, so small that milliseconds, and three times interval x frequency, fit. */
enum { count_max = 1000 * 1000 * 1000 };
static const int64_t number_max = INT64_MAX / 4096;

/* What is read on the way: the metrics table's ages make sense only once the node's clock is known. */
struct reading {
    struct cluster_view view;
    int64_t status_frequency;
};

static int read_up_to(int64_t max, const char *what, const char *text, int64_t *ret_number, struct error *err)
{
    if (str_to_int(text, 0, max, ret_number) < 0)
        return error_set(err, -EPROTO, "ProxySQL answers %s = \"%.64s\", which is no such number", what, text);
    return 0;
}

static int read_number(const char *what, const char *text, int64_t *ret_number, struct error *err)
{
    return read_up_to(number_max, what, text, ret_number, err);
}

static int take_variable(struct reading *r, const char *name, const char *value, struct error *err)
{
    if (strcmp(name, "admin-cluster_username") == 0) {
        r->view.checking = value[0] != '\0';
        return 0;
    }
    if (strcmp(name, "admin-cluster_check_interval_ms") == 0)
        return read_up_to(count_max, name, value, &r->view.check_interval_ms, err);
    if (strcmp(name, "admin-cluster_check_status_frequency") == 0)
        return read_up_to(count_max, name, value, &r->status_frequency, err);
    return read_up_to(count_max, name, value, &r->view.members_diffs_before_sync, err);
}

static int take_member(struct member_list *list, const char *const v[], struct error *err)
{
    struct member m;
    int rc = member_parse(v[1], v[2], v[3], v[4], &m, err);
    return rc < 0 ? rc : member_list_add(list, &m, err);
}

/* v: name, version, epoch, checksum */
static int take_module(struct module_state *s, const char *const v[], struct error *err)
{
    (void)snprintf(s->module, sizeof(s->module), "%s", v[0]);
    (void)snprintf(s->checksum, sizeof(s->checksum), "%s", v[3]);
    int rc = read_number("a module's version", v[1], &s->version, err);
    return rc < 0 ? rc : read_number("a module's epoch", v[2], &s->epoch, err);
}

static int take_own(struct cluster_view *view, const char *const v[], struct error *err)
{
    struct module_state s = {0};
    int rc = take_module(&s, v + 1, err);
    return rc < 0 ? rc : cluster_view_add_own(view, &s, err);
}

static int take_peer_address(struct peer_row *row, const char *const v[], struct error *err)
{
    int64_t port;
    if (!member_host_readable(v[1]) || str_to_int(v[2], 1, 65535, &port) < 0)
        return error_set(err, -EPROTO, "peer \"%.80s\":\"%.20s\" is not an address and a port", v[1], v[2]);
    row->port = (uint16_t)port;
    (void)snprintf(row->host, sizeof(row->host), "%s", v[1]);
    return 0;
}

static int take_peer(struct cluster_view *view, const char *const v[], struct error *err)
{
    struct peer_row row = {0};
    int rc = take_peer_address(&row, v, err);
    if (rc == 0)
        rc = take_module(&row.state, v + 3, err);
    if (rc == 0)
        rc = read_number("updated_at", v[7], &row.updated_at, err);
    if (rc == 0)
        rc = read_number("diff_check", v[8], &row.diff_check, err);
    return rc < 0 ? rc : cluster_view_add_peer(view, &row, err);
}

/* A peer that was never reached has Uptime_s 0 and a last_check_ms that means nothing (seen on 2.7). */
static int take_metrics(struct cluster_view *view, const char *const v[], struct error *err)
{
    struct peer_row row = {0};
    int64_t last_check_ms;
    int64_t uptime_s;
    int rc = take_peer_address(&row, v, err);
    if (rc == 0)
        rc = read_number("last_check_ms", v[3], &last_check_ms, err);
    if (rc == 0)
        rc = read_number("Uptime_s", v[4], &uptime_s, err);
    if (rc < 0)
        return rc;
    if (uptime_s > 0)
        row.updated_at = view->now - last_check_ms / 1000;
    return cluster_view_add_peer(view, &row, err);
}

static int take_cluster_row(void *arg, const struct db_row *row, struct error *err)
{
    struct reading *r = arg;
    const char *v[columns];
    if (row->count != columns || row->values[0] == NULL)
        return error_set(err, -EPROTO, "the cluster statement is answered with a row of %u columns", row->count);
    for (unsigned i = 0; i < columns; i++)
        v[i] = row->values[i] == NULL ? "" : row->values[i];
    if (strcmp(v[0], "clock") == 0)
        return read_number("its clock", v[1], &r->view.now, err);
    if (strcmp(v[0], "variable") == 0)
        return take_variable(r, v[1], v[2], err);
    if (strcmp(v[0], "users") == 0)
        return read_number("the number of users", v[1], &r->view.users, err);
    if (strcmp(v[0], "member") == 0)
        return take_member(&r->view.members, v, err);
    if (strcmp(v[0], "own") == 0)
        return take_own(&r->view, v, err);
    if (strcmp(v[0], "peer") == 0)
        return take_peer(&r->view, v, err);
    if (strcmp(v[0], "metrics") == 0)
        return take_metrics(&r->view, v, err);
    return error_set(err, -EPROTO, "the cluster statement is answered with a row of \"%.32s\"", v[0]);
}

int admin_read_cluster(struct db_conn *conn, bool use_metrics, int64_t deadline_ms, struct cluster_view *ret_view,
                       struct error *err)
{
    struct reading r = {0};
    const char *sql = use_metrics ? SQL_CLUSTER SQL_METRICS : SQL_CLUSTER SQL_PEERS;
    int rc = db_conn_query(conn, sql, take_cluster_row, &r, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc < 0) {
        cluster_view_fini(&r.view);
        return error_wrap(err, "read the cluster's state");
    }
    if (use_metrics)
        r.view.check_interval_ms *= r.status_frequency;
    *ret_view = r.view;
    return 0;
}

/* A peer that makes no sense is left out: what cannot be judged keeps no gate shut. */
static int take_gate_row(void *arg, const struct db_row *row, struct error *err)
{
    if (row->count == 0 || row->values[0] == NULL || strcmp(row->values[0], "peer") != 0)
        return take_cluster_row(arg, row, err);
    struct error why = ERROR_INIT;
    int rc = take_cluster_row(arg, row, &why);
    return rc == 0 || rc == -EPROTO ? 0 : error_set(err, rc, "%s", why.text);
}

int admin_read_gate(struct db_conn *conn, bool with_peers, int64_t deadline_ms, struct cluster_view *ret_view,
                    struct error *err)
{
    struct reading r = {0};
    const char *sql = with_peers ? SQL_GATE SQL_PEERS SQL_GATE_MODULES : SQL_GATE;
    int rc = db_conn_query(conn, sql, take_gate_row, &r, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc < 0) {
        cluster_view_fini(&r.view);
        return error_wrap(err, "read what the sync gate asks");
    }
    *ret_view = r.view;
    return 0;
}

int admin_read_modules(struct db_conn *conn, int64_t deadline_ms, struct cluster_view *ret_view, struct error *err)
{
    struct reading r = {0};
    int rc = db_conn_query(conn, SQL_OWN, take_cluster_row, &r, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc < 0) {
        cluster_view_fini(&r.view);
        return error_wrap(err, "read runtime_checksums_values");
    }
    *ret_view = r.view;
    return 0;
}

static int take_runtime_member(void *arg, const struct db_row *row, struct error *err)
{
    const char *v[5] = {"member"};
    if (row->count != 4)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    for (unsigned i = 0; i < row->count; i++)
        v[i + 1] = row->values[i] == NULL ? "" : row->values[i];
    return take_member(arg, v, err);
}

int admin_read_members(struct db_conn *conn, int64_t deadline_ms, struct member_list *ret_members, struct error *err)
{
    struct member_list members = {0};
    int rc = db_conn_query(conn, "SELECT hostname, port, weight, comment FROM runtime_proxysql_servers",
                           take_runtime_member, &members, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc < 0) {
        member_list_fini(&members);
        return error_wrap(err, "read runtime_proxysql_servers");
    }
    *ret_members = members;
    return 0;
}

static int append_member(struct buf *sql, const struct member *m)
{
    int rc = buf_puts(sql, "(");
    if (rc == 0)
        rc = sql_quote(sql, m->host);
    if (rc == 0)
        rc = buf_printf(sql, ", %u, %lld, ", m->port, (long long)m->weight);
    if (rc == 0)
        rc = sql_quote(sql, m->comment);
    return rc == 0 ? buf_puts(sql, ")") : rc;
}

static int append_key(struct buf *sql, const struct member *m)
{
    char key[MEMBER_HOST_SIZE + 8];
    (void)snprintf(key, sizeof(key), "%s:%u", m->host, m->port);
    return sql_quote(sql, key);
}

/* before, the members by append with commas between, after: run as one statement. */
static int run_list(struct db_conn *conn, const char *before, const struct member_list *members,
                    int (*append)(struct buf *, const struct member *), const char *after, int64_t deadline_ms,
                    struct error *err)
{
    cleanup_buf struct buf sql;
    buf_init(&sql, statement_bytes_max);
    int rc = buf_puts(&sql, before);
    for (size_t i = 0; rc == 0 && i < members->count; i++) {
        if (i > 0)
            rc = buf_puts(&sql, ", ");
        if (rc == 0)
            rc = append(&sql, &members->items[i]);
    }
    if (rc == 0)
        rc = buf_puts(&sql, after);
    if (rc < 0)
        return error_set(err, rc, "a statement with %zu members cannot be made", members->count);
    return db_conn_query(conn, sql.data, NULL, NULL, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
}

int admin_put_members(struct db_conn *conn, const struct member_list *members, int64_t deadline_ms, struct error *err)
{
    for (size_t i = 0; i < members->count; i++)
        if (!member_host_valid(members->items[i].host))
            return error_set(err, -EINVAL,
                             "member hostname \"%.80s\" is neither an address nor a DNS name: not written",
                             members->items[i].host);
    if (members->count == 0)
        return 0;
    int rc = run_list(conn, "REPLACE INTO proxysql_servers (hostname, port, weight, comment) VALUES ", members,
                      append_member, "", deadline_ms, err);
    return rc < 0 ? error_wrap(err, "write proxysql_servers") : 0;
}

int admin_keep_members(struct db_conn *conn, const struct member_list *members, int64_t deadline_ms, struct error *err)
{
    if (members->count == 0)
        return error_set(err, -EINVAL, "proxysql_servers is not emptied by keeping nobody");
    int rc = run_list(conn, "DELETE FROM proxysql_servers WHERE hostname || ':' || port NOT IN (", members, append_key,
                      ")", deadline_ms, err);
    return rc < 0 ? error_wrap(err, "delete from proxysql_servers") : 0;
}

static int run(struct db_conn *conn, const char *sql, int64_t deadline_ms, uint64_t *ret_affected, struct error *err)
{
    int rc = db_conn_query(conn, sql, NULL, NULL, DB_ANSWER_BYTES_MAX, deadline_ms, ret_affected, err);
    return rc < 0 ? error_wrap(err, "%s", sql) : 0;
}

int admin_clear_members(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return run(conn, "DELETE FROM proxysql_servers", deadline_ms, NULL, err);
}

int admin_load_members_from_config(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_rows, struct error *err)
{
    return run(conn, "LOAD PROXYSQL SERVERS FROM CONFIG", deadline_ms, ret_rows, err);
}

int admin_load_members_to_runtime(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return run(conn, "LOAD PROXYSQL SERVERS TO RUNTIME", deadline_ms, NULL, err);
}

int admin_save_members_from_runtime(struct db_conn *conn, int64_t deadline_ms, struct error *err)
{
    return run(conn, "SAVE PROXYSQL SERVERS FROM RUNTIME", deadline_ms, NULL, err);
}
