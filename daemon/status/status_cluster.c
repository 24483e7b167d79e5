#include <string.h>

#include "daemon/cluster/module_verdict.h"
#include "daemon/status/status.h"

static bool has_member(const struct member_list *list, const char *host, uint16_t port)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].port == port && strcmp(list->items[i].host, host) == 0)
            return true;
    return false;
}

static void pack_member(const struct member *m, const struct inspect_report *r, struct pack *p)
{
    pack_map_begin(p, NULL);
    pack_str(p, "host", m->host);
    pack_int(p, "port", m->port);
    pack_str(p, "name", m->comment);
    pack_bool(p, "actual", has_member(&r->view.members, m->host, m->port));
    if (r->wanted_known)
        pack_bool(p, "wanted", has_member(&r->wanted, m->host, m->port));
    else
        pack_nil(p, "wanted");
    pack_map_end(p);
}

/* Those that are, then those that should be and are not. */
static void pack_members(const struct inspect_report *r, struct pack *p)
{
    const struct member_list *actual = &r->view.members;
    pack_int(p, "members_actual", (int64_t)actual->count);
    pack_int(p, "members_wanted", r->wanted_known ? (int64_t)r->wanted.count : -1);
    pack_array_begin(p, "members");
    for (size_t i = 0; i < actual->count; i++)
        pack_member(&actual->items[i], r, p);
    for (size_t i = 0; r->wanted_known && i < r->wanted.count; i++)
        if (!has_member(actual, r->wanted.items[i].host, r->wanted.items[i].port))
            pack_member(&r->wanted.items[i], r, p);
    pack_array_end(p);
}

static void pack_module_state(const struct module_state *m, int64_t now_s, struct pack *p)
{
    pack_str(p, "module", m->module);
    pack_int(p, "version", m->version);
    pack_int(p, "epoch", m->epoch);
    pack_int(p, "epoch_age_s", m->epoch == 0 ? -1 : now_s - m->epoch);
    pack_str(p, "checksum", m->checksum);
}

static void pack_own_modules(const struct cluster_view *v, struct pack *p)
{
    pack_array_begin(p, "modules");
    for (size_t i = 0; i < v->own_count; i++) {
        pack_map_begin(p, NULL);
        pack_module_state(&v->own[i], v->now, p);
        pack_map_end(p);
    }
    pack_array_end(p);
}

static bool is_of_peer(const struct peer_row *row, const struct peer_row *peer)
{
    return row->port == peer->port && strcmp(row->host, peer->host) == 0;
}

static int severity(enum module_verdict verdict)
{
    const char *level = module_verdict_level(verdict);
    return strcmp(level, "ok") == 0 ? 0 : strcmp(level, "changing") == 0 ? 1 : 2;
}

static enum module_verdict judge(const struct cluster_view *v, const struct peer_row *row)
{
    return module_verdict_judge(v, cluster_view_own(v, row->state.module), row);
}

static void summarize(const struct cluster_view *v, size_t first, struct peer_summary *ret_peer)
{
    const struct peer_row *peer = &v->peers[first];
    int64_t updated_at = 0;
    *ret_peer = (struct peer_summary){.host = peer->host, .port = peer->port, .verdict = MODULE_SAME, .module = ""};
    for (size_t i = first; i < v->peer_count; i++) {
        const struct peer_row *row = &v->peers[i];
        if (!is_of_peer(row, peer))
            continue;
        enum module_verdict verdict = judge(v, row);
        if (severity(verdict) > severity(ret_peer->verdict)) {
            ret_peer->verdict = verdict;
            ret_peer->module = row->state.module;
        }
        updated_at = row->updated_at > updated_at ? row->updated_at : updated_at;
    }
    ret_peer->age_s = updated_at == 0 ? -1 : v->now - updated_at;
}

static bool is_first_row(const struct cluster_view *v, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (is_of_peer(&v->peers[i], &v->peers[index]))
            return false;
    return true;
}

void status_visit_peers(const struct inspect_report *r, status_peer_fn *fn, void *arg)
{
    struct peer_summary peer;
    for (size_t i = 0; r->peers_known && i < r->view.peer_count; i++) {
        if (!is_first_row(&r->view, i))
            continue;
        summarize(&r->view, i, &peer);
        fn(arg, &peer, i);
    }
}

