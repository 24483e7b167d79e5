#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/node.h"

/*
 * Who polls this node: an admin connection that has named itself by PROXYSQL CLUSTER_NODE_UUID. Each of its statements
 * renews its row of stats_proxysql_servers_clients_status; a row stays when the connection is gone
 * (lib/ProxySQL_Admin.cpp, admin_session_handler, __run_query). Used only inside the gate.
 */
enum { CLUSTER_CLIENT_TEXT_MAX = 256 };

struct cluster_client {
    char uuid[CLUSTER_CLIENT_TEXT_MAX]; /* "" = it is no peer */
    char interfaces[CLUSTER_CLIENT_TEXT_MAX];
};

/* What stands behind CLUSTER_NODE_UUID: "<uuid> <interfaces>". False: it does not. */
MUST_CHECK bool cluster_client_name(struct cluster_client *c, const char *text);

/* It has sent a statement that ProxySQL's SQLite executes, from this address. */
void cluster_client_seen(const struct cluster_client *c, struct node *node, const char *host, unsigned port);
