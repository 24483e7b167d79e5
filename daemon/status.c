#include "daemon/status.h"

#include <assert.h>
#include <stddef.h>

#include "daemon/jobs/job_table.h"
#include "shared/clock.h"
#include "shared/log.h"

const char *run_mode_name(int run_mode)
{
    static const char *const names[] = {"none", "core", "satellite", "dump"};
    assert(run_mode >= 0 && (size_t)run_mode < ARRAY_LEN(names));
    return names[run_mode];
}

void status_log(const struct config *config, enum phase phase, struct health_state *health, struct db_pool *pool,
                struct job_queue *queue)
{
    struct health_snapshot h;
    struct db_pool_stats p;
    struct job_kind_stats j;
    health_state_get(health, &h);
    db_pool_stats(pool, &p);
    job_queue_stats(queue, JOB_HEALTH, &j);
    int64_t now = clock_mono_ms();
    log_info("status", LOG_STR("run_mode", run_mode_name(config->run_mode)), LOG_STR("phase", phase_name(phase)),
             LOG_STR("admin", admin_verdict_name(h.admin)), LOG_STR("traffic", traffic_verdict_name(h.traffic)),
             LOG_INT("age_ms", h.at_ms == 0 ? -1 : now - h.at_ms), LOG_STR("reason", h.reason),
             LOG_BOOL("started", h.started), LOG_STR("version", h.node.version), LOG_INT("lives", h.lives),
             LOG_INT("uptime_s", h.node_at_ms == 0 ? 0 : (now - h.boot_ms) / 1000),
             LOG_INT("backends_online", h.backends.online), LOG_INT("backends_shunned", h.backends.shunned),
             LOG_INT("backends", h.backends.total), LOG_INT("clients", h.node.clients),
             LOG_BOOL("paused", h.node.paused), LOG_INT("connections_lent", p.lent),
             LOG_INT("connections_idle", p.idle), LOG_INT("connections_parked", p.parked),
             LOG_INT("connects", p.connects), LOG_INT("connect_failures", p.connect_failures),
             LOG_INT("parked_total", p.parked_total), LOG_INT("abandoned", p.abandoned),
             LOG_INT("connections_refused", p.refused), LOG_INT("health_jobs", j.succeeded),
             LOG_INT("health_jobs_failed", j.failed), LOG_INT("health_jobs_joined", j.joined),
             LOG_INT("health_jobs_refused", j.refused));
}
