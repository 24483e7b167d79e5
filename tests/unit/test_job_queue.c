#include "tests/unit/job_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "shared/clock.h"
#include "tests/unit/event.h"

/* What a callback heard. */
struct heard {
    unsigned times;
    int code;
    int64_t waited_ms;
    int64_t duration_ms;
    char text[128];
};

static void hear(void *arg, const struct job_result *result)
{
    struct heard *h = arg;
    h->times++;
    h->code = result->code;
    h->waited_ms = result->waited_ms;
    h->duration_ms = result->duration_ms;
    (void)snprintf(h->text, sizeof(h->text), "%s", result->text);
}

static int succeed(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)context;
    (void)err;
    return 0;
}

static int fail_with_text(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)context;
    return error_set(err, -EIO, "it broke");
}

static int fail_without_text(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)context;
    (void)err;
    return -EPERM;
}

/* A kind with room for everything; tests change what they are about. */
static const struct job_kind plain = {
    .name = "kind",
    .max_running = 4,
    .max_waiting = 8,
    .max_waiters = 8,
    .second = JOB_SECOND_QUEUE,
    .deadline_ms = far_ms,
    .run = succeed,
};

static void submit(struct job_queue *q, size_t kind, struct heard *heard)
{
    assert_int_equal(job_queue_submit(q, kind, heard == NULL ? NULL : hear, heard, NULL), 0);
}

static void higher_priority_first_then_oldest(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain, plain};
    kinds[0].priority = 1;
    kinds[1].priority = 9;
    kinds[2].priority = 1;
    struct job_queue *q = job_queue_new(kinds, 3, 4, NULL);
    static const size_t submitted[] = {0, 2, 0, 1, 2, 1};
    static const size_t expected[] = {1, 1, 0, 2, 0, 2};
    for (size_t i = 0; i < ARRAY_LEN(submitted); i++)
        submit(q, submitted[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        uint64_t before = stats_of(q, expected[i]).succeeded;
        run_one(q);
        assert_int_equal(stats_of(q, expected[i]).succeeded, before + 1);
    }
    stop_and_free(q);
}

static void one_kind_keeps_its_order(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain};
    struct job_queue *q = job_queue_new(kinds, 1, 1, NULL);
    struct heard heard[3] = {{0}};
    for (size_t i = 0; i < 3; i++)
        submit(q, 0, &heard[i]);
    for (size_t i = 0; i < 3; i++) {
        run_one(q);
        for (size_t j = 0; j < 3; j++)
            assert_int_equal(heard[j].times, j <= i ? 1 : 0);
    }
    stop_and_free(q);
}

/* Each rule: what a second submission meets while the first waits and while it runs; then a third. */
struct second_row {
    enum job_second second;
    int while_waiting;
    unsigned waiting; /* after the second, while the first waited */
    int while_running;
    unsigned waiting_beside_running;
    int third; /* after the one above */
    unsigned waiting_after_third;
    uint64_t joined;
};

static const struct second_row second_rows[] = {
    {JOB_SECOND_JOIN, 0, 1, 0, 0, 0, 0, 3},
    {JOB_SECOND_JOIN_WAITING, 0, 1, 0, 1, 0, 1, 2},
    {JOB_SECOND_QUEUE, 0, 2, 0, 2, -EBUSY, 2, 0},
    {JOB_SECOND_REFUSE, -EBUSY, 1, -EBUSY, 0, -EBUSY, 0, 0},
};

