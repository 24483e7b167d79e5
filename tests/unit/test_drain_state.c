#include "tests/unit/unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "daemon/drain/drain_state.h"
#include "shared/clock.h"
#include "shared/thread.h"

/* Each test's own. */
static struct drain_state *s;
static struct drain_order order;
static struct {
    unsigned count;
    bool failed;
} stopped;

static void note_stopped(void *arg, bool failed)
{
    assert_ptr_equal(arg, &stopped);
    stopped.count++;
    stopped.failed = failed;
}

static int begin(void **state)
{
    (void)state;
    stopped.count = 0;
    stopped.failed = false;
    s = drain_state_new(note_stopped, &stopped);
    return 0;
}

static int end(void **state)
{
    (void)state;
    drain_state_free(s);
    return 0;
}

static int ask(enum drain_target target, bool now)
{
    struct error err = ERROR_INIT;
    return drain_state_ask(s, target, now, -1, &err);
}

static enum drain_target current_target(void)
{
    drain_state_order(s, &order);
    return order.target;
}

static void a_stop_is_not_undone(void **state)
{
    (void)state;
    assert_int_equal(current_target(), DRAIN_RUNNING);
    assert_int_equal(ask(DRAIN_MAINTENANCE, false), 0);
    assert_int_equal(ask(DRAIN_RUNNING, false), 0);
    assert_int_equal(current_target(), DRAIN_RUNNING);
    assert_int_equal(ask(DRAIN_STOPPED, false), 0);
    assert_int_equal(ask(DRAIN_RUNNING, false), -EBUSY);
    assert_int_equal(ask(DRAIN_MAINTENANCE, false), -EBUSY);
    assert_int_equal(ask(DRAIN_STOPPED, false), 0);
    assert_int_equal(current_target(), DRAIN_STOPPED);
    assert_int_equal(stopped.count, 0);
}

/* SIGQUIT hurries a stop, and a SIGTERM after it does not slow it down. */
static void a_stop_can_be_hurried(void **state)
{
    (void)state;
    assert_int_equal(ask(DRAIN_STOPPED, false), 0);
    assert_int_equal(ask(DRAIN_STOPPED, true), 0);
    assert_int_equal(ask(DRAIN_STOPPED, false), 0);
    drain_state_order(s, &order);
    assert_true(order.now);
}

/* What is asked for while the job ends is not lost: the job hears that it has not ended. */
static void an_order_in_the_last_moment_is_followed(void **state)
{
    (void)state;
    assert_int_equal(ask(DRAIN_MAINTENANCE, false), 0);
    drain_state_order(s, &order);
    assert_int_equal(ask(DRAIN_STOPPED, false), 0);
    assert_false(drain_state_end(s, &order, 0, ""));
    drain_state_order(s, &order);
    assert_true(drain_state_end(s, &order, -ETIMEDOUT, "it hangs"));
    assert_int_equal(drain_state_reached(s), DRAIN_STOPPED);
    assert_int_equal(stopped.count, 1);
    assert_true(stopped.failed);
    char text[32];
    assert_int_equal(drain_state_result(s, text, sizeof(text)), -ETIMEDOUT);
    assert_string_equal(text, "it hangs");
}

static void only_a_stop_stops(void **state)
{
    (void)state;
    assert_int_equal(ask(DRAIN_MAINTENANCE, false), 0);
    drain_state_order(s, &order);
    assert_true(drain_state_end(s, &order, 0, ""));
    assert_int_equal(stopped.count, 0);
}

static void *ask_soon(void *arg)
{
    (void)arg;
    if (ask(DRAIN_STOPPED, false) != 0)
        fail();
    return NULL;
}

static void a_sleep_ends_with_a_new_order(void **state)
{
    (void)state;
    drain_state_order(s, &order);
    assert_false(drain_state_sleep(s, &order, clock_mono_ms() + 5));
    pthread_t thread;
    struct error err = ERROR_INIT;
    assert_int_equal(thread_start(&thread, "asker", ask_soon, NULL, &err), 0);
    assert_true(drain_state_sleep(s, &order, clock_mono_ms() + 60 * 1000));
    thread_join(thread);
}

static void statistics_follow_the_steps(void **state)
{
    (void)state;
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

#define DRAIN(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRAIN(a_stop_is_not_undone),
        DRAIN(a_stop_can_be_hurried),
        DRAIN(an_order_in_the_last_moment_is_followed),
        DRAIN(only_a_stop_stops),
        DRAIN(a_sleep_ends_with_a_new_order),
        DRAIN(statistics_follow_the_steps),
        cmocka_unit_test(everything_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
