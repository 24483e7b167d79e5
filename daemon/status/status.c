#include "daemon/status/status.h"

#include <assert.h>
#include <unistd.h>

#include "proto/tree.h"
#include "shared/clock.h"

const char *run_mode_name(int run_mode)
{
    static const char *const names[] = {"none", "core", "satellite", "dump"};
    assert(run_mode >= 0 && (size_t)run_mode < ARRAY_LEN(names));
    return names[run_mode];
}

static void collect_discovery(const struct job_context *jobs, struct status *s)
{
    struct elector *elector = jobs->pods != NULL ? pod_watch_elector(jobs->pods) : NULL;
    s->discovery = jobs->members != NULL ? jobs->members->name : NULL;
    s->has_dns = jobs->dns != NULL;
    if (s->has_dns)
        dns_source_get_stats(jobs->dns, &s->dns);
    s->has_election = elector != NULL;
    if (s->has_election)
        elector_get_stats(elector, &s->election);
}

void status_collect(const struct job_context *jobs, struct status *ret_status)
{
    cleanup_config const struct config *config = config_live_get(jobs->live);
    struct status *s = ret_status;
    *s = (struct status){.now_ms = clock_mono_ms(), .run_mode = config->run_mode, .phase = phase_get(jobs->phase)};
    s->uptime_s = (s->now_ms - jobs->started_ms) / 1000;
    s->draining_file = access(config->shutdown.draining_file, F_OK) == 0;
    health_state_get(jobs->health, &s->health);
    db_pool_stats(jobs->pool, &s->pool);
    for (size_t kind = 0; kind < JOB_IDS; kind++)
        job_queue_stats(jobs->queue, kind, &s->jobs[kind]);
    drain_get_stats(jobs->drain, &s->drain);
    s->has_pods = jobs->pods != NULL;
    if (s->has_pods)
        pod_watch_get_stats(jobs->pods, &s->pods);
    collect_discovery(jobs, s);
    stamp_get_stats(jobs->stamp, &s->stamp);
    s->inspect = jobs->inspect;
    inspect_get(jobs->inspect, &s->cluster);
}

void status_fini(struct status *s)
{
    inspect_put(s->inspect, &s->cluster);
}

int status_write_json(const struct job_context *jobs, struct buf *out)
{
    cleanup_status struct status status;
    struct pack p;
    cleanup_tree struct tree tree = {.top = NULL};
    cleanup_buf struct buf packed;
    buf_init(&packed, PROTOCOL_ANSWER_BYTES_MAX);
    status_collect(jobs, &status);
    pack_init(&p, &packed);
    status_pack(&status, &p);
    int rc = pack_end(&p);
    if (rc == 0)
        rc = tree_unpack(packed.data, packed.len, PROTOCOL_ANSWER_VALUES_MAX, &tree, NULL);
    if (rc < 0)
        return rc;
    struct json_writer w;
    json_writer_init(&w, out);
    tree_write_json(tree.top, &w, NULL);
    return json_writer_end(&w);
}