static void check_second_row(const struct second_row *row)
{
    struct job_kind kinds[] = {plain};
    kinds[0].second = row->second;
    kinds[0].max_waiting = 2;
    kinds[0].max_running = 1;
    struct job_queue *q = job_queue_new(kinds, 1, 4, NULL);
    struct heard heard[4] = {{0}};
    submit(q, 0, &heard[0]);
    assert_int_equal(job_queue_submit(q, 0, hear, &heard[1], NULL), row->while_waiting);
    assert_int_equal(stats_of(q, 0).waiting, row->waiting);
    struct job *first = job_queue_pop(q);
    assert_int_equal(job_queue_submit(q, 0, hear, &heard[2], NULL), row->while_running);
    assert_int_equal(stats_of(q, 0).waiting, row->waiting_beside_running);
    assert_int_equal(job_queue_submit(q, 0, hear, &heard[3], NULL), row->third);
    assert_int_equal(stats_of(q, 0).waiting, row->waiting_after_third);
    assert_int_equal(stats_of(q, 0).running, 1);
    assert_int_equal(stats_of(q, 0).joined, row->joined);
    job_queue_run(q, first);
    while (stats_of(q, 0).waiting > 0)
        run_one(q);
    assert_int_equal(heard[0].times, 1);
    assert_int_equal(heard[1].times, row->while_waiting == 0 ? 1 : 0);
    assert_int_equal(heard[2].times, row->while_running == 0 ? 1 : 0);
    assert_int_equal(heard[3].times, row->third == 0 ? 1 : 0);
    stop_and_free(q);
}

static void a_second_one_follows_its_rule(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(second_rows); i++)
        check_second_row(&second_rows[i]);
}

static void joiners_hear_with_the_one_they_joined(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain};
    kinds[0].second = JOB_SECOND_JOIN_WAITING;
    struct job_queue *q = job_queue_new(kinds, 1, 2, NULL);
    struct heard running = {0};
    struct heard waiting = {0};
    struct heard third = {0};
    submit(q, 0, &running);
    struct job *job = job_queue_pop(q);
    submit(q, 0, &waiting);
    submit(q, 0, &third);
    job_queue_run(q, job);
    assert_int_equal(running.times, 1);
    assert_int_equal(waiting.times + third.times, 0);
    run_one(q);
    assert_int_equal(waiting.times, 1);
    assert_int_equal(third.times, 1);
    stop_and_free(q);
}

static void waiters_of_one_job_are_bounded(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain};
    kinds[0].second = JOB_SECOND_JOIN;
    kinds[0].max_waiters = 2;
    struct job_queue *q = job_queue_new(kinds, 1, 1, NULL);
    struct heard heard = {0};
    struct error err = ERROR_INIT;
    submit(q, 0, &heard);
    submit(q, 0, &heard);
    assert_int_equal(job_queue_submit(q, 0, hear, &heard, &err), -EBUSY);
    assert_string_equal(err.text, "kind refused: 2 callers wait for it");
    submit(q, 0, NULL); /* nobody waits for this one */
    run_one(q);
    assert_int_equal(heard.times, 2);
    assert_int_equal(stats_of(q, 0).refused, 1);
    stop_and_free(q);
}

static void a_full_share_leaves_room_for_other_kinds(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].max_waiting = 1;
    kinds[1].max_waiting = 1;
    struct job_queue *q = job_queue_new(kinds, 2, 1, NULL);
    struct error err = ERROR_INIT;
    submit(q, 0, NULL);
    assert_int_equal(job_queue_submit(q, 0, NULL, NULL, &err), -EBUSY);
    assert_string_equal(err.text, "kind refused: 1 wait in the queue");
    submit(q, 1, NULL);
    stop_and_free(q);
}

static void a_kind_never_runs_more_than_its_maximum(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].priority = 9;
    kinds[0].max_running = 1;
    struct job_queue *q = job_queue_new(kinds, 2, 4, NULL);
    submit(q, 0, NULL);
    submit(q, 0, NULL);
    submit(q, 1, NULL);
    struct job *first = job_queue_pop(q);
    struct job *other = job_queue_pop(q);
    assert_int_equal(stats_of(q, 0).running, 1);
    assert_int_equal(stats_of(q, 1).running, 1);
    job_queue_run(q, first);
    run_one(q);
    assert_int_equal(stats_of(q, 0).succeeded, 2);
    job_queue_run(q, other);
    stop_and_free(q);
}

