#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/discovery/pod_watch.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "tests/unit/event.h"

/* Nobody listens at port 1: what a watch does while the API server is away. tests/integration/discovery has the rest.
 */
static struct pod_watch_options options(void)
{
    return (struct pod_watch_options){.api_server = "http://127.0.0.1:1",
                                      .token_file = "",
                                      .ca_file = "",
                                      .namespace = "proxysql",
                                      .app = "proxysql",
                                      .component = "core",
                                      .confirm_ms = 1000};
}

static struct pod_watch *start(const struct pod_watch_options *o)
{
    struct pod_watch *watch;
    struct error err = ERROR_INIT;
    assert_int_equal(pod_watch_start(&watch, o, &err), 0);
    return watch;
}

static void options_are_checked(void **state)
{
    (void)state;
    struct pod_watch_options bad[6];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = options();
    bad[0].namespace = "a/b";
    bad[1].app = "a&b";
    bad[2].component = "";
    bad[3].api_server = "http://10.0.0.1";
    bad[4].api_server = "https://10.0.0.1";
    bad[5].api_server = "";
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pod_watch *watch;
        struct error err = ERROR_INIT;
        assert_int_equal(pod_watch_start(&watch, &bad[i], &err), -EINVAL);
        assert_memory_equal(err.text, "watch pods: ", 12);
    }
}

static void empty_view_is_not_confirmed(void **state)
{
    (void)state;
    struct pod_watch_options o = options();
    struct pod_watch *watch = start(&o);
    struct error err = ERROR_INIT;
    int64_t now_ms = clock_mono_ms();
    int rc = pod_watch_confirm(watch, now_ms, now_ms + EVENT_WAIT_MS, &err);
    assert_true(rc == -EIO);
    assert_memory_equal(err.text, "core pods: list: ", 17);
    struct pod_view *view = pod_watch_snapshot(watch);
    assert_false(view->complete || view->others_complete || view->confirmed);
    assert_int_equal(view->count, 0);
    assert_int_equal(view->age_ms, -1);
    pod_view_free(view);
    struct pod_watch_stats stats;
    pod_watch_get_stats(watch, &stats);
    assert_true(stats.core.failures >= 1 && stats.core.error[0] != '\0');
    assert_int_equal(stats.others.failures, 0);
    pod_watch_stop(watch);
    pod_watch_free(watch);
}

struct caller {
    struct pod_watch *watch;
    struct event begun;
    int rc;
};

static void *confirm_main(void *arg)
{
    struct caller *caller = arg;
    struct error err = ERROR_INIT;
    event_raise(&caller->begun);
    do {
        int64_t now_ms = clock_mono_ms();
        caller->rc = pod_watch_confirm(caller->watch, now_ms, now_ms + EVENT_WAIT_MS, &err);
        error_clear(&err);
    } while (caller->rc == -EIO);
    return NULL;
}

/* Milliseconds from the stop to the end of the one who waits. */
static int64_t stop_beside_a_caller(void)
{
    struct pod_watch_options o = options();
    struct caller caller = {.watch = start(&o)};
    struct error err = ERROR_INIT;
    pthread_t thread;
    event_init(&caller.begun);
    assert_int_equal(thread_start(&thread, "caller", confirm_main, &caller, &err), 0);
    assert_true(event_wait(&caller.begun, 1));
    int64_t began_ms = clock_mono_ms();
    pod_watch_stop(caller.watch);
    thread_join(thread);
    int64_t took_ms = clock_mono_ms() - began_ms;
    assert_int_equal(caller.rc, -ECANCELED);
    pod_watch_free(caller.watch);
    event_fini(&caller.begun);
    return took_ms;
}

static void stop_ends_those_who_wait(void **state)
{
    (void)state;
    enum { tries = 5 }; /* a busy machine may hold one up */
    int64_t fastest_ms = INT64_MAX;
    for (int i = 0; i < tries; i++) {
        int64_t took_ms = stop_beside_a_caller();
        fastest_ms = took_ms < fastest_ms ? took_ms : fastest_ms;
    }
    assert_true(fastest_ms < 100);
}

static void stopped_watch_can_be_read(void **state)
{
    (void)state;
    struct pod_watch_options o = options();
    struct pod_watch *watch = start(&o);
    pod_watch_stop(watch);
    struct error err = ERROR_INIT;
    assert_int_equal(pod_watch_confirm(watch, 1, clock_mono_ms() + 10, &err), -ECANCELED);
    struct pod_watch_stats stats;
    pod_watch_get_stats(watch, &stats);
    assert_int_equal(stats.core.state, POD_MIRROR_WAITING);
    pod_view_free(pod_watch_snapshot(watch));
    pod_watch_free(watch);
    pod_watch_free(NULL);
    pod_view_free(NULL);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(empty_view_is_not_confirmed),
        cmocka_unit_test(stop_ends_those_who_wait),
        cmocka_unit_test(stopped_watch_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
