#pragma once

#include "daemon/queue/job_queue.h"

/*
 * Submits jobs periodically from a thread of its own: the next one interval_ms after the last one ended, with up to a
 * tenth of jitter; after a failure (or a refusal) with back-off instead, from retry_ms doubling up to interval_ms. A
 * job that asks for it with job_again_in() is submitted again sooner, and so is one that scheduler_hasten() asks for.
 * Whoever fails says so: this module logs nothing. Start, stop and free belong to one thread.
 */
struct scheduler;

enum { SCHEDULER_ENTRIES_MAX = 16 };

struct schedule {
    size_t kind;
    int64_t interval_ms; /* > 0 */
    int64_t retry_ms;    /* > 0, <= interval_ms */
    int64_t delay_ms;    /* before the first one, >= 0; nothing hastens that */
    int64_t min_gap_ms;  /* a hastened one comes at least this long after one that succeeds was submitted, >= 0 */
};

/* Start the thread. entries (count <= SCHEDULER_ENTRIES_MAX) are copied; queue must outlive the scheduler. Fails with
 * -EAGAIN when there is no thread to be had. */
MUST_CHECK int scheduler_start(struct scheduler **ret_scheduler, struct job_queue *queue,
                               const struct schedule *entries, size_t count, struct error *err);

/* Something happened that this kind should look at: submit it now, or min_gap_ms after the last one that succeeded, or,
 * when one waits or runs, again after its end. Events in between share one. Without an entry of this kind nothing is
 * done. Thread-safe until scheduler_free(). */
void scheduler_hasten(struct scheduler *scheduler, size_t kind);

/* From now on entries of this kind come every interval_ms (>= their retry_ms); one that would come later than that
 * comes in interval_ms. Thread-safe until scheduler_free(). */
void scheduler_set_interval(struct scheduler *scheduler, size_t kind, int64_t interval_ms);

/* Submit nothing more and join the thread; once. Jobs that were submitted go on. */
void scheduler_stop(struct scheduler *scheduler);

/* After scheduler_stop() and after the queue's workers were joined (a job's end reports to the scheduler). NULL is
 * fine. */
void scheduler_free(struct scheduler *scheduler);
