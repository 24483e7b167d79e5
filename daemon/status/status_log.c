#include "daemon/status/status.h"
#include "shared/log.h"

static void log_health(const struct status *s)
{
    const struct health_snapshot *h = &s->health;
    const struct db_pool_stats *p = &s->pool;
    const struct job_kind_stats *j = &s->jobs[JOB_HEALTH];
    log_info("status", LOG_STR("run_mode", run_mode_name(s->run_mode)), LOG_STR("phase", phase_name(s->phase)),
             LOG_STR("admin", admin_verdict_name(h->admin)), LOG_STR("traffic", traffic_verdict_name(h->traffic)),
             LOG_INT("age_ms", h->at_ms == 0 ? -1 : s->now_ms - h->at_ms), LOG_STR("reason", h->reason),
             LOG_BOOL("started", h->started), LOG_STR("version", h->node.version), LOG_INT("lives", h->lives),
             LOG_INT("uptime_s", h->node_at_ms == 0 ? 0 : (s->now_ms - h->boot_ms) / 1000),
             LOG_INT("backends_online", h->backends.online), LOG_INT("backends_shunned", h->backends.shunned),
             LOG_INT("backends", h->backends.total), LOG_INT("clients", h->node.clients),
             LOG_BOOL("paused", h->node.paused), LOG_INT("connections_lent", p->lent),
             LOG_INT("connections_idle", p->idle), LOG_INT("connections_parked", p->parked),
             LOG_INT("connects", p->connects), LOG_INT("connect_failures", p->connect_failures),
             LOG_INT("parked_total", p->parked_total), LOG_INT("abandoned", p->abandoned),
             LOG_INT("connections_refused", p->refused), LOG_INT("health_jobs", j->succeeded),
             LOG_INT("health_jobs_failed", j->failed), LOG_INT("health_jobs_joined", j->joined),
             LOG_INT("health_jobs_refused", j->refused));
}

static void log_jobs(const struct status *s)
{
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        const struct job_kind_stats *j = &s->jobs[kind];
        if (j->last_end_ms == 0 && j->waiting + j->running == 0 && j->refused == 0)
            continue;
        log_info("status of a job", LOG_STR("kind", job_table[kind].name), LOG_INT("waiting", j->waiting),
                 LOG_INT("running", j->running), LOG_INT("succeeded", j->succeeded), LOG_INT("failed", j->failed),
                 LOG_INT("joined", j->joined), LOG_INT("refused", j->refused), LOG_INT("cancelled", j->cancelled),
                 LOG_STR("last_result", status_result_name(j)),
                 LOG_INT("last_age_ms", j->last_end_ms == 0 ? -1 : s->now_ms - j->last_end_ms),
                 LOG_INT("last_duration_ms", j->last_duration_ms));
    }
}

static void log_drain(const struct status *s)
{
    const struct drain_stats *d = &s->drain;
    log_info("status of the drain", LOG_STR("target", drain_target_name(d->target)),
             LOG_STR("step", drain_step_name(d->step)),
             LOG_INT("since_ms", d->step == DRAIN_STEP_NONE ? 0 : s->now_ms - d->step_began_ms),
             LOG_INT("clients", d->clients), LOG_INT("drains", d->drains), LOG_INT("failed", d->failed),
             LOG_BOOL("draining_file", s->draining_file));
}

static void log_stamp(const struct status *s)
{
    if (s->stamp.known)
        log_info("status of the stamp", LOG_INT("loads", s->stamp.loads), LOG_INT("repeated", s->stamp.repeated),
                 LOG_INT("failures", s->stamp.failures), LOG_STR("error", s->stamp.error));
}

static void log_election(const struct status *s)
{
    const struct elector_stats *e = &s->election;
    if (!s->has_election)
        return;
    log_info("status of the election", LOG_BOOL("leading", e->leading), LOG_STR("identity", e->identity),
             LOG_STR("holder", e->holder), LOG_BOOL("held", e->held), LOG_INT("renewed_age_ms", e->renewed_age_ms),
             LOG_INT("seen_age_ms", e->seen_age_ms), LOG_INT("transitions", e->transitions), LOG_INT("terms", e->terms),
             LOG_INT("renewals", e->renewals), LOG_INT("conflicts", e->conflicts), LOG_INT("failures", e->failures),
             LOG_STR("error", e->error));
}

static void log_pods(const struct status *s)
{
    const struct pod_mirror_stats *core = &s->pods.core;
    const struct pod_mirror_stats *others = &s->pods.others;
    if (s->has_pods)
        log_info("status of the pods", LOG_INT("core", core->pods),
                 LOG_STR("core_state", pod_mirror_state_name(core->state)), LOG_STR("core_error", core->error),
                 LOG_INT("others", others->pods), LOG_STR("others_state", pod_mirror_state_name(others->state)),
                 LOG_STR("others_error", others->error));
}

static void log_peer(void *arg, const struct peer_summary *peer, size_t first_row)
{
    (void)arg;
    (void)first_row;
    log_info("status of a peer", LOG_STR("host", peer->host), LOG_INT("port", peer->port),
             LOG_INT("age_s", peer->age_s), LOG_STR("level", module_verdict_level(peer->verdict)),
             LOG_STR("module", peer->module), LOG_STR("verdict", module_verdict_text(peer->verdict)));
}

static void log_cluster(const struct status *s)
{
    const struct inspect_report *r = s->cluster.report;
    size_t satellites = 0;
    if (r == NULL) {
        log_info("status of the cluster", LOG_BOOL("known", false), LOG_STR("error", s->cluster.error));
        return;
    }
    for (size_t i = 0; i < r->pullers.count; i++)
        satellites += status_is_satellite(r, &r->pullers.items[i]) ? 1 : 0;
    log_info("status of the cluster", LOG_BOOL("known", true), LOG_STR("error", s->cluster.error),
             LOG_INT("age_ms", s->now_ms - r->at_ms), LOG_INT("members", r->view.members.count),
             LOG_INT("members_wanted", r->wanted_known ? (int64_t)r->wanted.count : -1),
             LOG_BOOL("checking", r->view.checking), LOG_INT("satellites", satellites));
    status_visit_peers(r, log_peer, NULL);
}

void status_log(const struct status *status)
{
    log_health(status);
    log_jobs(status);
    log_drain(status);
    log_stamp(status);
    log_election(status);
    log_pods(status);
    log_cluster(status);
}
