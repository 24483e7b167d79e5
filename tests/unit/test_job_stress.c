#include "tests/unit/job_fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>

#include "shared/thread.h"

/* Several submitters of all kinds of kinds, workers, a sweeper and one who drains and undrains: at the end every
 * accepted submission was answered once, and the books agree. */
enum { stress_kinds = 6, stress_submitters = 4, stress_workers = 4, stress_rounds = 20000 };

struct stress {
    struct job_queue *queue;
    atomic_uint accepted;
    atomic_uint refused;
    atomic_uint answered;
    atomic_uint running[stress_kinds];
    atomic_bool too_many;
};

static int stress_run(struct stress *s, size_t kind, unsigned max_running, struct job *job)
{
    if (atomic_fetch_add(&s->running[kind], 1) + 1 > max_running)
        atomic_store(&s->too_many, true);
    int code = job_should_stop(job) ? -ECANCELED : 0;
    atomic_fetch_sub(&s->running[kind], 1);
    return code;
}

#define STRESS_RUN(kind, max_running)                                               \
    static int stress_run_##kind(struct job *job, void *context, struct error *err) \
    {                                                                               \
        (void)err;                                                                  \
        return stress_run(context, (kind), (max_running), job);                     \
    }
STRESS_RUN(0, 1)
STRESS_RUN(1, 1)
STRESS_RUN(2, 2)
STRESS_RUN(3, 1)
STRESS_RUN(4, 3)
STRESS_RUN(5, 4)

static void stress_done(void *arg, const struct job_result *result)
{
    (void)result;
    struct stress *s = arg;
    atomic_fetch_add(&s->answered, 1);
}

static void *stress_submit(void *arg)
{
    struct stress *s = arg;
    for (unsigned i = 0; i < stress_rounds; i++) {
        int rc = job_queue_submit(s->queue, i % stress_kinds, stress_done, s, NULL);
        atomic_fetch_add(rc == 0 ? &s->accepted : &s->refused, 1);
        if (rc < 0)
            (void)sched_yield();
    }
    return NULL;
}

static void *stress_drain(void *arg)
{
    struct stress *s = arg;
    for (unsigned i = 0; i < stress_rounds / 8; i++)
        job_queue_set_draining(s->queue, i % 4 == 0);
    return NULL;
}

static void stress_books_agree(struct stress *s)
{
    uint64_t ended = 0;
    uint64_t refused = 0;
    for (size_t i = 0; i < stress_kinds; i++) {
        struct job_kind_stats stats = stats_of(s->queue, i);
        assert_int_equal(stats.waiting + stats.running, 0);
        ended += stats.succeeded + stats.failed + stats.cancelled + stats.joined;
        refused += stats.refused;
    }
    assert_false(atomic_load(&s->too_many));
    assert_int_equal(atomic_load(&s->answered), atomic_load(&s->accepted));
    assert_int_equal(ended, atomic_load(&s->accepted));
    assert_int_equal(refused, atomic_load(&s->refused));
    assert_int_equal(ended + refused, stress_submitters * stress_rounds);
}

/* Of every kind; the rest makes them different. */
static const struct job_kind any = {
    .name = "kind", .max_running = 4, .max_waiting = 8, .max_waiters = 8, .deadline_ms = far_ms};

static void many_submitters_lose_nothing(void **state)
{
    (void)state;
    struct job_kind kinds[] = {any, any, any, any, any, any};
    kinds[0].second = JOB_SECOND_JOIN;
    kinds[0].max_running = 1;
    kinds[0].reserved = true;
    kinds[0].while_draining = true;
    kinds[0].run = stress_run_0;
    kinds[1].second = JOB_SECOND_JOIN_WAITING;
    kinds[1].max_running = 1;
    kinds[1].run = stress_run_1;
    kinds[2].second = JOB_SECOND_QUEUE;
    kinds[2].max_running = 2;
    kinds[2].deadline_ms = 1;
    kinds[2].run = stress_run_2;
    kinds[3].second = JOB_SECOND_REFUSE;
    kinds[3].max_running = 1;
    kinds[3].priority = 5;
    kinds[3].run = stress_run_3;
    kinds[4].second = JOB_SECOND_QUEUE;
    kinds[4].max_running = 3;
    kinds[4].while_draining = true;
    kinds[4].run = stress_run_4;
    kinds[5].second = JOB_SECOND_QUEUE;
    kinds[5].max_running = 4;
    kinds[5].reserved = true;
    kinds[5].run = stress_run_5;
    struct stress s = {.accepted = 0};
    s.queue = job_queue_new(kinds, stress_kinds, stress_workers, &s);
    pthread_t submitters[stress_submitters];
    pthread_t others[stress_workers + 2];
    for (size_t i = 0; i < stress_workers; i++)
        assert_int_equal(thread_start(&others[i], "work", work, s.queue, NULL), 0);
    assert_int_equal(thread_start(&others[stress_workers], "sweep", sweep, s.queue, NULL), 0);
    assert_int_equal(thread_start(&others[stress_workers + 1], "drain", stress_drain, &s, NULL), 0);
    for (size_t i = 0; i < stress_submitters; i++)
        assert_int_equal(thread_start(&submitters[i], "submit", stress_submit, &s, NULL), 0);
    for (size_t i = 0; i < stress_submitters; i++)
        thread_join(submitters[i]);
    job_queue_stop(s.queue);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        thread_join(others[i]);
    stress_books_agree(&s);
    job_queue_free(s.queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_submitters_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
