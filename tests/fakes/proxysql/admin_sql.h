#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "tests/fakes/proxysql/cluster_client.h"
#include "tests/fakes/proxysql/node.h"
#include "tests/fakes/proxysql/packet.h"

/*
 * What ProxySQL's admin interface makes of one COM_QUERY: its own commands, the few statements of MySQL clients that it
 * pretends to understand, and SQLite for the rest (lib/ProxySQL_Admin.cpp, admin_session_handler).
 */

struct admin_client {
    bool stats; /* a stats user: the stats schema only, read only, no commands */
    const char *user;
    const char *peer;
    unsigned peer_port;
    struct cluster_client *cluster_client; /* the connection's */
};

/* Execute and write the answer's packets. The caller is inside the gate. May end the process (PROXYSQL SHUTDOWN).
 * Returns false when the answer is an error. */
bool admin_sql_execute(struct node *node, const struct admin_client *client, const char *statement,
                       struct packet_writer *out);
