#include "daemon/discovery/static_source.h"

#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/net.h"

struct static_source {
    struct member_source members;
    struct core_address *cores;
    size_t count;
    int64_t since_ms;
};

static struct pod_view *look(void *arg, int64_t deadline_ms)
{
    (void)deadline_ms;
    const struct static_source *s = arg;
    struct pod_view *view = pod_view_of_addresses(s->cores, s->count);
    view->confirmed = true;
    view->confirmed_ms = clock_mono_ms();
    view->listed_ms = s->since_ms;
    view->version = 1;
    view->core_version = 1;
    return view;
}

static int confirm(void *arg, int64_t since_ms, int64_t deadline_ms, struct error *err)
{
    (void)arg;
    (void)since_ms;
    (void)deadline_ms;
    (void)err;
    return 0;
}

static void mark_own(struct static_source *s, const struct own_pod *own)
{
    for (size_t i = 0; i < s->count; i++) {
        if (own_pod_has_address(own, s->cores[i].ip)) {
            s->cores[i].own = true;
            return;
        }
    }
}

struct static_source *static_source_new(char *const peers[], size_t count, const struct own_pod *own)
{
    struct static_source *s = xcalloc(1, sizeof(*s));
    struct own_pod detected = {.address_count = 0};
    s->cores = xcalloc(count + 1, sizeof(*s->cores));
    s->since_ms = clock_mono_ms();
    for (size_t i = 0; i < count; i++) {
        if (net_parse_address(peers[i], s->cores[s->count].ip, &s->cores[s->count].port) == 0)
            s->count++;
    }
    if (own == NULL)
        own_pod_detect(&detected);
    mark_own(s, own != NULL ? own : &detected);
    own_pod_fini(&detected);
    s->members = (struct member_source){
        .name = "static",
        .own_missing = "core.peers has no address of this host: it names others only, or POD_IP must say which of them "
                       "this one is",
        .arg = s,
        .look = look,
        .confirm = confirm,
    };
    return s;
}

void static_source_free(struct static_source *s)
{
    if (s == NULL)
        return;
    free(s->cores);
    free(s);
}

const struct member_source *static_source_members(const struct static_source *s)
{
    return &s->members;
}
