#include "daemon/cluster/module_tie.h"

#include <string.h>

bool module_tied(const struct cluster_view *view, const struct module_state *own)
{
    for (size_t i = 0; i < view->peer_count; i++) {
        const struct peer_row *row = &view->peers[i];
        if (row->updated_at != 0 && row->state.version > 1 && row->state.epoch == own->epoch &&
            strcmp(row->state.module, own->module) == 0 && strcmp(row->state.checksum, own->checksum) != 0)
            return true;
    }
    return false;
}
