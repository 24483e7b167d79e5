#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/proxysql/db_connect.h"
#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/histogram.h"

/*
 * One connection to ProxySQL's admin interface, with total deadlines for connect and statement that hold against a
 * server which sends one byte a second: MariaDB Connector/C's non-blocking calls and poll(2).
 *
 * A statement past its deadline is not cancelled: ProxySQL's admin thread waits for the mutex without looking at its
 * socket and executes the statement afterwards (docs/proxysql-facts.md). The connection stays busy then and
 * db_conn_resume() tells when the answer came.
 *
 * A connection belongs to one thread at a time. Every thread that used one calls db_thread_end() before it ends.
 */
struct db_conn;

enum { DB_ANSWER_BYTES_MAX = 16 * 1024 * 1024 }; /* one answer, unless its reader streams */

/* One row of an answer; valid only during the call. Values are text, NULL for SQL's NULL. */
struct db_row {
    unsigned count;
    char *const *values;
    const unsigned long *lengths;
};

/* Takes one row. A negative return ends the statement with that code; the connection is then closed. */
typedef int db_row_fn(void *arg, const struct db_row *row, struct error *err);

/* A new, unconnected connection. Never fails. */
struct db_conn *db_conn_new(const struct db_params *params);

/* Close at once, whatever is in flight. NULL is fine. */
void db_conn_free(struct db_conn *conn);

/* Connect and log in to a numeric address. 0, -ETIMEDOUT (then busy, but for a TLS handshake), -ECONNREFUSED, -EACCES
 * (login denied), -ECONNRESET (lost in the middle), -EPROTO (not what a MySQL server says, or no TLS where it is
 * required), -EHOSTUNREACH and the like, -ECANCELED. A failed connection that is not busy is good for db_conn_free()
 * only. */
MUST_CHECK int db_conn_connect(struct db_conn *conn, const char *address, uint16_t port, const char *password,
                               int64_t deadline_ms, struct error *err);

/* Run one statement and hand its rows to fn (NULL: rows are skipped). The answer may have at most max_bytes bytes
 * (0 = no limit, for readers that stream). ret_affected may be NULL. Returns 0; -EREMOTEIO: ProxySQL answered ERR, the
 * connection is fine; -ETIMEDOUT: the connection is busy; -ECONNRESET (lost), -EPROTO (not what a MySQL server
 * answers), -EMSGSIZE, -ECANCELED or fn's code: broken. */
MUST_CHECK int db_conn_query(struct db_conn *conn, const char *sql, db_row_fn *fn, void *arg, size_t max_bytes,
                             int64_t deadline_ms, uint64_t *ret_affected, struct error *err);

/* How long a statement whose answer is read row by row, without any limit, may keep its reader waiting. */
struct db_stream {
    int64_t answer_ms;                         /* for the first row */
    int64_t gap_ms;                            /* for each further one */
    int64_t tick_ms;                           /* while waiting, tick() is called so often */
    int (*tick)(void *arg, struct error *err); /* a negative return ends the statement with that code */
};

/* How long statements took, on all connections, up to their answer's end or to the deadline. Thread-safe. */
const struct histogram *db_statement_durations(void);

/* Run one statement whose answer may be of any length. Returns what db_conn_query() returns; fn's or tick's code:
 * broken. -ETIMEDOUT: no row within the stream's limits. */
MUST_CHECK int db_conn_stream(struct db_conn *conn, const char *sql, const struct db_stream *stream, db_row_fn *fn,
                              void *arg, struct error *err);

/* An operation that ran into its deadline is still in flight. */
bool db_conn_busy(const struct db_conn *conn);

/* The answer of the statement in flight has begun to arrive. */
bool db_conn_answering(const struct db_conn *conn);

/* The connection is good for db_conn_free() only. */
bool db_conn_broken(const struct db_conn *conn);

/* Broken by the other side: it hung up, or there was nobody to connect to. */
bool db_conn_lost(const struct db_conn *conn);

/* Without waiting: go on with the operation in flight, throwing its rows away. 0 when it has ended (whatever the answer
 * was), -EINPROGRESS, or -ECONNRESET when the connection is gone. */
MUST_CHECK int db_conn_resume(struct db_conn *conn);

/* The peer closed an idle connection, or said something unasked: it is not to be used again. Does not wait. */
bool db_conn_stale(const struct db_conn *conn);
