#pragma once

/* What the tests of the queue share: jobs run by hand, one at a time, on the test's thread, and threads that run
 * them as the workers do. */
#include "tests/unit/unit.h"

#include "daemon/queue/job_queue.h"

enum { far_ms = 600000 };

/* Take and run one job; tests do it only when one is ready. */
static inline void run_one(struct job_queue *q)
{
    struct job *job = job_queue_pop(q);
    assert_non_null(job);
    job_queue_run(q, job);
}

static inline void stop_and_free(struct job_queue *q)
{
    job_queue_stop(q);
    assert_null(job_queue_pop(q));
    job_queue_free(q);
}

static inline struct job_kind_stats stats_of(struct job_queue *q, size_t kind)
{
    struct job_kind_stats stats;
    job_queue_stats(q, kind, &stats);
    return stats;
}

static inline void *sweep(void *queue)
{
    job_queue_sweep(queue);
    return NULL;
}

static inline void *work(void *queue)
{
    struct job *job;
    while ((job = job_queue_pop(queue)) != NULL)
        job_queue_run(queue, job);
    return NULL;
}
