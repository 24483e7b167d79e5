#pragma once

#include "daemon/queue/job_queue.h"

/* A fixed number of threads that take jobs from one queue and run them, and one that ends jobs which waited too long.
 * Start and join belong to one thread. */
struct worker_pool;

/* Start `count` threads (as many as job_queue_new() was told) named worker-0, worker-1, ... on queue, which must
 * outlive the pool, and the sweeper. thread_init and thread_fini (either may be NULL) run on each worker at its begin
 * and end. On failure (-EAGAIN) no thread is left and the queue is stopped. */
MUST_CHECK int worker_pool_start(struct worker_pool **ret_pool, struct job_queue *queue, unsigned count,
                                 void (*thread_init)(void), void (*thread_fini)(void), struct error *err);

/* Join all threads and free the pool; call job_queue_stop() first. Returns when the running jobs have ended, which is
 * bounded by their deadlines. NULL is fine. */
void worker_pool_join(struct worker_pool *pool);
