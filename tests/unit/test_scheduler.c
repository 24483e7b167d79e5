#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/queue/scheduler.h"
#include "daemon/queue/worker_pool.h"
#include "tests/unit/event.h"

enum { runs_max = 64, again_ms = 20 };

/* What the jobs do and what was seen; the times are written by one job at a time and read after the end. */
struct world {
    struct job_queue *queue;
    struct worker_pool *pool;
    struct event ran;
    struct event gate; /* jobs of kind GATED wait here */
    uint64_t again;    /* bit i: run i asks for the next one in again_ms; set before the start */
    uint64_t fails;    /* bit i: run i fails; set before the start */
    int64_t begin_ms[runs_max];
    int64_t end_ms[runs_max];
};

enum { TIMED, GATED, KINDS };

static int run_timed(struct job *job, void *context, struct error *err)
{
    struct world *w = context;
    unsigned i = event_count(&w->ran);
    if (i < runs_max)
        w->begin_ms[i] = clock_mono_ms();
    int code = 0;
    if (i < runs_max && (w->again >> i & 1) != 0)
        job_again_in(job, again_ms);
    if (i < runs_max && (w->fails >> i & 1) != 0)
        code = error_set(err, -EIO, "on purpose");
    if (i < runs_max)
        w->end_ms[i] = clock_mono_ms();
    event_raise(&w->ran);
    return code;
}

static int run_gated(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)err;
    struct world *w = context;
    event_raise(&w->ran);
    return event_wait(&w->gate, 1) ? 0 : -ETIMEDOUT;
}

static const struct job_kind kinds[KINDS] = {
    [TIMED] = {.name = "timed",
               .max_running = 1,
               .max_waiting = 1,
               .max_waiters = 4,
               .second = JOB_SECOND_REFUSE,
               .deadline_ms = 600000,
               .run = run_timed},
    [GATED] = {.name = "gated",
               .max_running = 1,
               .max_waiting = 4,
               .max_waiters = 4,
               .second = JOB_SECOND_QUEUE,
               .deadline_ms = 600000,
               .run = run_gated},
};

static void world_init(struct world *w)
{
    memset(w, 0, sizeof(*w));
    event_init(&w->ran);
    event_init(&w->gate);
    w->queue = job_queue_new(kinds, KINDS, 2, w);
    assert_int_equal(worker_pool_start(&w->pool, w->queue, 2, NULL, NULL, NULL), 0);
}

static void world_fini(struct world *w, struct scheduler *s)
{
    scheduler_stop(s);
    job_queue_stop(w->queue);
    worker_pool_join(w->pool);
    scheduler_free(s);
    job_queue_free(w->queue);
    event_fini(&w->gate);
    event_fini(&w->ran);
}

static struct scheduler *start(struct world *w, const struct schedule *entries, size_t count)
{
    struct scheduler *s = NULL;
    assert_int_equal(scheduler_start(&s, w->queue, entries, count, NULL), 0);
    return s;
}

/* Only what is too early can be wrong: a slow machine makes anything late. */
static void the_next_comes_an_interval_after_the_end(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entry = {.kind = TIMED, .interval_ms = 20, .retry_ms = 1, .delay_ms = 30};
    int64_t start_ms = clock_mono_ms();
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 5));
    world_fini(&w, s);
    assert_true(w.begin_ms[0] >= start_ms + 30);
    for (size_t i = 1; i < 5; i++)
        assert_true(w.begin_ms[i] - w.end_ms[i - 1] >= 20);
}

/* With an hour's interval, runs that follow soon are retries, and they end with the first success. */
static void failures_are_retried_with_back_off(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.fails = 0xf;
    const struct schedule entry = {.kind = TIMED, .interval_ms = 3600000, .retry_ms = 8};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 5));
    assert_false(event_wait_for(&w.ran, 6, 300));
    world_fini(&w, s);
    for (size_t i = 1; i < 5; i++)
        assert_true(w.begin_ms[i] - w.end_ms[i - 1] >= 8 << (i - 1) >> 1);
}

/* Ten failures, a success, a failure: the last retry would wait half an interval or more if the back-off went on. */
static void a_success_resets_the_back_off(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.fails = 0xbff;
    const struct schedule entry = {.kind = TIMED, .interval_ms = 1000, .retry_ms = 1};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 13));
    world_fini(&w, s);
    assert_true(w.begin_ms[11] - w.end_ms[10] >= 1000);
    assert_true(w.begin_ms[12] - w.end_ms[11] < 450);
}

/* While draining everything is refused; when it may again, the retries get through. */
static void a_refusal_is_retried(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    job_queue_set_draining(w.queue, true);
    const struct schedule entry = {.kind = TIMED, .interval_ms = 20, .retry_ms = 1};
    struct scheduler *s = start(&w, &entry, 1);
    struct job_kind_stats stats = {0};
    for (int64_t until_ms = clock_mono_ms() + EVENT_WAIT_MS; stats.refused < 3 && clock_mono_ms() < until_ms;) {
        assert_false(event_wait_for(&w.ran, 1, 5));
        job_queue_stats(w.queue, TIMED, &stats);
    }
    assert_true(stats.refused >= 3);
    job_queue_set_draining(w.queue, false);
    assert_true(event_wait(&w.ran, 2));
    world_fini(&w, s);
}

