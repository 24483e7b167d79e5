#include "daemon/cluster/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A wall clock that moved this much against the monotonic one between two passes was stepped. */
enum { clock_step_ms = 2000, check_intervals_min = 3 };

void peer_tracker_reset(struct peer_tracker *tracker)
{
    memset(tracker, 0, sizeof(*tracker));
}

int64_t peer_threshold_s(const struct cluster_view *view, int64_t missing_after_s)
{
    int64_t three_checks_s = (view->check_interval_ms * check_intervals_min + 999) / 1000;
    return missing_after_s > three_checks_s ? missing_after_s : three_checks_s;
}

static struct peer *find(struct peer_tracker *t, const char *host, uint16_t port)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].port == port && strcmp(t->items[i].host, host) == 0)
            return &t->items[i];
    return NULL;
}

const struct peer *peer_tracker_find(const struct peer_tracker *tracker, const char *host, uint16_t port)
{
    return find((struct peer_tracker *)(uintptr_t)tracker, host, port);
}

static void note_clock(struct peer_tracker *t, int64_t now_s, int64_t now_ms)
{
    int64_t offset_ms = now_s * 1000 - now_ms;
    t->clock_stepped = t->clock_known && llabs(offset_ms - t->clock_offset_ms) > clock_step_ms;
    t->clock_known = true;
    t->clock_offset_ms = offset_ms;
}

/* The newest successful check of a peer in any of its modules. */
static int64_t newest_check(const struct cluster_view *view, const struct peer *p)
{
    int64_t newest = 0;
    for (size_t i = 0; i < view->peer_count; i++) {
        const struct peer_row *row = &view->peers[i];
        if (row->port == p->port && row->updated_at > newest && strcmp(row->host, p->host) == 0)
            newest = row->updated_at;
    }
    return newest;
}

/* The larger of both ages. The wall clock tells more (it knows what was before our first pass), but nothing once it was
 * stepped since the check. */
static int64_t age_of(const struct peer *p, int64_t now_s, int64_t now_ms)
{
    int64_t by_mono = (now_ms - p->moved_ms) / 1000;
    int64_t by_wall = p->updated_at == 0 || p->clock_stepped ? 0 : now_s - p->updated_at;
    return by_wall > by_mono ? by_wall : by_mono;
}

static bool list_differs(const struct cluster_view *view, const struct peer *p)
{
    const struct module_state *own = cluster_view_own(view, CLUSTER_MEMBERS_MODULE);
    for (size_t i = 0; own != NULL && i < view->peer_count; i++) {
        const struct peer_row *row = &view->peers[i];
        if (row->port == p->port && strcmp(row->host, p->host) == 0 &&
            strcmp(row->state.module, CLUSTER_MEMBERS_MODULE) == 0)
            return row->state.checksum[0] != '\0' && strcmp(row->state.checksum, own->checksum) != 0;
    }
    return false;
}

static void compare_list(struct peer *p, const struct cluster_view *view, int64_t now_ms)
{
    bool differs = list_differs(view, p);
    if (differs && !p->differs)
        p->differs_since_ms = now_ms;
    p->differs = differs;
    p->differs_ms = differs ? now_ms - p->differs_since_ms : 0;
}

static void judge(const struct peer_tracker *t, struct peer *p, const struct cluster_view *view, int64_t threshold_s,
                  int64_t now_ms)
{
    int64_t updated_at = newest_check(view, p);
    if (updated_at != p->updated_at) {
        p->updated_at = updated_at;
        p->moved_ms = now_ms;
        p->clock_stepped = false;
    }
    p->clock_stepped = p->clock_stepped || t->clock_stepped;
    compare_list(p, view, now_ms);
    p->accepts = false;
    p->age_s = age_of(p, view->now, now_ms);
    if (!view->checking) {
        p->condition = PEER_UNCHECKED;
        p->stale_passes = 0;
        return;
    }
    p->stale_passes = p->age_s > threshold_s ? p->stale_passes + 1 : 0;
    p->condition = p->stale_passes == 0 ? PEER_FRESH : p->stale_passes < PEER_STALE_PASSES ? PEER_STALE : PEER_SUSPECT;
}

static void see(struct peer_tracker *t, const struct member *m, int64_t now_ms)
{
    struct peer *p = find(t, m->host, m->port);
    if (p == NULL && t->count < PEERS_MAX) {
        p = &t->items[t->count++];
        *p = (struct peer){.port = m->port, .moved_ms = now_ms};
        (void)snprintf(p->host, sizeof(p->host), "%s", m->host);
    }
    if (p != NULL)
        p->seen = true;
}

static void forget_unseen(struct peer_tracker *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].seen)
            t->items[kept++] = t->items[i];
    t->count = kept;
}

void peer_tracker_update(struct peer_tracker *t, const struct cluster_view *view, int64_t threshold_s, int64_t now_ms)
{
    note_clock(t, view->now, now_ms);
    for (size_t i = 0; i < t->count; i++)
        t->items[i].seen = false;
    for (size_t i = 0; i < view->members.count; i++)
        if (find(t, view->members.items[i].host, view->members.items[i].port) != NULL)
            see(t, &view->members.items[i], now_ms);
    forget_unseen(t); /* before the new ones come in: a full tracker has room for them then */
    for (size_t i = 0; i < view->members.count; i++)
        see(t, &view->members.items[i], now_ms);
    for (size_t i = 0; i < t->count; i++)
        judge(t, &t->items[i], view, threshold_s, now_ms);
}

bool peer_tracker_all_suspect(const struct peer_tracker *t, const struct cluster_view *view)
{
    if (!view->checking)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].condition != PEER_SUSPECT)
            return false;
    return true;
}

bool peer_tracker_all_missing(const struct peer_tracker *t, const struct cluster_view *view)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].accepts)
            return false;
    return peer_tracker_all_suspect(t, view);
}

bool peer_tracker_any_stale(const struct peer_tracker *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].condition == PEER_STALE)
            return true;
    return false;
}
