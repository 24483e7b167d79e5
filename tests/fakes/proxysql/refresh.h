#pragma once

#include <stdbool.h>

#include "tests/fakes/proxysql/node.h"

/*
 * Before a statement runs, ProxySQL fills in every runtime_ and stats_ table whose name stands anywhere in the
 * statement's text (lib/ProxySQL_Admin.cpp, GenericRefreshStatistics). Inside the gate.
 */

/* as_admin: the statement came from an admin, not from a stats user, who sees no runtime_ tables. */
void refresh_tables(struct node *node, const char *statement, bool as_admin);
