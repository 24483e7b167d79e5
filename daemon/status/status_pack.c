#include <string.h>
#include <unistd.h>

#include "daemon/cluster/sync_gate.h"
#include "daemon/proxysql/capability.h"
#include "daemon/status/status.h"

static void pack_agent(const struct status *s, struct pack *p)
{
    pack_map_begin(p, "agent");
    pack_str(p, "version", PROJECT_VERSION);
    pack_str(p, "run_mode", run_mode_name(s->run_mode));
    pack_str(p, "phase", phase_name(s->phase));
    pack_bool(p, "draining_file", s->draining_file);
    pack_int(p, "pid", getpid());
    pack_int(p, "uptime_s", s->uptime_s);
    pack_map_end(p);
}

/* What the probes go by. */
static void pack_health(const struct status *s, struct pack *p)
{
    const struct health_snapshot *h = &s->health;
    pack_map_begin(p, "health");
    pack_str(p, "admin", admin_verdict_name(h->admin));
    pack_str(p, "traffic", traffic_verdict_name(h->traffic));
    pack_int(p, "age_ms", h->at_ms == 0 ? -1 : s->now_ms - h->at_ms);
    pack_int(p, "since_s", h->admin_since_ms == 0 ? 0 : (s->now_ms - h->admin_since_ms) / 1000);
    pack_str(p, "reason", h->reason);
    pack_bool(p, "started", h->started);
    pack_str(p, "sync_gate", sync_gate_reason(h->gate));
    pack_int(p, "backends_online", h->backends.online);
    pack_int(p, "backends_shunned", h->backends.shunned);
    pack_int(p, "backends", h->backends.total);
    pack_map_end(p);
}

static void pack_proxysql(const struct status *s, struct pack *p)
{
    const struct health_snapshot *h = &s->health;
    struct capability capability = {.supported = false};
    bool known = capability_parse(h->node.version, &capability) == 0;
    pack_map_begin(p, "proxysql");
    pack_str(p, "version", h->node.version);
    pack_bool(p, "supported", known && capability.supported);
    pack_int(p, "uptime_s", h->lives == 0 ? 0 : (s->now_ms - h->boot_ms) / 1000);
    pack_int(p, "lives", (int64_t)h->lives);
    pack_int(p, "clients", h->node.clients);
    pack_bool(p, "paused", h->node.paused);
    pack_map_end(p);
}

const char *status_result_name(const struct job_kind_stats *j)
{
    if (j->last_end_ms == 0)
        return "none";
    return j->last_code == 0 ? "done" : strerrorname_np(-j->last_code);
}

static void pack_job(const struct status *s, size_t kind, struct pack *p)
{
    const struct job_kind_stats *j = &s->jobs[kind];
    pack_map_begin(p, NULL);
    pack_str(p, "kind", job_table[kind].name);
    pack_int(p, "waiting", j->waiting);
    pack_int(p, "running", j->running);
    pack_int(p, "succeeded", (int64_t)j->succeeded);
    pack_int(p, "failed", (int64_t)j->failed);
    pack_int(p, "joined", (int64_t)j->joined);
    pack_int(p, "refused", (int64_t)j->refused);
    pack_int(p, "cancelled", (int64_t)j->cancelled);
    pack_str(p, "last_result", status_result_name(j));
    pack_int(p, "last_age_ms", j->last_end_ms == 0 ? -1 : s->now_ms - j->last_end_ms);
    pack_int(p, "last_duration_ms", j->last_duration_ms);
    pack_map_end(p);
}

static void pack_queue(const struct status *s, struct pack *p)
{
    struct job_kind_stats sum = {.waiting = 0};
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        sum.waiting += s->jobs[kind].waiting;
        sum.running += s->jobs[kind].running;
        sum.refused += s->jobs[kind].refused;
    }
    pack_map_begin(p, "queue");
    pack_int(p, "waiting", sum.waiting);
    pack_int(p, "running", sum.running);
    pack_int(p, "refused", (int64_t)sum.refused);
    pack_map_end(p);
}

void status_pack_jobs(const struct status *s, struct pack *p)
{
    pack_array_begin(p, "jobs");
    for (size_t kind = 0; kind < JOB_IDS; kind++)
        pack_job(s, kind, p);
    pack_array_end(p);
    pack_queue(s, p);
}

static void pack_pool(const struct status *s, struct pack *p)
{
    const struct db_pool_stats *d = &s->pool;
    pack_map_begin(p, "pool");
    pack_int(p, "size", d->size);
    pack_int(p, "lent", d->lent);
    pack_int(p, "idle", d->idle);
    pack_int(p, "parked", d->parked);
    pack_int(p, "parked_ms", d->parked_since_ms == 0 ? 0 : s->now_ms - d->parked_since_ms);
    pack_int(p, "connects", (int64_t)d->connects);
    pack_int(p, "connect_failures", (int64_t)d->connect_failures);
    pack_int(p, "parked_total", (int64_t)d->parked_total);
    pack_int(p, "abandoned", (int64_t)d->abandoned);
    pack_int(p, "refused", (int64_t)d->refused);
    pack_map_end(p);
}

static void pack_drain(const struct status *s, struct pack *p)
{
    const struct drain_stats *d = &s->drain;
    pack_map_begin(p, "drain");
    pack_str(p, "target", drain_target_name(d->target));
    pack_str(p, "step", drain_step_name(d->step));
    pack_int(p, "since_ms", d->step == DRAIN_STEP_NONE ? 0 : s->now_ms - d->step_began_ms);
    pack_int(p, "clients", d->clients);
    pack_int(p, "cut", d->cut);
    pack_int(p, "drains", (int64_t)d->drains);
    pack_int(p, "failed", (int64_t)d->failed);
    pack_map_end(p);
}

static void pack_stamp(const struct status *s, struct pack *p)
{
    pack_map_begin(p, "stamp");
    pack_bool(p, "known", s->stamp.known);
    pack_int(p, "loads", (int64_t)s->stamp.loads);
    pack_int(p, "failures", (int64_t)s->stamp.failures);
    pack_str(p, "error", s->stamp.error);
    pack_array_begin(p, "modules");
    for (size_t i = 0; s->stamp.known && i < ADMIN_MODULES; i++) {
        pack_map_begin(p, NULL);
        pack_str(p, "module", admin_module_name((enum admin_module)i));
        pack_str(p, "outcome", stamp_outcome_name(s->stamp.modules[i].outcome));
        pack_int(p, "version", s->stamp.modules[i].version);
        pack_int(p, "rows", s->stamp.modules[i].rows);
        pack_map_end(p);
    }
    pack_array_end(p);
    pack_map_end(p);
}

void status_pack_health(const struct status *s, struct pack *p)
{
    pack_health(s, p);
    pack_proxysql(s, p);
}

void status_pack(const struct status *s, struct pack *p)
{
    pack_map_begin(p, NULL);
    pack_agent(s, p);
    status_pack_health(s, p);
    status_pack_cluster(s, p);
    status_pack_discovery(s, p);
    pack_stamp(s, p);
    pack_drain(s, p);
    status_pack_jobs(s, p);
    pack_pool(s, p);
    pack_map_end(p);
}
