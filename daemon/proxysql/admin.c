#include "daemon/proxysql/admin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/str.h"

/* ProxySQL refreshes a table when the statement's text names it, so one statement can read all of them (seen on 2.7).
 */
#define SQL_BACKENDS "SELECT 'backends', status, COUNT(*) FROM runtime_mysql_servers GROUP BY status"
#define SQL_NODE                                                                                                     \
    " UNION ALL SELECT 'global', Variable_Name, Variable_Value FROM stats_mysql_global WHERE Variable_Name IN "      \
    "('ProxySQL_Uptime', 'Client_Connections_connected', 'mysql_listener_paused')"                                   \
    " UNION ALL SELECT 'variable', variable_name, variable_value FROM runtime_global_variables WHERE variable_name " \
    "IN ('admin-version', 'mysql-interfaces')"

/* More than any ProxySQL has or lives, and small enough that sums and milliseconds never overflow. */
enum { count_max = 1000 * 1000 * 1000 };
static const int64_t uptime_max_s = 100LL * 366 * 24 * 3600;

struct health_answer {
    struct admin_backends backends;
    struct admin_node node;
    bool has_uptime;
};

static int bad_value(const char *name, const char *value, struct error *err)
{
    return error_set(err, -EPROTO, "ProxySQL answers %s = \"%.64s\", which makes no sense", name, value);
}

static int read_count(const char *name, const char *value, int64_t max, int64_t *ret_count, struct error *err)
{
    return str_to_int(value, 0, max, ret_count) < 0 ? bad_value(name, value, err) : 0;
}

static int take_backends(struct admin_backends *b, const char *status, const char *value, struct error *err)
{
    int64_t count;
    int rc = read_count("the number of backends", value, count_max, &count, err);
    if (rc < 0)
        return rc;
    b->total += count;
    if (strcmp(status, "ONLINE") == 0)
        b->online += count;
    else if (strncmp(status, "SHUNNED", strlen("SHUNNED")) == 0)
        b->shunned += count;
    return 0;
}

static int take_global(struct health_answer *a, const char *name, const char *value, struct error *err)
{
    if (strcmp(name, "ProxySQL_Uptime") == 0) {
        a->has_uptime = true;
        return read_count(name, value, uptime_max_s, &a->node.uptime_s, err);
    }
    if (strcmp(name, "Client_Connections_connected") == 0)
        return read_count(name, value, count_max, &a->node.clients, err);
    if (strcmp(name, "mysql_listener_paused") == 0)
        a->node.paused = strcmp(value, "true") == 0;
    return 0;
}

static void take_variable(struct admin_node *node, const char *name, const char *value)
{
    if (strcmp(name, "admin-version") == 0)
        (void)snprintf(node->version, sizeof(node->version), "%s", value);
    else if (strcmp(name, "mysql-interfaces") == 0)
        (void)snprintf(node->interfaces, sizeof(node->interfaces), "%s", value);
}

static int take_health_row(void *arg, const struct db_row *row, struct error *err)
{
    struct health_answer *a = arg;
    if (row->count != 3)
        return error_set(err, -EPROTO, "ProxySQL answers the health statement with a row of %u columns", row->count);
    if (row->values[0] == NULL || row->values[1] == NULL)
        return error_set(err, -EPROTO, "ProxySQL answers the health statement with a row without a name");
    const char *name = row->values[1];
    const char *value = row->values[2] == NULL ? "" : row->values[2];
    if (strcmp(row->values[0], "backends") == 0)
        return take_backends(&a->backends, name, value, err);
    if (strcmp(row->values[0], "global") == 0)
        return take_global(a, name, value, err);
    take_variable(&a->node, name, value);
    return 0;
}

int admin_read_health(struct db_conn *conn, int64_t deadline_ms, struct admin_backends *ret_backends,
                      struct admin_node *ret_node, struct error *err)
{
    struct health_answer answer = {0};
    const char *sql = ret_node == NULL ? SQL_BACKENDS : SQL_BACKENDS SQL_NODE;
    int rc = db_conn_query(conn, sql, take_health_row, &answer, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
    if (rc < 0)
        return error_wrap(err, "health statement");
    if (ret_node != NULL && !answer.has_uptime)
        return error_set(err, -EPROTO, "health statement: ProxySQL does not tell its ProxySQL_Uptime");
    *ret_backends = answer.backends;
    if (ret_node != NULL)
        *ret_node = answer.node;
    return 0;
}
