#include "daemon/queue/worker_pool.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/mem.h"
#include "shared/thread.h"

struct worker_pool {
    struct job_queue *queue;
    void (*thread_init)(void);
    void (*thread_fini)(void);
    unsigned started;    /* how many of threads run */
    pthread_t threads[]; /* the sweeper, then the workers */
};

static void *sweeper_main(void *arg)
{
    struct worker_pool *pool = arg;
    job_queue_sweep(pool->queue);
    return NULL;
}

static void *worker_main(void *arg)
{
    struct worker_pool *pool = arg;
    if (pool->thread_init != NULL)
        pool->thread_init();
    struct job *job;
    while ((job = job_queue_pop(pool->queue)) != NULL)
        job_queue_run(pool->queue, job);
    if (pool->thread_fini != NULL)
        pool->thread_fini();
    return NULL;
}

static int start_threads(struct worker_pool *pool, unsigned workers, struct error *err)
{
    int rc = thread_start(&pool->threads[0], "job-sweeper", sweeper_main, pool, err);
    if (rc < 0)
        return rc;
    pool->started = 1;
    for (unsigned i = 0; i < workers; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "worker-%u", i);
        rc = thread_start(&pool->threads[pool->started], name, worker_main, pool, err);
        if (rc < 0)
            return rc;
        pool->started++;
    }
    return 0;
}

int worker_pool_start(struct worker_pool **ret_pool, struct job_queue *queue, unsigned count, void (*thread_init)(void),
                      void (*thread_fini)(void), struct error *err)
{
    assert(count >= 1);
    struct worker_pool *pool = xcalloc(1, sizeof(*pool) + (count + 1) * sizeof(pool->threads[0]));
    pool->queue = queue;
    pool->thread_init = thread_init;
    pool->thread_fini = thread_fini;
    int rc = start_threads(pool, count, err);
    if (rc < 0) {
        job_queue_stop(queue);
        worker_pool_join(pool);
        return rc;
    }
    *ret_pool = pool;
    return 0;
}

void worker_pool_join(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    for (unsigned i = 0; i < pool->started; i++)
        thread_join(pool->threads[i]);
    free(pool);
}
