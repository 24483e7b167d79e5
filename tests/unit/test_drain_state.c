#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "daemon/drain/drain_state.h"
#include "shared/clock.h"
#include "shared/thread.h"

struct stopped {
    unsigned count;
    bool failed;
};

static void note_stopped(void *arg, bool failed)
{
    struct stopped *s = arg;
    s->count++;
    s->failed = failed;
}

static int ask(struct drain_state *s, enum drain_target target, bool now)
{
    struct error err = ERROR_INIT;
    return drain_state_ask(s, target, now, -1, &err);
}

static enum drain_target target_of(struct drain_state *s)
{
    struct drain_order order;
    drain_state_order(s, &order);
    return order.target;
}

static void a_stop_is_not_undone(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    assert_int_equal(target_of(s), DRAIN_RUNNING);
    assert_int_equal(ask(s, DRAIN_MAINTENANCE, false), 0);
    assert_int_equal(ask(s, DRAIN_RUNNING, false), 0);
    assert_int_equal(target_of(s), DRAIN_RUNNING);
    assert_int_equal(ask(s, DRAIN_STOPPED, false), 0);
    assert_int_equal(ask(s, DRAIN_RUNNING, false), -EBUSY);
    assert_int_equal(ask(s, DRAIN_MAINTENANCE, false), -EBUSY);
    assert_int_equal(ask(s, DRAIN_STOPPED, false), 0);
    assert_int_equal(target_of(s), DRAIN_STOPPED);
    assert_int_equal(stopped.count, 0);
    drain_state_free(s);
}

/* SIGQUIT hurries a stop, and a SIGTERM after it does not slow it down. */
static void a_stop_can_be_hurried(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    struct drain_order order;
    assert_int_equal(ask(s, DRAIN_STOPPED, false), 0);
    assert_int_equal(ask(s, DRAIN_STOPPED, true), 0);
    assert_int_equal(ask(s, DRAIN_STOPPED, false), 0);
    drain_state_order(s, &order);
    assert_true(order.now);
    drain_state_free(s);
}

/* What is asked for while the job ends is not lost: the job hears that it has not ended. */
static void an_order_in_the_last_moment_is_followed(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    struct drain_order order;
    assert_int_equal(ask(s, DRAIN_MAINTENANCE, false), 0);
    drain_state_order(s, &order);
    assert_int_equal(ask(s, DRAIN_STOPPED, false), 0);
    assert_false(drain_state_end(s, &order, 0, ""));
    drain_state_order(s, &order);
    assert_true(drain_state_end(s, &order, -ETIMEDOUT, "it hangs"));
    assert_int_equal(drain_state_reached(s), DRAIN_STOPPED);
    assert_int_equal(stopped.count, 1);
    assert_true(stopped.failed);
    char text[32];
    assert_int_equal(drain_state_result(s, text, sizeof(text)), -ETIMEDOUT);
    assert_string_equal(text, "it hangs");
    drain_state_free(s);
}

static void only_a_stop_stops(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    struct drain_order order;
    assert_int_equal(ask(s, DRAIN_MAINTENANCE, false), 0);
    drain_state_order(s, &order);
    assert_true(drain_state_end(s, &order, 0, ""));
    assert_int_equal(stopped.count, 0);
    drain_state_free(s);
}

static void *ask_soon(void *arg)
{
    if (ask(arg, DRAIN_STOPPED, false) != 0)
        fail();
    return NULL;
}

static void a_sleep_ends_with_a_new_order(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    struct drain_order order;
    drain_state_order(s, &order);
    assert_false(drain_state_sleep(s, &order, clock_mono_ms() + 5));
    pthread_t thread;
    struct error err = ERROR_INIT;
    assert_int_equal(thread_start(&thread, "asker", ask_soon, s, &err), 0);
    assert_true(drain_state_sleep(s, &order, clock_mono_ms() + 60 * 1000));
    thread_join(thread);
    drain_state_free(s);
}

static void statistics_follow_the_steps(void **state)
{
    (void)state;
    struct stopped stopped = {0};
    struct drain_state *s = drain_state_new(note_stopped, &stopped);
    struct drain_stats stats;
    drain_get_stats(s, &stats);
    assert_int_equal(stats.began_ms, 0);
    assert_int_equal(stats.clients, -1);
    drain_state_begin(s);
    (void)drain_state_enter(s, DRAIN_STEP_ACCEPTING);
    drain_state_count(s, 7);
    (void)drain_state_enter(s, DRAIN_STEP_EMPTYING);
    drain_state_count(s, 5);
    drain_state_count(s, 2);
    drain_state_cut(s, 2, 1);
    drain_get_stats(s, &stats);
    assert_int_equal(stats.drains, 1);
    assert_int_equal(stats.step, DRAIN_STEP_EMPTYING);
    assert_int_equal(stats.clients_at_pause, 5);
    assert_int_equal(stats.clients, 2);
    assert_int_equal(stats.cut, 2);
    assert_int_equal(stats.cut_in_transaction, 1);
    assert_true(stats.began_ms > 0);
    int64_t took_ms = drain_state_enter(s, DRAIN_STEP_PAUSING); /* clients still come */
    (void)drain_state_enter(s, DRAIN_STEP_EMPTYING);
    drain_get_stats(s, &stats);
    assert_int_equal(stats.clients_at_pause, -1);
    assert_true(stats.durations_ms[DRAIN_STEP_EMPTYING] >= took_ms);
    drain_state_begin(s);
    drain_get_stats(s, &stats);
    assert_int_equal(stats.drains, 2);
    assert_int_equal(stats.clients_at_pause, -1);
    drain_state_free(s);
}

static void everything_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(drain_target_name(DRAIN_RUNNING), "running");
    assert_string_equal(drain_target_name(DRAIN_STOPPED), "stopped");
    assert_string_equal(drain_step_name(DRAIN_STEP_NONE), "none");
    assert_string_equal(drain_step_name(DRAIN_STEP_DRAINED), "drained");
    assert_string_equal(drain_step_name(DRAIN_STEP_UNDOING), "undoing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_is_not_undone),
        cmocka_unit_test(a_stop_can_be_hurried),
        cmocka_unit_test(an_order_in_the_last_moment_is_followed),
        cmocka_unit_test(only_a_stop_stops),
        cmocka_unit_test(a_sleep_ends_with_a_new_order),
        cmocka_unit_test(statistics_follow_the_steps),
        cmocka_unit_test(everything_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
