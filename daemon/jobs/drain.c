#include "daemon/jobs/drain.h"

#include "daemon/jobs/job_table.h"
#include "shared/log.h"

int drain_run(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)err;
    struct job_context *c = context;
    job_queue_set_draining(c->queue, true);
    if (phase_advance(c->phase, PHASE_DRAINING))
        log_info("draining: not ready any more");
    return 0;
}
