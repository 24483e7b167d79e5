#include "daemon/proxysql/admin_digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/str.h"

/* A table's name in two parts: whichever text names it makes ProxySQL build the table, and `_reset` empty it. */
static const struct table {
    const char *prefix;
    const char *rest;
    const char *name;
    const char *reset_name;
    const char *schemaname;
} tables[ADMIN_DIGEST_TABLES] = {
    [ADMIN_DIGEST_MYSQL] = {"stats_mysql_query_", "digest", "stats_mysql_query_digest",
                            "stats_mysql_query_digest_reset", "schemaname"},
    [ADMIN_DIGEST_PGSQL] = {"stats_pgsql_query_", "digest", "stats_pgsql_query_digest",
                            "stats_pgsql_query_digest_reset", "database"},
};

static const char *const columns[ADMIN_DIGEST_COLUMNS] = {
    [ADMIN_DIGEST_HOSTGROUP] = "hostgroup",
    [ADMIN_DIGEST_SCHEMANAME] = "schemaname",
    [ADMIN_DIGEST_USERNAME] = "username",
    [ADMIN_DIGEST_CLIENT_ADDRESS] = "client_address",
    [ADMIN_DIGEST_DIGEST] = "digest",
    [ADMIN_DIGEST_DIGEST_TEXT] = "digest_text",
    [ADMIN_DIGEST_COUNT_STAR] = "count_star",
    [ADMIN_DIGEST_FIRST_SEEN] = "first_seen",
    [ADMIN_DIGEST_LAST_SEEN] = "last_seen",
    [ADMIN_DIGEST_SUM_TIME] = "sum_time",
    [ADMIN_DIGEST_MIN_TIME] = "min_time",
    [ADMIN_DIGEST_MAX_TIME] = "max_time",
    [ADMIN_DIGEST_SUM_ROWS_AFFECTED] = "sum_rows_affected",
    [ADMIN_DIGEST_SUM_ROWS_SENT] = "sum_rows_sent",
};

enum { sql_bytes_max = 512, column_bytes_max = 16 * 1024 };

const char *admin_digest_table_name(enum admin_digest_table table, bool reset)
{
    return reset ? tables[table].reset_name : tables[table].name;
}

static const char *column_name(enum admin_digest_table table, unsigned column)
{
    return column == ADMIN_DIGEST_SCHEMANAME ? tables[table].schemaname : columns[column];
}

struct found_columns {
    enum admin_digest_table table;
    bool any;
    bool has[ADMIN_DIGEST_COLUMNS];
};

static int take_column(void *arg, const struct db_row *row, struct error *err)
{
    struct found_columns *found = arg;
    if (row->count != 1 || row->values[0] == NULL)
        return error_set(err, -EPROTO, "ProxySQL answers with a row that is not a column's name");
    found->any = true;
    for (unsigned i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        if (strcmp(column_name(found->table, i), row->values[0]) == 0)
            found->has[i] = true;
    return 0;
}

int admin_check_digests(struct db_conn *conn, enum admin_digest_table table, bool reset, int64_t deadline_ms,
                        struct error *err)
{
    const struct table *t = &tables[table];
    struct found_columns found = {.table = table};
    char sql[sql_bytes_max];
    (void)snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_info('%s' || '%s%s')", t->prefix, t->rest,
                   reset ? "_reset" : "");
    int rc = db_conn_query(conn, sql, take_column, &found, column_bytes_max, deadline_ms, NULL, err);
    if (rc < 0)
        return error_wrap(err, "columns of %s", admin_digest_table_name(table, reset));
    if (!found.any)
        return error_set(err, -ENOENT, "this ProxySQL has no table %s", admin_digest_table_name(table, reset));
    for (unsigned i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        if (!found.has[i])
            return error_set(err, -EPROTO, "this ProxySQL's %s has no column %s", admin_digest_table_name(table, reset),
                             column_name(table, i));
    return 0;
}

static int take_bytes(void *arg, const struct db_row *row, struct error *err)
{
    int64_t *bytes = arg;
    if (row->count != 1)
        return error_set(err, -EPROTO, "ProxySQL answers with a row of %u columns", row->count);
    const char *text = row->values[0] == NULL ? "0" : row->values[0];
    return str_to_int(text, 0, INT64_MAX, bytes) < 0
               ? error_set(err, -EPROTO, "ProxySQL answers \"%.64s\", which is no number of bytes", text)
               : 0;
}

int admin_read_digest_bytes(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_bytes, struct error *err)
{
    /* 3.x has one row for each protocol, 2.x the first one only */
    static const char sql[] = "SELECT CAST(SUM(Variable_Value) AS INTEGER) FROM stats_memory_metrics WHERE "
                              "Variable_Name IN ('query_digest_memory', 'mysql_query_digest_memory', "
                              "'pgsql_query_digest_memory')";
    int64_t bytes = 0;
    int rc = db_conn_query(conn, sql, take_bytes, &bytes, column_bytes_max, deadline_ms, NULL, err);
    if (rc < 0)
        return error_wrap(err, "size of the statistics");
    *ret_bytes = (uint64_t)bytes;
    return 0;
}

static void write_statement(enum admin_digest_table table, bool reset, char ret_sql[static sql_bytes_max])
{
    size_t len = 0;
    for (unsigned i = 0; i < ADMIN_DIGEST_COLUMNS; i++)
        len += (size_t)snprintf(ret_sql + len, sql_bytes_max - len, "%s%s", i == 0 ? "SELECT " : ", ",
                                column_name(table, i));
    (void)snprintf(ret_sql + len, sql_bytes_max - len, " FROM %s", admin_digest_table_name(table, reset));
}

int admin_read_digests(struct db_conn *conn, enum admin_digest_table table, bool reset, const struct db_stream *stream,
                       db_row_fn *fn, void *arg, struct error *err)
{
    char sql[sql_bytes_max];
    write_statement(table, reset, sql);
    return db_conn_stream(conn, sql, stream, fn, arg, err);
}