static void pack_peer_module(const struct cluster_view *v, const struct peer_row *row, struct pack *p)
{
    enum module_verdict verdict = judge(v, row);
    pack_map_begin(p, NULL);
    pack_module_state(&row->state, v->now, p);
    pack_int(p, "diff_check", row->diff_check);
    pack_str(p, "level", module_verdict_level(verdict));
    pack_str(p, "verdict", module_verdict_text(verdict));
    pack_map_end(p);
}

/* Where the peers of a view are packed to. */
struct peer_packing {
    const struct cluster_view *view;
    struct pack *pack;
};

static void pack_peer(void *arg, const struct peer_summary *peer, size_t first)
{
    const struct peer_packing *packing = arg;
    const struct cluster_view *v = packing->view;
    struct pack *p = packing->pack;
    pack_map_begin(p, NULL);
    pack_str(p, "host", peer->host);
    pack_int(p, "port", peer->port);
    pack_int(p, "age_s", peer->age_s);
    pack_str(p, "level", module_verdict_level(peer->verdict));
    pack_str(p, "verdict", module_verdict_text(peer->verdict));
    pack_str(p, "module", peer->module);
    pack_array_begin(p, "modules");
    for (size_t i = first; i < v->peer_count; i++)
        if (is_of_peer(&v->peers[i], &v->peers[first]))
            pack_peer_module(v, &v->peers[i], p);
    pack_array_end(p);
    pack_map_end(p);
}

static void pack_peers(const struct inspect_report *r, struct pack *p)
{
    struct peer_packing packing = {.view = &r->view, .pack = p};
    pack_array_begin(p, "peers");
    status_visit_peers(r, pack_peer, &packing);
    pack_array_end(p);
}

bool status_is_satellite(const struct inspect_report *r, const struct puller *puller)
{
    for (size_t i = 0; i < r->view.members.count; i++)
        if (strcmp(r->view.members.items[i].host, puller->host) == 0)
            return false;
    return true;
}

static void pack_satellites(const struct inspect_report *r, struct pack *p)
{
    pack_array_begin(p, "satellites");
    for (size_t i = 0; i < r->pullers.count; i++) {
        const struct puller *puller = &r->pullers.items[i];
        if (!status_is_satellite(r, puller))
            continue;
        pack_map_begin(p, NULL);
        pack_str(p, "host", puller->host);
        pack_str(p, "uuid", puller->uuid);
        pack_int(p, "age_s", puller->age_s);
        pack_map_end(p);
    }
    pack_array_end(p);
}

static void pack_report(const struct status *s, const struct inspect_report *r, struct pack *p)
{
    pack_int(p, "age_ms", s->now_ms - r->at_ms);
    pack_bool(p, "checking", r->view.checking);
    pack_int(p, "check_interval_ms", r->view.check_interval_ms);
    pack_bool(p, "peers_known", r->peers_known);
    pack_members(r, p);
    pack_own_modules(&r->view, p);
    pack_peers(r, p);
    pack_satellites(r, p);
}

static void pack_stream(const struct pod_mirror_stats *stream, const char *key, struct pack *p)
{
    pack_map_begin(p, key);
    pack_str(p, "state", pod_mirror_state_name(stream->state));
    pack_int(p, "pods", (int64_t)stream->pods);
    pack_int(p, "failures", (int64_t)stream->failures);
    pack_str(p, "error", stream->error);
    pack_map_end(p);
}

void status_pack_cluster(const struct status *s, struct pack *p)
{
    const struct inspect_report *r = s->cluster.report;
    pack_map_begin(p, "cluster");
    pack_bool(p, "known", r != NULL);
    pack_str(p, "error", s->cluster.error);
    if (r != NULL)
        pack_report(s, r, p);
    pack_map_end(p);
    if (!s->has_pods)
        return;
    pack_map_begin(p, "pods");
    pack_stream(&s->pods.core, "core", p);
    pack_stream(&s->pods.others, "others", p);
    pack_map_end(p);
}
