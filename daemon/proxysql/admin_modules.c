#include "daemon/proxysql/admin_modules.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/str.h"

/* What is compared of a table: runtime has no rows that are not active, shows what the monitor has done, and has two
 * rows for a user of clients and of servers (seen on 2.7 and 3.0). */
struct table {
    const char *name;
    const char *columns;
    const char *key; /* of the columns, what tells a row from others */
    const char *where;
};

struct module {
    const char *name;
    const char *checksum;     /* in runtime_checksums_values */
    const char *checksum_2_5; /* where that is not there; NULL = the same */
    struct table tables[MODULE_TABLES_MAX];
    struct table variables; /* of modules without tables */
};

#define GROUPS "writer_hostgroup"
static const struct module modules[ADMIN_MODULES] = {
    [MODULE_ADMIN_VARIABLES] = {.name = "ADMIN VARIABLES",
                                .checksum = "admin_variables",
                                .variables = {"global_variables", "*", "variable_name",
                                              "variable_name LIKE 'admin-%'"}},
    [MODULE_MYSQL_VARIABLES] = {.name = "MYSQL VARIABLES",
                                .checksum = "mysql_variables",
                                .variables = {"global_variables", "*", "variable_name",
                                              "variable_name LIKE 'mysql-%'"}},
    [MODULE_MYSQL_SERVERS] =
        {.name = "MYSQL SERVERS",
         .checksum = "mysql_servers_v2",
         .checksum_2_5 = "mysql_servers",
         .tables = {{"mysql_servers",
                     "hostgroup_id, hostname, port, gtid_port, CASE WHEN status LIKE 'SHUNNED%' THEN 'ONLINE' ELSE "
                     "UPPER(status) END, weight, compression, max_connections, max_replication_lag, use_ssl, "
                     "max_latency_ms, comment",
                     "hostgroup_id || ' ' || hostname || ':' || port", "UPPER(status) <> 'OFFLINE_HARD'"},
                    {"mysql_replication_hostgroups", "*", GROUPS, "1"},
                    {"mysql_group_replication_hostgroups", "*", GROUPS, "1"},
                    {"mysql_galera_hostgroups", "*", GROUPS, "1"},
                    {"mysql_aws_aurora_hostgroups", "*", GROUPS, "1"},
                    {"mysql_servers_ssl_params", "*", "hostname || ':' || port || ' ' || username", "1"}}},
    [MODULE_MYSQL_USERS] =
        {.name = "MYSQL USERS",
         .checksum = "mysql_users",
         .tables = {{"mysql_users",
                     "username, password, use_ssl, default_hostgroup, COALESCE(default_schema, ''), schema_locked, "
                     "transaction_persistent, fast_forward, max_connections, attributes, comment",
                     "username", "active = 1"}}},
    [MODULE_MYSQL_QUERY_RULES] = {.name = "MYSQL QUERY RULES",
                                  .checksum = "mysql_query_rules",
                                  .tables = {{"mysql_query_rules", "*", "rule_id", "active = 1"}}},
};

enum { statement_bytes_max = 16 * 1024 };

const char *admin_module_name(enum admin_module module)
{
    return modules[module].name;
}

const char *admin_module_table(enum admin_module module, size_t index)
{
    return index < MODULE_TABLES_MAX ? modules[module].tables[index].name : NULL;
}

const struct module_state *admin_module_own(const struct cluster_view *view, enum admin_module module)
{
    const struct module_state *own = cluster_view_own(view, modules[module].checksum);
    if (own == NULL && modules[module].checksum_2_5 != NULL)
        own = cluster_view_own(view, modules[module].checksum_2_5);
    return own;
}

/* Run what the format makes. It is never longer than the limit: our own names only. */
static int runf(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_affected, struct error *err, const char *fmt,
                ...) PRINTF_FORMAT(5, 6);