/* Unreserved jobs wait although a worker is idle; the reserved one begins at once. */
static void a_reserved_kind_finds_a_worker(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].priority = 9;
    kinds[1].reserved = true;
    kinds[1].max_running = 2;
    struct job_queue *q = job_queue_new(kinds, 2, 3, NULL);
    for (int i = 0; i < 3; i++)
        submit(q, 0, NULL);
    struct job *jobs[3] = {job_queue_pop(q), job_queue_pop(q)};
    submit(q, 1, NULL);
    submit(q, 1, NULL);
    jobs[2] = job_queue_pop(q);
    assert_int_equal(stats_of(q, 0).running, 2);
    assert_int_equal(stats_of(q, 1).running, 1);
    job_queue_run(q, jobs[0]);
    job_queue_run(q, jobs[1]);
    struct job *third = job_queue_pop(q); /* two shared workers again: the higher priority, ... */
    assert_int_equal(stats_of(q, 0).running, 1);
    struct job *second_reserved = job_queue_pop(q); /* ... then the second reserved one may share */
    assert_int_equal(stats_of(q, 1).running, 2);
    job_queue_run(q, jobs[2]);
    job_queue_run(q, third);
    job_queue_run(q, second_reserved);
    stop_and_free(q);
}

static void with_few_workers_every_kind_still_runs(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain, plain};
    kinds[1].reserved = true;
    kinds[2].reserved = true;
    for (unsigned workers = 1; workers <= 2; workers++) {
        struct job_queue *q = job_queue_new(kinds, 3, workers, NULL);
        for (size_t i = 0; i < 3; i++)
            submit(q, i, NULL);
        for (size_t i = 0; i < 3; i++)
            run_one(q);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(stats_of(q, i).succeeded, 1);
        stop_and_free(q);
    }
}

static void results_and_statistics_tell_how_it_ended(void **state)
{
    (void)state;
    static const struct {
        int (*run)(struct job *, void *, struct error *);
        int code;
        const char *text;
    } rows[] = {
        {succeed, 0, ""},
        {fail_with_text, -EIO, "it broke"},
        {fail_without_text, -EPERM, "kind failed with code -1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct job_kind kind = plain;
        kind.run = rows[i].run;
        struct job_queue *q = job_queue_new(&kind, 1, 1, NULL);
        struct heard heard = {0};
        submit(q, 0, &heard);
        int64_t before_ms = clock_mono_ms();
        run_one(q);
        assert_int_equal(heard.times, 1);
        assert_int_equal(heard.code, rows[i].code);
        assert_string_equal(heard.text, rows[i].text);
        struct job_kind_stats stats = stats_of(q, 0);
        assert_int_equal(stats.succeeded, rows[i].code == 0 ? 1 : 0);
        assert_int_equal(stats.failed, rows[i].code == 0 ? 0 : 1);
        assert_int_equal(stats.last_code, rows[i].code);
        assert_true(stats.last_end_ms >= before_ms);
        assert_int_equal(stats.last_duration_ms, heard.duration_ms);
        assert_int_equal(stats.waiting + stats.running, 0);
        stop_and_free(q);
    }
}

static void wait_until_mono(int64_t at_ms)
{
    struct event never;
    event_init(&never);
    while (clock_mono_ms() < at_ms)
        (void)event_wait_for(&never, 1, at_ms - clock_mono_ms());
    event_fini(&never);
}

static void pop_ends_late_jobs_and_takes_the_next(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].priority = 9;
    kinds[0].deadline_ms = 1;
    struct job_queue *q = job_queue_new(kinds, 2, 1, NULL);
    struct heard late[2] = {{0}};
    int64_t submitted_ms = clock_mono_ms();
    submit(q, 0, &late[0]);
    submit(q, 0, &late[1]);
    submit(q, 1, NULL);
    wait_until_mono(submitted_ms + 10);
    run_one(q);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(late[i].times, 1);
        assert_int_equal(late[i].code, -ETIMEDOUT);
        assert_string_equal(late[i].text, "waited too long to begin");
        assert_true(late[i].waited_ms >= 1);
        assert_int_equal(late[i].duration_ms, 0);
    }
    assert_int_equal(stats_of(q, 0).failed, 2);
    assert_int_equal(stats_of(q, 0).last_code, -ETIMEDOUT);
    assert_int_equal(stats_of(q, 0).waiting, 0);
    assert_int_equal(stats_of(q, 1).succeeded, 1);
    stop_and_free(q);
}

static void hear_event(void *arg, const struct job_result *result)
{
    if (result->code == -ETIMEDOUT)
        event_raise(arg);
}

