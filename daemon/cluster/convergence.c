#include "daemon/cluster/convergence.h"

#include <string.h>

/* Nobody pulls from a node whose module is at version 1: that is how it starts, with nothing loaded. */
enum { unpullable_version = 1 };

static bool is_pullable(const struct peer_row *row)
{
    return row->state.version > unpullable_version;
}

static bool is_candidate(const struct peer_row *row, const struct peer_tracker *tracker)
{
    if (strcmp(row->state.module, CLUSTER_MEMBERS_MODULE) != 0 || row->updated_at == 0 ||
        row->state.checksum[0] == '\0')
        return false;
    const struct peer *p = peer_tracker_find(tracker, row->host, row->port);
    return p != NULL && p->condition == PEER_FRESH;
}

static bool is_better(const struct peer_row *a, const struct peer_row *b)
{
    if (b == NULL || is_pullable(a) != is_pullable(b))
        return b == NULL || is_pullable(a);
    if (a->state.epoch != b->state.epoch)
        return a->state.epoch > b->state.epoch;
    int order = strcmp(a->host, b->host);
    return order < 0 || (order == 0 && a->port < b->port);
}

/* The list differs for long enough. diff_check alone would not do: ProxySQL begins to count when a peer's checksum
 * changes, so it stays 0 when the lists were equal and ours was changed (seen on 2.7 and 3.0). */
static bool differs_for_long(const struct cluster_view *view, const struct peer_tracker *tracker,
                             const struct peer_row *row)
{
    const struct peer *p = peer_tracker_find(tracker, row->host, row->port);
    return row->diff_check >= CONVERGENCE_CHECKS ||
           (p->differs_ms > 0 && p->differs_ms >= CONVERGENCE_CHECKS * view->check_interval_ms);
}

enum convergence convergence_judge(const struct cluster_view *view, const struct peer_tracker *tracker,
                                   const struct peer_row **ret_authority)
{
    const struct module_state *own = cluster_view_own(view, CLUSTER_MEMBERS_MODULE);
    const struct peer_row *authority = NULL;
    for (size_t i = 0; i < view->peer_count; i++)
        if (is_candidate(&view->peers[i], tracker) && is_better(&view->peers[i], authority))
            authority = &view->peers[i];
    *ret_authority = authority;
    if (authority == NULL || own == NULL || strcmp(authority->state.checksum, own->checksum) == 0)
        return CONVERGED;
    bool newer = own->version <= unpullable_version || authority->state.epoch > own->epoch;
    bool sync_can = view->members_diffs_before_sync > 0 && is_pullable(authority) && newer;
    return sync_can || !differs_for_long(view, tracker, authority) ? CONVERGENCE_PULL : CONVERGENCE_COPY;
}
