#include "daemon/jobs/drain_grace.h"

#include "daemon/cluster/wanted.h"
#include "daemon/drain/plan.h"
#include "daemon/jobs/job_table.h"
#include "shared/log.h"

int64_t drain_own_grace_ms(const struct job_context *c)
{
    if (c->pods == NULL)
        return 0;
    struct pod_view *view = pod_watch_snapshot(c->pods);
    const struct pod *own = wanted_own_pod(view->pods, view->count);
    int64_t grace_ms = own == NULL ? 0 : (int64_t)own->grace_s * 1000;
    pod_view_free(view);
    return grace_ms;
}

void drain_warn_grace(const struct job_context *c, const struct pod *own)
{
    int64_t timeout_s = c->config->shutdown.shutdown_timeout;
    int64_t grace_s = own == NULL ? 0 : own->grace_s;
    if (grace_s == 0 || grace_s * 1000 - DRAIN_GRACE_MARGIN_MS >= timeout_s * 1000 ||
        atomic_exchange(&c->drain_memory->told_grace, true))
        return;
    log_warn("the grace period of this pod is too short for shutdown.shutdown_timeout: a drain ends 3 s before it is "
             "over; raise terminationGracePeriodSeconds",
             LOG_INT("grace_s", grace_s), LOG_INT("shutdown_timeout_s", timeout_s));
}
