#pragma once

#include "daemon/cluster/member.h"
#include "daemon/proxysql/db_conn.h"

/*
 * Who checks and pulls from this node, as stats_proxysql_servers_clients_status tells: each node of the cluster that
 * has logged in here as one, satellites too, which nothing else names. Rows of nodes that are gone stay in the table.
 */
enum { PULLERS_MAX = 256, PULLER_UUID_SIZE = 64, PULLER_HOST_SIZE = 64 };

struct puller {
    char uuid[PULLER_UUID_SIZE];
    char host[PULLER_HOST_SIZE]; /* the address that it comes from */
    int64_t age_s;               /* since its last statement here, by ProxySQL's clock */
};

struct puller_list {
    struct puller *items; /* owned; NULL while count is 0 */
    size_t count;
};

void puller_list_fini(struct puller_list *list);

/* One for each node, by its newest connection; at most PULLERS_MAX, the others are left out. See admin.h for what
 * statements have in common. */
MUST_CHECK int admin_read_pullers(struct db_conn *conn, int64_t deadline_ms, struct puller_list *ret_pullers,
                                  struct error *err);
