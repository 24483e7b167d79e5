#pragma once

#include "daemon/queue/job_queue.h"

/*
 * Submits jobs periodically from a thread of its own: the next one interval_ms after the last one ended, with up to a
 * tenth of jitter; after a failure (or a refusal) with back-off instead, from retry_ms doubling up to interval_ms.
 */
struct scheduler;

struct schedule {
    size_t kind;
    int64_t interval_ms; /* > 0 */
    int64_t retry_ms;    /* > 0, <= interval_ms */
    int64_t delay_ms;    /* before the first one, >= 0 */
};

/* Start the thread. entries (count <= 16) are copied; queue must outlive the scheduler. */
MUST_CHECK int scheduler_start(struct scheduler **ret_scheduler, struct job_queue *queue,
                               const struct schedule *entries, size_t count, struct error *err);

/* Submit nothing more and join the thread. */
void scheduler_stop(struct scheduler *scheduler);

/* After scheduler_stop() and after the queue's workers were joined (a job's end reports to the scheduler). NULL is
 * fine. */
void scheduler_free(struct scheduler *scheduler);