static int runf(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_affected, struct error *err, const char *fmt,
                ...)
{
    char sql[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(sql, sizeof(sql), fmt, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof(sql));
    int rc = db_conn_query(conn, sql, NULL, NULL, DB_ANSWER_BYTES_MAX, deadline_ms, ret_affected, err);
    return rc < 0 ? error_wrap(err, "%s", sql) : 0;
}

int admin_module_from_config(struct db_conn *conn, enum admin_module module, int64_t deadline_ms, uint64_t *ret_rows,
                             struct error *err)
{
    return runf(conn, deadline_ms, ret_rows, err, "LOAD %s FROM CONFIG", modules[module].name);
}

int admin_module_to_runtime(struct db_conn *conn, enum admin_module module, int64_t deadline_ms, struct error *err)
{
    return runf(conn, deadline_ms, NULL, err, "LOAD %s TO RUNTIME", modules[module].name);
}

int admin_module_save_from_runtime(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                                   struct error *err)
{
    return runf(conn, deadline_ms, NULL, err, "SAVE %s FROM RUNTIME", modules[module].name);
}

/* What the answers about tables are read into. */
struct counting {
    enum admin_module module;
    struct module_rows rows;
    bool exists[MODULE_TABLES_MAX];
};

static int find_table(enum admin_module module, const char *name)
{
    for (int i = 0; i < MODULE_TABLES_MAX; i++) {
        const char *known = modules[module].tables[i].name;
        if (known != NULL && name != NULL && strcmp(known, name) == 0)
            return i;
    }
    return -1;
}

static int take_table(void *arg, const struct db_row *row, struct error *err)
{
    struct counting *c = arg;
    int i = row->count == 1 ? find_table(c->module, row->values[0]) : -1;
    if (i < 0)
        return error_set(err, -EPROTO, "a row of %u columns that names no table that was asked for", row->count);
    c->exists[i] = true;
    return 0;
}

static int take_count(void *arg, const struct db_row *row, struct error *err)
{
    struct counting *c = arg;
    int i = row->count == 3 ? find_table(c->module, row->values[0]) : -1;
    if (i < 0)
        return error_set(err, -EPROTO, "a row of %u columns that names no table that was asked for", row->count);
    for (unsigned v = 1; v < 3; v++) {
        int64_t *number = v == 1 ? &c->rows.memory[i] : &c->rows.runtime[i];
        if (row->values[v] == NULL || str_to_int(row->values[v], 0, INT32_MAX, number) < 0)
            return error_set(err, -EPROTO, "the number of rows of %s is \"%.32s\"", row->values[0],
                             row->values[v] == NULL ? "" : row->values[v]);
    }
    return 0;
}

/* Append one part for each table of the module, with text between them. */
static int append_tables(struct buf *sql, enum admin_module module, const bool *exists, const char *between,
                         int (*append)(struct buf *, const struct table *))
{
    int rc = 0;
    bool first = true;
    for (size_t i = 0; rc == 0 && i < MODULE_TABLES_MAX; i++) {
        const struct table *t = &modules[module].tables[i];
        if (t->name == NULL || (exists != NULL && !exists[i]))
            continue;
        if (!first)
            rc = buf_puts(sql, between);
        if (rc == 0)
            rc = append(sql, t);
        first = false;
    }
    return rc;
}

static int append_name(struct buf *sql, const struct table *t)
{
    return buf_printf(sql, "'%s'", t->name);
}

static int append_count(struct buf *sql, const struct table *t)
{
    return buf_printf(sql, "SELECT '%s', (SELECT COUNT(*) FROM %s), (SELECT COUNT(*) FROM runtime_%s)", t->name,
                      t->name, t->name);
}

/* Both directions; EXCEPT also makes one of the two rows of a user. */
static int append_difference(struct buf *sql, const struct table *t)
{
    int rc = 0;
    for (int in_memory = 1; rc == 0 && in_memory >= 0; in_memory--)
        rc = buf_printf(sql,
                        "%sSELECT '%s', '%d', %s FROM (SELECT %s FROM %s%s WHERE %s EXCEPT SELECT %s FROM %s%s WHERE "
                        "%s)",
                        in_memory == 1 ? "" : " UNION ALL ", t->name, in_memory, t->key, t->columns,
                        in_memory == 1 ? "" : "runtime_", t->name, t->where, t->columns,
                        in_memory == 1 ? "runtime_" : "", t->name, t->where);
    return rc;
}

static int query(struct db_conn *conn, const struct buf *sql, int made, db_row_fn *fn, void *arg, int64_t deadline_ms,
                 struct error *err)
{
    if (made < 0)
        return error_set(err, made, "a statement about tables is too long");
    return db_conn_query(conn, sql->data, fn, arg, DB_ANSWER_BYTES_MAX, deadline_ms, NULL, err);
}

/* Which of the module's tables this version has: mysql_servers_ssl_params came with 2.6. */
static int read_tables(struct db_conn *conn, struct counting *c, int64_t deadline_ms, struct error *err)
{
    cleanup_buf struct buf sql;
    buf_init(&sql, statement_bytes_max);
    int made = buf_puts(&sql, "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN (");
    if (made == 0)
        made = append_tables(&sql, c->module, NULL, ", ", append_name);
    if (made == 0)
        made = buf_puts(&sql, ")");
    int rc = query(conn, &sql, made, take_table, c, deadline_ms, err);
    return rc < 0 ? error_wrap(err, "read the names of tables") : 0;
}

int admin_module_count(struct db_conn *conn, enum admin_module module, int64_t deadline_ms,
                       struct module_rows *ret_rows, struct error *err)
{
    struct counting c = {.module = module};
    memset(c.rows.memory, -1, sizeof(c.rows.memory));
    int rc = read_tables(conn, &c, deadline_ms, err);
    if (rc < 0)
        return rc;
    cleanup_buf struct buf sql;
    buf_init(&sql, statement_bytes_max);
    int made = append_tables(&sql, module, c.exists, " UNION ALL ", append_count);
    rc = query(conn, &sql, made, take_count, &c, deadline_ms, err);
    if (rc < 0)
        return error_wrap(err, "count the rows of %s", modules[module].name);
    *ret_rows = c.rows;
    return 0;
}

int admin_module_clear(struct db_conn *conn, enum admin_module module, size_t index, int64_t deadline_ms,
                       struct error *err)
{
    return runf(conn, deadline_ms, NULL, err, "DELETE FROM %s", modules[module].tables[index].name);
}

int admin_module_copy_runtime(struct db_conn *conn, enum admin_module module, size_t index, int64_t deadline_ms,
                              struct error *err)
{
    const struct table *t = &modules[module].tables[index];
    return runf(conn, deadline_ms, NULL, err, "INSERT INTO %s SELECT %s FROM runtime_%s WHERE %s", t->name, t->columns,
                t->name, t->where);
}

struct comparing {
    module_difference_fn *fn;
    void *arg;
};

static int take_difference(void *arg, const struct db_row *row, struct error *err)
{
    const struct comparing *c = arg;
    if (row->count != 3 || row->values[0] == NULL || row->values[1] == NULL)
        return error_set(err, -EPROTO, "a row of %u columns", row->count);
    c->fn(c->arg, row->values[0], strcmp(row->values[1], "1") == 0, row->values[2] == NULL ? "" : row->values[2]);
    return 0;
}

int admin_module_compare(struct db_conn *conn, enum admin_module module, int64_t deadline_ms, module_difference_fn *fn,
                         void *arg, struct error *err)
{
    struct counting c = {.module = module};
    struct comparing comparing = {.fn = fn, .arg = arg};
    bool variables = modules[module].tables[0].name == NULL;
    int rc = variables ? 0 : read_tables(conn, &c, deadline_ms, err);
    if (rc < 0)
        return rc;
    cleanup_buf struct buf sql;
    buf_init(&sql, statement_bytes_max);
    int made = variables ? append_difference(&sql, &modules[module].variables)
                         : append_tables(&sql, module, c.exists, " UNION ALL ", append_difference);
    rc = query(conn, &sql, made, take_difference, &comparing, deadline_ms, err);
    return rc < 0 ? error_wrap(err, "compare memory with runtime: %s", modules[module].name) : 0;
}

#define COPY_PREFIX "proxysql_agent_"

static int keep_table(struct db_conn *conn, const struct table *t, const char *where, int64_t deadline_ms,
                      struct error *err)
{
    int rc = runf(conn, deadline_ms, NULL, err, "DROP TABLE IF EXISTS " COPY_PREFIX "%s", t->name);
    if (rc == 0)
        rc = runf(conn, deadline_ms, NULL, err, "CREATE TEMP TABLE " COPY_PREFIX "%s AS SELECT * FROM %s WHERE %s",
                  t->name, t->name, where);
    return rc;
}

static int put_table_back(struct db_conn *conn, const struct table *t, int64_t deadline_ms, struct error *err)
{
    int rc = runf(conn, deadline_ms, NULL, err, "DELETE FROM %s", t->name);
    if (rc == 0)
        rc = runf(conn, deadline_ms, NULL, err, "INSERT INTO %s SELECT * FROM " COPY_PREFIX "%s", t->name, t->name);
    return rc;
}

/* Never without their rows: only those go that were not there. */
static int put_variables_back(struct db_conn *conn, const struct table *t, int64_t deadline_ms, struct error *err)
{
    int rc = runf(conn, deadline_ms, NULL, err, "REPLACE INTO %s SELECT * FROM " COPY_PREFIX "%s", t->name, t->name);
    if (rc == 0)
        rc = runf(conn, deadline_ms, NULL, err,
                  "DELETE FROM %s WHERE %s AND variable_name NOT IN (SELECT variable_name FROM " COPY_PREFIX "%s)",
                  t->name, t->where, t->name);
    return rc;
}

static int drop_copy(struct db_conn *conn, const struct table *t, int64_t deadline_ms, struct error *err)
{
    return runf(conn, deadline_ms, NULL, err, "DROP TABLE " COPY_PREFIX "%s", t->name);
}

int admin_module_keep(struct db_conn *conn, enum admin_module module, int64_t deadline_ms, struct error *err)
{
    const struct module *m = &modules[module];
    struct counting c = {.module = module};
    if (m->tables[0].name == NULL)
        return keep_table(conn, &m->variables, m->variables.where, deadline_ms, err);
    int rc = read_tables(conn, &c, deadline_ms, err);
    for (size_t i = 0; rc == 0 && i < MODULE_TABLES_MAX; i++)
        if (c.exists[i])
            rc = keep_table(conn, &m->tables[i], "1", deadline_ms, err);
    return rc;
}

int admin_module_put_back(struct db_conn *conn, enum admin_module module, int64_t deadline_ms, struct error *err)
{
    const struct module *m = &modules[module];
    struct counting c = {.module = module};
    if (m->tables[0].name == NULL) {
        int rc = put_variables_back(conn, &m->variables, deadline_ms, err);
        return rc == 0 ? drop_copy(conn, &m->variables, deadline_ms, err) : rc;
    }
    int rc = read_tables(conn, &c, deadline_ms, err);
    for (size_t i = 0; rc == 0 && i < MODULE_TABLES_MAX; i++) {
        if (!c.exists[i])
            continue;
        rc = put_table_back(conn, &m->tables[i], deadline_ms, err);
        if (rc == 0)
            rc = drop_copy(conn, &m->tables[i], deadline_ms, err);
    }
    return rc;
}