/* One that hangs is not submitted again, and does not hold up the others. */
static void entries_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entries[] = {{.kind = GATED, .interval_ms = 1, .retry_ms = 1},
                                       {.kind = TIMED, .interval_ms = 2, .retry_ms = 1, .delay_ms = 1}};
    struct scheduler *s = start(&w, entries, 2);
    assert_true(event_wait(&w.ran, 20));
    struct job_kind_stats stats;
    job_queue_stats(w.queue, GATED, &stats);
    assert_int_equal(stats.running, 1);
    assert_int_equal(stats.waiting, 0);
    event_raise(&w.gate);
    world_fini(&w, s);
}

/* The far due time does not hold it up; a job that ends after the stop reports to a scheduler that still exists. */
static void stopping_does_not_wait_for_anything(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entries[] = {{.kind = TIMED, .interval_ms = 3600000, .retry_ms = 1, .delay_ms = 3600000},
                                       {.kind = GATED, .interval_ms = 1, .retry_ms = 1}};
    struct scheduler *s = start(&w, entries, 2);
    assert_true(event_wait(&w.ran, 1));
    int64_t before_ms = clock_mono_ms();
    scheduler_stop(s);
    assert_true(clock_mono_ms() - before_ms < 10000);
    event_raise(&w.gate);
    job_queue_stop(w.queue);
    worker_pool_join(w.pool);
    struct job_kind_stats stats;
    job_queue_stats(w.queue, GATED, &stats);
    assert_int_equal(stats.succeeded, 1);
    scheduler_free(s);
    job_queue_free(w.queue);
    event_fini(&w.gate);
    event_fini(&w.ran);
}

static void a_job_may_ask_for_the_next_one_sooner(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.again = 1;
    w.fails = 1;
    const struct schedule entry = {.kind = TIMED, .interval_ms = 3600000, .retry_ms = 3600000};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 2));
    world_fini(&w, s);
    assert_in_range(w.begin_ms[1] - w.end_ms[0], again_ms, 60000);
}

static void an_event_hastens_the_next_one(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entry = {.kind = TIMED, .interval_ms = 3600000, .retry_ms = 3600000, .min_gap_ms = 100};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 1));
    scheduler_hasten(s, TIMED);
    scheduler_hasten(s, TIMED);
    scheduler_hasten(s, GATED); /* has no entry */
    assert_true(event_wait(&w.ran, 2));
    assert_int_equal(event_count(&w.ran), 2);
    world_fini(&w, s);
    /* submitted at least the gap apart; the begin of the first may have come a little after its submission */
    assert_in_range(w.begin_ms[1] - w.begin_ms[0], 50, 60000);
}

static void an_event_during_the_job_makes_another_one(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entry = {.kind = GATED, .interval_ms = 3600000, .retry_ms = 3600000};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 1));
    scheduler_hasten(s, GATED);
    event_raise(&w.gate);
    assert_true(event_wait(&w.ran, 2));
    world_fini(&w, s);
}

/* The first run was an hour ago in the other's plan: with the new interval the next ones come soon. */
static void a_shorter_interval_counts_at_once(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    const struct schedule entry = {.kind = TIMED, .interval_ms = 3600000, .retry_ms = 5};
    struct scheduler *s = start(&w, &entry, 1);
    assert_true(event_wait(&w.ran, 1));
    scheduler_set_interval(s, GATED, 20); /* no entry of this kind */
    scheduler_set_interval(s, TIMED, 20);
    assert_true(event_wait(&w.ran, 3));
    scheduler_set_interval(s, TIMED, 3600000);
    world_fini(&w, s);
    for (size_t i = 2; i < 3; i++)
        assert_true(w.begin_ms[i] - w.end_ms[i - 1] >= 20);
}

static void null_is_fine(void **state)
{
    (void)state;
    scheduler_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_comes_an_interval_after_the_end),
        cmocka_unit_test(failures_are_retried_with_back_off),
        cmocka_unit_test(a_success_resets_the_back_off),
        cmocka_unit_test(a_refusal_is_retried),
        cmocka_unit_test(entries_do_not_wait_for_each_other),
        cmocka_unit_test(stopping_does_not_wait_for_anything),
        cmocka_unit_test(a_job_may_ask_for_the_next_one_sooner),
        cmocka_unit_test(an_event_hastens_the_next_one),
        cmocka_unit_test(an_event_during_the_job_makes_another_one),
        cmocka_unit_test(a_shorter_interval_counts_at_once),
        cmocka_unit_test(null_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
