#include "daemon/cluster/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void cluster_view_fini(struct cluster_view *view)
{
    member_list_fini(&view->members);
    free(view->own);
    free(view->peers);
    *view = (struct cluster_view){0};
}

int cluster_view_add_own(struct cluster_view *view, const struct module_state *own, struct error *err)
{
    if (view->own_count >= VIEW_OWN_ROWS_MAX)
        return error_set(err, -EMSGSIZE, "runtime_checksums_values has more than %d rows", VIEW_OWN_ROWS_MAX);
    struct module_state *items = realloc(view->own, (view->own_count + 1) * sizeof(*items));
    if (items == NULL)
        return error_set(err, -ENOMEM, "out of memory for the cluster's view");
    items[view->own_count++] = *own;
    view->own = items;
    return 0;
}

int cluster_view_add_peer(struct cluster_view *view, const struct peer_row *row, struct error *err)
{
    if (view->peer_count >= VIEW_PEER_ROWS_MAX)
        return error_set(err, -EMSGSIZE, "stats_proxysql_servers_checksums has more than %d rows", VIEW_PEER_ROWS_MAX);
    struct peer_row *items = view->peers;
    /* the room doubles: 0, 16, 32, ... */
    if (view->peer_count == 0 || (view->peer_count >= 16 && (view->peer_count & (view->peer_count - 1)) == 0)) {
        size_t room = view->peer_count == 0 ? 16 : view->peer_count * 2;
        items = realloc(view->peers, room * sizeof(*items));
        if (items == NULL)
            return error_set(err, -ENOMEM, "out of memory for the cluster's view");
        view->peers = items;
    }
    items[view->peer_count++] = *row;
    return 0;
}

const struct module_state *cluster_view_own(const struct cluster_view *view, const char *module)
{
    for (size_t i = 0; i < view->own_count; i++)
        if (strcmp(view->own[i].module, module) == 0)
            return &view->own[i];
    return NULL;
}
