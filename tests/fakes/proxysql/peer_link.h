#pragma once

#include <mysql.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/peer.h"

/*
 * A connection to a peer's admin port. As in ProxySQL only the connect has a deadline (1 s): a question to a peer whose
 * admin mutex is held waits until it is free, so that nothing piles up there; cluster_stop() ends it. A link belongs to
 * one thread.
 */
struct peer_link {
    struct peer *peer; /* whose thread uses it */
    enum peer_use use;
    MYSQL *connection;
};

/* Connect to host with the cluster's user. ret_address (INET6_ADDRSTRLEN bytes, NULL = not asked for) gets the address
 * that answered. False: there is no connection, and nothing to close. */
MUST_CHECK bool peer_link_open(struct peer_link *link, struct peer *peer, enum peer_use use, const char *host,
                               uint16_t port, char *ret_address);
void peer_link_close(struct peer_link *link);

/* All rows of a question, to be freed by mysql_free_result(); NULL when it failed. */
MUST_CHECK MYSQL_RES *peer_link_ask(struct peer_link *link, const char *question);
/* A command without rows. */
MUST_CHECK bool peer_link_tell(struct peer_link *link, const char *command);
