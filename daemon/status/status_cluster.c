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

/* The worst of a peer's modules is what is said of the peer. */
struct worst {
    enum module_verdict verdict;
    const char *module;
    int64_t updated_at;
};

static int severity(enum module_verdict verdict)
{
    const char *level = module_verdict_level(verdict);
    return strcmp(level, "ok") == 0 ? 0 : strcmp(level, "changing") == 0 ? 1 : 2;
}

static void pack_peer_module(const struct cluster_view *v, const struct peer_row *row, struct worst *worst,
                             struct pack *p)
{
    enum module_verdict verdict = module_verdict_judge(v, cluster_view_own(v, row->state.module), row);
    if (severity(verdict) > severity(worst->verdict)) {
        worst->verdict = verdict;
        worst->module = row->state.module;
    }
    if (row->updated_at > worst->updated_at)
        worst->updated_at = row->updated_at;
    pack_map_begin(p, NULL);
    pack_module_state(&row->state, v->now, p);
    pack_int(p, "diff_check", row->diff_check);
    pack_str(p, "level", module_verdict_level(verdict));
    pack_str(p, "verdict", module_verdict_text(verdict));
    pack_map_end(p);
}

static void pack_peer(const struct cluster_view *v, size_t first, struct pack *p)
{
    const struct peer_row *peer = &v->peers[first];
    struct worst worst = {.verdict = MODULE_SAME, .module = ""};
    pack_map_begin(p, NULL);
    pack_str(p, "host", peer->host);
    pack_int(p, "port", peer->port);
    pack_array_begin(p, "modules");
    for (size_t i = first; i < v->peer_count; i++)
        if (is_of_peer(&v->peers[i], peer))
            pack_peer_module(v, &v->peers[i], &worst, p);
    pack_array_end(p);
    pack_int(p, "age_s", worst.updated_at == 0 ? -1 : v->now - worst.updated_at);
    pack_str(p, "level", module_verdict_level(worst.verdict));
    pack_str(p, "verdict", module_verdict_text(worst.verdict));
    pack_str(p, "module", worst.module);
    pack_map_end(p);
}

static bool is_first_row(const struct cluster_view *v, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (is_of_peer(&v->peers[i], &v->peers[index]))
            return false;
    return true;
}

static void pack_peers(const struct inspect_report *r, struct pack *p)
{
    pack_array_begin(p, "peers");
    for (size_t i = 0; r->peers_known && i < r->view.peer_count; i++)
        if (is_first_row(&r->view, i))
            pack_peer(&r->view, i, p);
    pack_array_end(p);
}

static bool is_member_host(const struct member_list *list, const char *host)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].host, host) == 0)
            return true;
    return false;
}

/* Members check each other too: who is none is a satellite. */
static void pack_satellites(const struct inspect_report *r, struct pack *p)
{
    pack_array_begin(p, "satellites");
    for (size_t i = 0; i < r->pullers.count; i++) {
        const struct puller *puller = &r->pullers.items[i];
        if (is_member_host(&r->view.members, puller->host))
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

static void pack_stream(const struct pod_stream_stats *stream, const char *key, struct pack *p)
{
    pack_map_begin(p, key);
    pack_str(p, "state", pod_stream_state_name(stream->state));
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