/* The only worker is busy. A long deadline first, so that the sweeper has to be told of the shorter one. */
static void the_sweeper_ends_late_jobs_beside_busy_workers(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[1].deadline_ms = 30;
    struct job_queue *q = job_queue_new(kinds, 2, 1, NULL);
    pthread_t sweeper;
    struct event late;
    event_init(&late);
    assert_int_equal(thread_start(&sweeper, "sweeper", sweep, q, NULL), 0);
    submit(q, 0, NULL);
    struct job *busy = job_queue_pop(q);
    submit(q, 0, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(job_queue_submit(q, 1, hear_event, &late, NULL), 0);
        assert_true(event_wait(&late, i));
    }
    assert_int_equal(stats_of(q, 0).waiting, 1);
    job_queue_run(q, busy);
    job_queue_stop(q);
    thread_join(sweeper);
    event_fini(&late);
    stop_and_free(q);
}

static int see_deadline(struct job *job, void *context, struct error *err)
{
    (void)err;
    *(int64_t *)context = job_deadline_ms(job);
    return 0;
}

struct late_callback {
    struct event begun; /* by the job beside it */
    struct event called;
    bool in_time;
};

static void wait_for_begin(void *arg, const struct job_result *result)
{
    struct late_callback *c = arg;
    c->in_time = result->code == -ETIMEDOUT && event_wait(&c->begun, 1);
    event_raise(&c->called);
}

static int begin(struct job *job, void *context, struct error *err)
{
    (void)job;
    (void)err;
    struct late_callback *c = context;
    event_raise(&c->begun);
    return 0;
}

/* The worker that was woken for a ready job may find a late one first: another worker takes the ready one. */
static void late_callbacks_hold_nobody_up(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].max_running = 1;
    kinds[1].run = begin;
    struct late_callback c = {.in_time = false};
    event_init(&c.begun);
    event_init(&c.called);
    struct job_queue *q = job_queue_new(kinds, 2, 3, &c);
    submit(q, 0, NULL);
    struct job *busy = job_queue_pop(q);
    kinds[0].deadline_ms = 200; /* long enough for both workers to wait by then; if not, the test sees less */
    assert_int_equal(job_queue_submit(q, 0, wait_for_begin, &c, NULL), 0);
    int64_t late_ms = clock_mono_ms() + 200;
    pthread_t workers[2];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(thread_start(&workers[i], "work", work, q, NULL), 0);
    wait_until_mono(late_ms);
    submit(q, 1, NULL);
    assert_true(event_wait(&c.called, 1));
    assert_true(c.in_time);
    job_queue_run(q, busy);
    job_queue_stop(q);
    for (size_t i = 0; i < 2; i++)
        thread_join(workers[i]);
    event_fini(&c.called);
    event_fini(&c.begun);
    stop_and_free(q);
}

static void the_deadline_counts_from_submission(void **state)
{
    (void)state;
    int64_t deadline_ms = 0;
    struct job_kind kinds[] = {plain};
    kinds[0].run = see_deadline;
    struct job_queue *q = job_queue_new(kinds, 1, 1, &deadline_ms);
    int64_t before_ms = clock_mono_ms();
    submit(q, 0, NULL);
    int64_t after_ms = clock_mono_ms();
    run_one(q);
    assert_in_range(deadline_ms, before_ms + far_ms, after_ms + far_ms);
    stop_and_free(q);
}

static void draining_cancels_and_refuses_what_may_not_go_on(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].second = JOB_SECOND_JOIN;
    kinds[1].while_draining = true;
    struct job_queue *q = job_queue_new(kinds, 2, 4, NULL);
    struct heard running = {0};
    struct heard waiting = {0};
    struct error err = ERROR_INIT;
    submit(q, 1, NULL);
    struct job *goes_on = job_queue_pop(q);
    submit(q, 0, &running);
    struct job *job = job_queue_pop(q);
    submit(q, 1, &waiting);
    assert_false(job_should_stop(job));
    job_queue_set_draining(q, true);
    assert_true(job_should_stop(job));
    assert_false(job_should_stop(goes_on));
    assert_int_equal(job_queue_submit(q, 0, hear, &running, &err), -ESHUTDOWN);
    assert_string_equal(err.text, "kind refused: draining");
    submit(q, 1, NULL);
    job_queue_set_draining(q, false);
    submit(q, 0, &waiting); /* does not join the one that was asked to stop */
    assert_int_equal(stats_of(q, 0).joined, 0);
    job_queue_set_draining(q, true);
    assert_int_equal(waiting.times, 1);
    assert_int_equal(waiting.code, -ECANCELED);
    assert_string_equal(waiting.text, "draining");
    job_queue_run(q, job);
    assert_int_equal(running.times, 1);
    assert_int_equal(running.code, -ECANCELED);
    assert_int_equal(stats_of(q, 0).cancelled, 2);
    assert_int_equal(stats_of(q, 0).failed, 0);
    job_queue_run(q, goes_on);
    run_one(q);
    assert_int_equal(waiting.times, 2);
    assert_int_equal(waiting.code, 0);
    stop_and_free(q);
}

