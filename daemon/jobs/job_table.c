#include "daemon/jobs/job_table.h"

#include <assert.h>

#include "daemon/jobs/doctor.h"
#include "daemon/jobs/drain.h"
#include "daemon/jobs/dump.h"
#include "daemon/jobs/health.h"
#include "daemon/jobs/job_counters.h"
#include "daemon/jobs/reload.h"
#include "shared/clock.h"

/* One HTTP connection's worth of callers for each that may be open, and some to spare. */
enum { waiters_max = 1024 };

static_assert((int)JOB_IDS <= (int)JOB_COUNTERS_KINDS, "raise JOB_COUNTERS_KINDS");

const struct job_kind job_table[JOB_IDS] = {
    [JOB_DRAIN] = {.name = "drain",
                   .priority = 100,
                   .max_running = 1,
                   .max_waiting = 1,
                   .max_waiters = DRAIN_ASKERS_MAX + 1,
                   .second = JOB_SECOND_JOIN,
                   .deadline_ms = DRAIN_DEADLINE_MS,
                   .while_draining = true,
                   .reserved = true,
                   .run = drain_run},
    [JOB_HEALTH] = {.name = "health",
                    .priority = 90,
                    .max_running = 1,
                    .max_waiting = 1,
                    .max_waiters = waiters_max,
                    .second = JOB_SECOND_JOIN,
                    .deadline_ms = HEALTH_DEADLINE_MS,
                    .while_draining = true,
                    .reserved = true,
                    .run = health_run},
    [JOB_RECONCILE] = {.name = "reconcile",
                       .priority = 60,
                       .max_running = 1,
                       .max_waiting = 1,
                       .max_waiters = waiters_max,
                       .second = JOB_SECOND_JOIN_WAITING,
                       .deadline_ms = RECONCILE_DEADLINE_MS,
                       .while_draining = false,
                       .reserved = false,
                       .run = reconcile_run},
    [JOB_RESYNC] = {.name = "resync",
                    .priority = 50,
                    .max_running = 1,
                    .max_waiting = 1,
                    .max_waiters = waiters_max,
                    .second = JOB_SECOND_JOIN,
                    .deadline_ms = RESYNC_DEADLINE_MS,
                    .while_draining = false,
                    .reserved = false,
                    .run = resync_run},
    [JOB_RELOAD] = {.name = "reload",
                    .priority = 80,
                    .max_running = 1,
                    .max_waiting = 1,
                    .max_waiters = waiters_max,
                    .second = JOB_SECOND_JOIN_WAITING,
                    .deadline_ms = RELOAD_DEADLINE_MS,
                    .while_draining = true,
                    .reserved = false,
                    .run = reload_run},
    [JOB_STAMP] = {.name = "stamp",
                   .priority = 70, /* before membership, which has to wait for the connection otherwise */
                   .max_running = 1,
                   .max_waiting = 4,
                   .max_waiters = waiters_max,
                   .second = JOB_SECOND_QUEUE, /* a dry run must not become the one that stamps */
                   .deadline_ms = STAMP_DEADLINE_MS,
                   .while_draining = false,
                   .reserved = false,
                   .run = stamp_run},
    [JOB_DUMP] = {.name = "dump",
                  .priority = 10,
                  .max_running = 1,
                  .max_waiting = 1,
                  .max_waiters = waiters_max,
                  .second = JOB_SECOND_REFUSE,
                  .deadline_ms = DUMP_DEADLINE_MS,
                  .while_draining = false,
                  .reserved = false,
                  .run = dump_run},
    [JOB_INSPECT] = {.name = "inspect",
                     .priority = 40,
                     .max_running = 1,
                     .max_waiting = 1,
                     .max_waiters = waiters_max,
                     .second = JOB_SECOND_JOIN,
                     .deadline_ms = INSPECT_DEADLINE_MS,
                     .while_draining = true,
                     .reserved = false,
                     .run = inspect_run},
    [JOB_DOCTOR] = {.name = "doctor",
                    .priority = 30,
                    .max_running = 1,
                    .max_waiting = 1,
                    .max_waiters = waiters_max,
                    .second = JOB_SECOND_JOIN,
                    .deadline_ms = DOCTOR_DEADLINE_MS,
                    .while_draining = true,
                    .reserved = false,
                    .run = doctor_run},
};

int job_table_run(const struct job_kind *kind, struct job *job, void *context, struct error *err)
{
    struct job_context own = *(const struct job_context *)context;
    cleanup_config const struct config *config = config_live_get(own.live);
    own.config = config;
    int64_t began_us = clock_mono_us();
    int rc = kind->run(job, &own, err);
    histogram_add_us(job_counters_durations((size_t)(kind - job_table)), clock_mono_us() - began_us);
    return rc;
}

int64_t job_table_interval_ms(size_t kind, const struct config *config)
{
    switch (kind) {
    case JOB_RECONCILE:
        return config->core.interval * 1000;
    case JOB_RESYNC:
        return config->satellite.interval * 1000;
    default:
        return 0;
    }
}
