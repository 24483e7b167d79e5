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

static void log_election(const struct elector_stats *e)
{
    log_info("status of the election", LOG_BOOL("leading", e->leading), LOG_STR("identity", e->identity),
             LOG_STR("holder", e->holder), LOG_BOOL("held", e->held), LOG_INT("renewed_age_ms", e->renewed_age_ms),
             LOG_INT("seen_age_ms", e->seen_age_ms), LOG_INT("transitions", e->transitions), LOG_INT("terms", e->terms),
             LOG_INT("renewals", e->renewals), LOG_INT("conflicts", e->conflicts), LOG_INT("failures", e->failures),
             LOG_STR("error", e->error));
}

void status_log(const struct status *status)
{
    log_health(status);
    if (status->has_election)
        log_election(&status->election);
}
