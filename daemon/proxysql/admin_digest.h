#pragma once

#include "daemon/proxysql/db_conn.h"

/*
 * The statistics of queries (see admin.h for what admin functions have in common). ProxySQL builds the whole table and
 * the whole answer before it sends the first byte, and holds its admin mutex meanwhile.
 */
enum admin_digest_table { ADMIN_DIGEST_MYSQL, ADMIN_DIGEST_PGSQL, ADMIN_DIGEST_TABLES };

/* The columns of every row, in this order. */
enum admin_digest_column {
    ADMIN_DIGEST_HOSTGROUP,
    ADMIN_DIGEST_SCHEMANAME, /* pgsql's is called database */
    ADMIN_DIGEST_USERNAME,
    ADMIN_DIGEST_CLIENT_ADDRESS,
    ADMIN_DIGEST_DIGEST,
    ADMIN_DIGEST_DIGEST_TEXT,
    ADMIN_DIGEST_COUNT_STAR,
    ADMIN_DIGEST_FIRST_SEEN, /* seconds since 1970, like last_seen */
    ADMIN_DIGEST_LAST_SEEN,
    ADMIN_DIGEST_SUM_TIME, /* microseconds, like min_time and max_time */
    ADMIN_DIGEST_MIN_TIME,
    ADMIN_DIGEST_MAX_TIME,
    ADMIN_DIGEST_SUM_ROWS_AFFECTED,
    ADMIN_DIGEST_SUM_ROWS_SENT,
    ADMIN_DIGEST_COLUMNS
};

/* "stats_mysql_query_digest", or what `_reset` has been put to. */
const char *admin_digest_table_name(enum admin_digest_table table, bool reset);

/* Does this ProxySQL have the table, with every column? The question does not name the table, so nothing is built and
 * nothing is reset. 0, -ENOENT (no such table), -EPROTO (a column is missing; the text names it). */
MUST_CHECK int admin_check_digests(struct db_conn *conn, enum admin_digest_table table, bool reset, int64_t deadline_ms,
                                   struct error *err);

/* About how many bytes ProxySQL's statistics of all tables have, which is about what they have as text. */
MUST_CHECK int admin_read_digest_bytes(struct db_conn *conn, int64_t deadline_ms, uint64_t *ret_bytes,
                                       struct error *err);

/* Hand every row to fn, ADMIN_DIGEST_COLUMNS values each, as it arrives. With reset the same statement takes the rows
 * out of ProxySQL's statistics: those that fn did not see are lost. */
MUST_CHECK int admin_read_digests(struct db_conn *conn, enum admin_digest_table table, bool reset,
                                  const struct db_stream *stream, db_row_fn *fn, void *arg, struct error *err);
