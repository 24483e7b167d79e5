#pragma once

#include "daemon/cluster/peers.h"

/*
 * May this node wait for ProxySQL's own cluster sync, or must its member list be copied from a core? A node pulls a
 * module only from a peer whose version is above 1 and whose epoch is newer than its own, so a satellite that made its
 * own list last ignores the cores' lists for ever.
 */
enum { CONVERGENCE_CHECKS = 3 };

enum convergence {
    CONVERGED,        /* the authority's list has our checksum, or there is no authority */
    CONVERGENCE_PULL, /* cluster sync can pull it, or it differs for less than CONVERGENCE_CHECKS checks */
    CONVERGENCE_COPY, /* it cannot: copy the list from the authority */
};

/* The authority is the reachable peer with the newest list that may be pulled by somebody (version above 1), or, when
 * every list is at version 1, the newest of these; equal epochs: the smallest address. *ret_authority points into view
 * and is set unless there is none (then CONVERGED is returned and it is NULL). */
enum convergence convergence_judge(const struct cluster_view *view, const struct peer_tracker *tracker,
                                   const struct peer_row **ret_authority);