static void stopping_cancels_all_once(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain, plain};
    kinds[0].second = JOB_SECOND_JOIN_WAITING;
    kinds[1].while_draining = true;
    struct job_queue *q = job_queue_new(kinds, 2, 4, NULL);
    struct heard heard[4] = {{0}};
    submit(q, 0, &heard[0]);
    struct job *job = job_queue_pop(q);
    submit(q, 0, &heard[1]);
    submit(q, 0, &heard[2]);
    submit(q, 1, &heard[3]);
    job_queue_stop(q);
    job_queue_stop(q);
    assert_null(job_queue_pop(q));
    assert_true(job_should_stop(job));
    assert_int_equal(heard[0].times, 0);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(heard[i].times, 1);
        assert_int_equal(heard[i].code, -ECANCELED);
    }
    struct error err = ERROR_INIT;
    assert_int_equal(job_queue_submit(q, 1, hear, &heard[3], &err), -ESHUTDOWN);
    assert_string_equal(err.text, "kind refused: stopping");
    job_queue_run(q, job);
    assert_int_equal(heard[0].times, 1);
    assert_int_equal(heard[0].code, -ECANCELED);
    job_queue_free(q);
}

struct again {
    struct job_queue *queue;
    unsigned left;
    int last_rc;
};

static void submit_again(void *arg, const struct job_result *result)
{
    (void)result;
    struct again *again = arg;
    if (again->left == 0)
        return;
    again->left--;
    again->last_rc = job_queue_submit(again->queue, 0, submit_again, again, NULL);
}

static void a_callback_may_submit_again(void **state)
{
    (void)state;
    struct job_kind kinds[] = {plain};
    kinds[0].second = JOB_SECOND_REFUSE;
    struct job_queue *q = job_queue_new(kinds, 1, 1, NULL);
    struct again again = {.queue = q, .left = 3, .last_rc = 1};
    assert_int_equal(job_queue_submit(q, 0, submit_again, &again, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        run_one(q);
        assert_int_equal(again.last_rc, 0); /* the ended one is not in the way */
        assert_int_equal(again.left, 2 - i);
    }
    again.left = 1;
    job_queue_stop(q); /* the cancelled one's callback is refused */
    assert_int_equal(again.last_rc, -ESHUTDOWN);
    stop_and_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(higher_priority_first_then_oldest),
        cmocka_unit_test(one_kind_keeps_its_order),
        cmocka_unit_test(a_second_one_follows_its_rule),
        cmocka_unit_test(joiners_hear_with_the_one_they_joined),
        cmocka_unit_test(waiters_of_one_job_are_bounded),
        cmocka_unit_test(a_full_share_leaves_room_for_other_kinds),
        cmocka_unit_test(a_kind_never_runs_more_than_its_maximum),
        cmocka_unit_test(a_reserved_kind_finds_a_worker),
        cmocka_unit_test(with_few_workers_every_kind_still_runs),
        cmocka_unit_test(results_and_statistics_tell_how_it_ended),
        cmocka_unit_test(pop_ends_late_jobs_and_takes_the_next),
        cmocka_unit_test(the_sweeper_ends_late_jobs_beside_busy_workers),
        cmocka_unit_test(late_callbacks_hold_nobody_up),
        cmocka_unit_test(the_deadline_counts_from_submission),
        cmocka_unit_test(draining_cancels_and_refuses_what_may_not_go_on),
        cmocka_unit_test(stopping_cancels_all_once),
        cmocka_unit_test(a_callback_may_submit_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
