#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>

#include "daemon/queue/worker_pool.h"
#include "tests/unit/event.h"

/* thread_start() as the pool sees it (the linker's --wrap): fails when fail_thread_at more threads were asked for. */
static unsigned fail_thread_at = UINT_MAX;

int __real_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *arg, struct error *err);
int __wrap_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *arg, struct error *err);

int __wrap_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *), void *arg, struct error *err)
{
    if (fail_thread_at == 0)
        return error_set(err, -EAGAIN, "start thread %s: none left", name);
    if (fail_thread_at != UINT_MAX)
        fail_thread_at--;
    return __real_thread_start(ret_thread, name, run, arg, err);
}

/* Two jobs that only end well when both run at the same time. */
struct meeting {
    struct event here;
    unsigned rounds; /* begun so far, written between rounds only */
    atomic_uint missed;
};

static int meet(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)err;
    struct meeting *m = context;
    event_raise(&m->here);
    if (!event_wait(&m->here, 2 * m->rounds))
        atomic_fetch_add(&m->missed, 1);
    return 0;
}

static void raise_done(void *arg, const struct job_result *result)
{
    (void)result;
    event_raise(arg);
}

/* Both workers must come for both jobs, each time: a wake-up that is lost leaves a job beside an idle worker. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    enum { rounds = 5000 };
    const struct job_kind kinds[] = {{.name = "meet",
                                      .max_running = 2,
                                      .max_waiting = 2,
                                      .max_waiters = 1,
                                      .second = JOB_SECOND_QUEUE,
                                      .deadline_ms = 600000,
                                      .run = meet}};
    struct meeting m = {.rounds = 0};
    struct event done;
    event_init(&m.here);
    event_init(&done);
    struct job_queue *q = job_queue_new(kinds, 1, 2, &m);
    struct worker_pool *pool = NULL;
    assert_int_equal(worker_pool_start(&pool, q, 2, NULL, NULL, NULL), 0);
    for (unsigned i = 1; i <= rounds && atomic_load(&m.missed) == 0; i++) {
        m.rounds = i;
        assert_int_equal(job_queue_submit(q, 0, raise_done, &done, NULL), 0);
        assert_int_equal(job_queue_submit(q, 0, raise_done, &done, NULL), 0);
        assert_true(event_wait(&done, 2 * i));
    }
    assert_int_equal(atomic_load(&m.missed), 0);
    job_queue_stop(q);
    worker_pool_join(pool);
    job_queue_free(q);
    event_fini(&done);
    event_fini(&m.here);
}

static int begin(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)err;
    event_raise(context);
    return 0;
}

/* The end of a job makes the next of its kind ready: the idle worker takes it while the first one's callback is still
 * at work. */
struct slow_callback {
    struct event *begun;
    unsigned until;
    struct event returned;
    atomic_bool in_time;
};

static void wait_for_next(void *arg, const struct job_result *result)
{
    (void)result;
    struct slow_callback *c = arg;
    atomic_store(&c->in_time, event_wait(c->begun, c->until));
    event_raise(&c->returned);
}

static void an_end_wakes_another_worker(void **state)
{
    (void)state;
    enum { rounds = 2000 };
    const struct job_kind kinds[] = {{.name = "one",
                                      .max_running = 1,
                                      .max_waiting = 2,
                                      .max_waiters = 1,
                                      .second = JOB_SECOND_QUEUE,
                                      .deadline_ms = 600000,
                                      .run = begin}};
    struct event begun;
    event_init(&begun);
    struct slow_callback c = {.begun = &begun};
    event_init(&c.returned);
    struct job_queue *q = job_queue_new(kinds, 1, 2, &begun);
    struct worker_pool *pool = NULL;
    assert_int_equal(worker_pool_start(&pool, q, 2, NULL, NULL, NULL), 0);
    for (unsigned i = 1; i <= rounds; i++) {
        c.until = 2 * i;
        assert_int_equal(job_queue_submit(q, 0, wait_for_next, &c, NULL), 0);
        assert_int_equal(job_queue_submit(q, 0, raise_done, &c.returned, NULL), 0);
        assert_true(event_wait(&c.returned, 2 * i));
        assert_true(atomic_load(&c.in_time));
    }
    job_queue_stop(q);
    worker_pool_join(pool);
    job_queue_free(q);
    event_fini(&c.returned);
    event_fini(&begun);
}

static int block(struct job *job, void *context, struct error *err)
{
    (void)err;
    struct event *woken = context;
    event_raise(woken);
    while (!job_should_stop(job))
        (void)event_wait_for(woken, UINT_MAX, 5);
    return -ECANCELED;
}

