#include "daemon/cluster/sync_gate.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "daemon/cluster/peers.h"

static bool is_reachable(const struct cluster_view *view, const struct peer_row *row)
{
    return row->updated_at > 0 && view->now - row->updated_at <= peer_threshold_s(view, SYNC_GATE_REACHABLE_S);
}

/* Some reachable core has our checksum of this module, or none tells one. */
static bool in_sync(const struct cluster_view *view, const char *module)
{
    const struct module_state *own = cluster_view_own(view, module);
    bool told = false;
    for (size_t i = 0; i < view->peer_count; i++) {
        const struct peer_row *row = &view->peers[i];
        if (strcmp(row->state.module, module) != 0 || row->state.checksum[0] == '\0' || !is_reachable(view, row))
            continue;
        if (own != NULL && strcmp(own->checksum, row->state.checksum) == 0)
            return true;
        told = true;
    }
    return !told;
}

static bool any_checked(const struct cluster_view *view)
{
    for (size_t i = 0; i < view->peer_count; i++)
        if (view->peers[i].updated_at > 0)
            return true;
    return false;
}

enum sync_gate sync_gate_judge(const struct sync_gate_question *q)
{
    if (q->timeout_s == 0)
        return SYNC_GATE_OPEN;
    if (q->backends == 0)
        return SYNC_GATE_NO_BACKENDS;
    if (q->view->users == 0)
        return SYNC_GATE_NO_USERS;
    if (q->uptime_s >= q->timeout_s)
        return SYNC_GATE_OPEN;
    if (q->view->peer_count > 0 && !any_checked(q->view) && q->uptime_s < SYNC_GATE_FIRST_CHECK_S)
        return SYNC_GATE_NOT_ASKED;
    return in_sync(q->view, "mysql_users") && in_sync(q->view, "mysql_servers_v2") ? SYNC_GATE_OPEN
                                                                                   : SYNC_GATE_NOT_SYNCED;
}

const char *sync_gate_reason(enum sync_gate gate)
{
    static const char *const reasons[] = {
        "",
        "sync gate: no backend in runtime_mysql_servers yet",
        "sync gate: no user in runtime_mysql_users yet",
        "sync gate: no core was checked yet",
        "sync gate: users or servers are not yet those of a reachable core",
    };
    assert((size_t)gate < ARRAY_LEN(reasons));
    return reasons[gate];
}
