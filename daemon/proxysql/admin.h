#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/proxysql/db_conn.h"

/*
 * The statements that the agent sends to ProxySQL's admin interface, one typed function each. All of them run on a
 * borrowed connection, end by deadline_ms (monotonic) and return what db_conn_query() returns, or -EPROTO when the
 * answer is not what the statement can answer. No other file spells SQL.
 */

/* Where ProxySQL's names for a state of a backend come from: include/MySQL_HostGroups_Manager.h, MySerStatus. */
struct admin_backends {
    int64_t online;
    int64_t shunned; /* SHUNNED and SHUNNED_REPLICATION_LAG */
    int64_t total;   /* every row of runtime_mysql_servers, OFFLINE_ ones too */
};

enum { ADMIN_VERSION_SIZE = 64, ADMIN_INTERFACES_SIZE = 512 };

struct admin_node {
    int64_t uptime_s;
    int64_t clients;                        /* connected on the traffic ports now */
    bool paused;                            /* false where the version cannot tell (before 2.6) */
    char version[ADMIN_VERSION_SIZE];       /* "2.7.2-14-g5cc418b" */
    char interfaces[ADMIN_INTERFACES_SIZE]; /* mysql-interfaces: "0.0.0.0:6033;/tmp/proxysql.sock" */
};

/* The health statement: the backends' states. With ret_node != NULL the same statement also reads about the node; that
 * makes ProxySQL rebuild stats_mysql_global, so not more often than needed. */
MUST_CHECK int admin_read_health(struct db_conn *conn, int64_t deadline_ms, struct admin_backends *ret_backends,
                                 struct admin_node *ret_node, struct error *err);
