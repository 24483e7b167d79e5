#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/proxysql/db_conn.h"

/*
 * The statements of a drain, as typed functions (see admin.h for what they have in common).
 */

/* What is looked at while clients leave, in one statement. It makes ProxySQL rebuild stats_mysql_global: not more than
 * a few times a second. */
struct admin_traffic {
    int64_t clients;         /* on the MySQL ports now; one that is only being greeted counts */
    int64_t pgsql_clients;   /* on the PostgreSQL ports; 0 where there are none */
    int64_t created;         /* connections to the MySQL ports of its whole life, also of who never logs in */
    int64_t pgsql_created;   /* the same of the PostgreSQL ports */
    int64_t transactions;    /* of the MySQL clients, open ones */
    bool paused;             /* false where the version cannot tell (before 2.6) */
    int64_t wait_timeout_ms; /* runtime's mysql-wait_timeout */
    int64_t session_idle_ms; /* runtime's mysql-session_idle_ms; -1 = not told */
    int64_t uptime_s;
};

/* pgsql: this version has the PostgreSQL module (capability.h). */
MUST_CHECK int admin_read_traffic(struct db_conn *conn, bool pgsql, int64_t deadline_ms,
                                  struct admin_traffic *ret_traffic, struct error *err);

/* PROXYSQL PAUSE: 0 also when it is paused already. Holds the admin mutex until every worker has looked up, which takes
 * up to mysql-poll_timeout, and 6 to 7 s where there is the PostgreSQL module (docs/proxysql-facts.md). Versions 3.0.0
 * to 3.0.2 answer twice: use a connection that is thrown away. */
MUST_CHECK int admin_pause(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* PROXYSQL RESUME: 0 also when it is not paused. It may never answer (docs/proxysql-facts.md). */
MUST_CHECK int admin_resume(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* PROXYSQL SHUTDOWN: 0 when it was heard, which is a lost connection. */
MUST_CHECK int admin_shutdown(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* mysql-wait_timeout in memory, and LOAD MYSQL VARIABLES TO RUNTIME: a new epoch for the whole module. */
MUST_CHECK int admin_set_wait_timeout(struct db_conn *conn, int64_t wait_timeout_ms, int64_t deadline_ms,
                                      struct error *err);

/* mysql-session_idle_ms in memory, for the next LOAD MYSQL VARIABLES: with --idle-threads sessions that are idle for so
 * long go to a thread for idle ones, which ends them only once in 2 s and is not woken (docs/proxysql-facts.md); with
 * the longest that ProxySQL takes none goes there. Without --idle-threads this changes nothing. */
enum { ADMIN_SESSION_IDLE_MAX_MS = 3600 * 1000 };
MUST_CHECK int admin_set_session_idle(struct db_conn *conn, int64_t session_idle_ms, int64_t deadline_ms,
                                      struct error *err);

/* Wake every worker: a KILL CONNECTION of a session that cannot exist. */
MUST_CHECK int admin_wake(struct db_conn *conn, int64_t deadline_ms, struct error *err);

/* KILL CONNECTION: 0 also when the session has gone. */
MUST_CHECK int admin_kill_session(struct db_conn *conn, int64_t session_id, int64_t deadline_ms, struct error *err);

/* Client sessions between two statements that hold a table lock, a temporary table or a GET_LOCK(). Locks every worker
 * for a moment. */
MUST_CHECK int admin_count_holders(struct db_conn *conn, int64_t deadline_ms, int64_t *ret_count, struct error *err);

/* Up to max sessions that are idle for idle_ms at least and have no backend connection: no transaction, no lock, no
 * temporary table. Locks every worker for a moment. */
MUST_CHECK int admin_read_idle_sessions(struct db_conn *conn, int64_t idle_ms, size_t max, int64_t *ret_ids,
                                        size_t *ret_count, int64_t deadline_ms, struct error *err);

/* Who asks this node for its checksums. The node itself does so too while it is in its own list (seen on 2.7), under a
 * name that nothing tells: so it is known by its own success. */
struct admin_pollers_question {
    const char *own_host; /* this node's row of the list; "" = not known */
    uint16_t own_port;
    bool own_success; /* stats_proxysql_servers_checksums may be read (capability.h) */
    unsigned lately;  /* intervals */
    unsigned long_ago;
};

struct admin_pollers {
    unsigned lately;   /* other nodes that asked within so many intervals, and a second for rounding */
    unsigned long_ago; /* the same for the longer time */
};

MUST_CHECK int admin_read_pollers(struct db_conn *conn, const struct admin_pollers_question *question,
                                  int64_t deadline_ms, struct admin_pollers *ret_pollers, struct error *err);
