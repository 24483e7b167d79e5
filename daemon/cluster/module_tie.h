#pragma once

#include "daemon/cluster/view.h"

/*
 * Two nodes loaded a module within the same second, with different content: neither is newer, so neither pulls, and
 * that lasts until somebody loads it again (docs/proxysql-facts.md).
 *
 * True when a peer shows own's epoch with another checksum. Peers at version 1 have loaded nothing and those that were
 * never reached tell nothing. Pure.
 */
bool module_tied(const struct cluster_view *view, const struct module_state *own);
