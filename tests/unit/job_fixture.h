#pragma once

/* What the tests of the queue share: jobs run by hand, one at a time, on the test's thread. */
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
