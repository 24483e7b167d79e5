#pragma once

#include "daemon/drain/arrivals.h"
#include "daemon/drain/drain_state.h"
#include "daemon/jobs/job_table.h"
#include "daemon/proxysql/admin_drain.h"

/*
 * ProxySQL as the drain job sees it: statements that may fail at any moment, each with its own bound, on a connection
 * that is fetched again when it was lost. Runs on the job's thread.
 */
struct drain_node {
    const struct job_context *context;
    struct drain_state *state;
    struct drain_order order; /* what the job works on: a wait ends when it is another one */
    struct db_conn *conn;     /* of DB_LANE_DRAIN; NULL while there is none */
    bool pgsql;               /* this version has PostgreSQL clients */
    bool checksums_unsafe;    /* its stats_proxysql_servers_checksums must not be read */
    struct arrivals arrivals;
    int64_t new_clients; /* that the last look saw come, since the one before */
    int64_t connects;    /* of this module to the traffic port, which ProxySQL takes for clients */
};

/* Returned by waits when what is wanted has changed meanwhile. */
enum { DRAIN_ORDER_CHANGED = 1 };

void drain_node_init(struct drain_node *node, const struct job_context *context, struct drain_state *state);

/* Give the connection back. */
void drain_node_fini(struct drain_node *node);

/* When a statement that begins now must have ended, at the latest at limit_ms. */
int64_t drain_node_deadline_ms(const struct drain_node *node, int64_t limit_ms);

/* After each statement on node->conn: look what became of the connection, which is given back when it is of no more
 * use. Returns rc. */
int drain_node_settle(struct drain_node *node, int rc);

/* One look at the clients, and at who has come since the last one; they are recorded in the state. */
MUST_CHECK int drain_node_look(struct drain_node *node, int64_t limit_ms, struct admin_traffic *ret_traffic,
                               struct error *err);

/* For how long no client has come, as far as it was looked; 0 = somebody just came, or it is not known. */
int64_t drain_node_quiet_ms(const struct drain_node *node);

/* Nobody listens, on neither port. */
bool drain_node_gone(struct drain_node *node);
/* New clients are refused. */
bool drain_node_refuses_clients(struct drain_node *node);

/* PAUSE or RESUME, and see whether new clients are refused or accepted afterwards, whatever the answer was. 0,
 * DRAIN_ORDER_CHANGED, or why it is not so at limit_ms. */
MUST_CHECK int drain_node_pause(struct drain_node *node, int64_t limit_ms, struct error *err);
MUST_CHECK int drain_node_resume(struct drain_node *node, int64_t limit_ms, struct error *err);

/* SHUTDOWN, and wait until nobody listens any more, until limit_ms. */
MUST_CHECK int drain_node_stop(struct drain_node *node, int64_t limit_ms, struct error *err);