static void count_result(void *arg, const struct job_result *result)
{
    struct event *events = arg; /* succeeded, too late, others */
    event_raise(&events[result->code == 0 ? 0 : result->code == -ETIMEDOUT ? 1 : 2]);
}

/* All shared workers hang: the reserved kind is served, what waits hears at its deadline, and stopping ends it all. */
static void a_flood_leaves_the_reserved_kind_alone(void **state)
{
    (void)state;
    const struct job_kind plain = {
        .max_running = 8, .max_waiting = 8, .max_waiters = 1, .deadline_ms = 600000, .second = JOB_SECOND_QUEUE};
    struct job_kind kinds[] = {plain, plain, plain};
    kinds[0].run = block;
    kinds[0].priority = 9;
    kinds[1].run = begin;
    kinds[1].reserved = true;
    kinds[2].run = begin;
    kinds[2].deadline_ms = 50;
    struct event begun;
    struct event results[3];
    event_init(&begun);
    for (size_t i = 0; i < 3; i++)
        event_init(&results[i]);
    struct job_queue *q = job_queue_new(kinds, 3, 3, &begun);
    struct worker_pool *pool = NULL;
    assert_int_equal(worker_pool_start(&pool, q, 3, NULL, NULL, NULL), 0);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(job_queue_submit(q, 0, count_result, results, NULL), 0);
    assert_true(event_wait(&begun, 2));
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(job_queue_submit(q, 2, count_result, results, NULL), 0);
    for (unsigned i = 1; i <= 100; i++) {
        assert_int_equal(job_queue_submit(q, 1, count_result, results, NULL), 0);
        assert_true(event_wait(&results[0], i));
    }
    assert_true(event_wait(&results[1], 4));
    assert_int_equal(event_count(&results[2]), 0);
    job_queue_stop(q);
    worker_pool_join(pool);
    assert_int_equal(event_count(&begun), 102);
    assert_int_equal(event_count(&results[2]), 6);
    job_queue_free(q);
    for (size_t i = 0; i < 3; i++)
        event_fini(&results[i]);
    event_fini(&begun);
}

static atomic_uint inits;
static atomic_uint finis;

static void count_init(void)
{
    atomic_fetch_add(&inits, 1);
}

static void count_fini(void)
{
    atomic_fetch_add(&finis, 1);
}

static void each_worker_begins_and_ends_with_its_hooks(void **state)
{
    (void)state;
    const struct job_kind kinds[] = {
        {.name = "none", .max_running = 1, .max_waiting = 1, .max_waiters = 1, .deadline_ms = 1, .run = begin}};
    atomic_store(&inits, 0);
    atomic_store(&finis, 0);
    struct job_queue *q = job_queue_new(kinds, 1, 3, NULL);
    struct worker_pool *pool = NULL;
    assert_int_equal(worker_pool_start(&pool, q, 3, count_init, count_fini, NULL), 0);
    job_queue_stop(q);
    worker_pool_join(pool);
    job_queue_free(q);
    assert_int_equal(atomic_load(&inits), 3);
    assert_int_equal(atomic_load(&finis), 3);
}

static void a_failed_start_leaves_no_thread(void **state)
{
    (void)state;
    const struct job_kind kinds[] = {
        {.name = "none", .max_running = 1, .max_waiting = 1, .max_waiters = 1, .deadline_ms = 1, .run = begin}};
    for (unsigned allowed = 0; allowed < 4; allowed++) {
        atomic_store(&inits, 0);
        atomic_store(&finis, 0);
        struct job_queue *q = job_queue_new(kinds, 1, 3, NULL);
        struct worker_pool *pool = NULL;
        struct error err = ERROR_INIT;
        fail_thread_at = allowed;
        assert_int_equal(worker_pool_start(&pool, q, 3, count_init, count_fini, &err), -EAGAIN);
        fail_thread_at = UINT_MAX;
        assert_null(pool);
        assert_int_equal(err.code, -EAGAIN);
        assert_int_equal(atomic_load(&finis), allowed == 0 ? 0 : allowed - 1); /* the sweeper has no hooks */
        assert_int_equal(job_queue_submit(q, 0, NULL, NULL, NULL), -ESHUTDOWN);
        job_queue_free(q);
    }
}

static void null_is_fine(void **state)
{
    (void)state;
    worker_pool_join(NULL);
    job_queue_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(an_end_wakes_another_worker),
        cmocka_unit_test(a_flood_leaves_the_reserved_kind_alone),
        cmocka_unit_test(each_worker_begins_and_ends_with_its_hooks),
        cmocka_unit_test(a_failed_start_leaves_no_thread),
        cmocka_unit_test(null_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
