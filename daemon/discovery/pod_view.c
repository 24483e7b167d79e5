#include "daemon/discovery/pod_view.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

void pod_view_free(struct pod_view *view)
{
    if (view == NULL)
        return;
    free(view->pods);
    free(view->texts[0]);
    free(view->texts[1]);
    free(view);
}

struct pod_view *pod_view_of_addresses(const struct core_address *cores, size_t count)
{
    struct pod_view *view = xcalloc(1, sizeof(*view));
    view->complete = true;
    view->pods = xcalloc(count + 1, sizeof(*view->pods));
    view->texts[0] = xcalloc(count + 1, INET6_ADDRSTRLEN);
    view->count = count;
    for (size_t i = 0; i < count; i++) {
        char *text = view->texts[0] + i * INET6_ADDRSTRLEN;
        memcpy(text, cores[i].ip, INET6_ADDRSTRLEN);
        view->pods[i] = (struct pod){.uid = text,
                                     .name = text,
                                     .ip = text,
                                     .port = cores[i].port,
                                     .phase = POD_RUNNING,
                                     .ready = true,
                                     .is_core = true,
                                     .own = cores[i].own};
    }
    return view;
}
