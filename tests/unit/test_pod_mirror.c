#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/discovery/pod_mirror.h"

static struct pod_record *record(const char *uid, const char *ip)
{
    return pod_record_new(&(struct pod){.uid = uid, .name = "n", .ip = ip, .phase = POD_RUNNING});
}

static void list(struct pod_mirror *mirror, const char *uid, int64_t asked_ms, bool first)
{
    unsigned changes;
    struct error err = ERROR_INIT;
    struct pod_store fresh = {.count = 0};
    assert_int_equal(pod_store_put(&fresh, record(uid, "10.0.0.1"), asked_ms, &changes, &err), 0);
    assert_int_equal(pod_mirror_replace(mirror, &fresh, asked_ms), first);
    assert_int_equal(fresh.count, 0);
}

static struct pod_mirror_view look(struct pod_mirror *mirror)
{
    struct pod_mirror_view view;
    pod_mirror_read(mirror, false, &view);
    return view;
}

static void list_makes_it_complete(void **state)
{
    (void)state;
    struct pod_mirror *mirror = pod_mirror_new();
    assert_false(look(mirror).complete);
    assert_int_equal(pod_mirror_take_changes(mirror), 0);
    list(mirror, "a", 7, true);
    struct pod_mirror_view view = look(mirror);
    assert_true(view.complete && !view.watched);
    assert_int_equal(view.listed_ms, 7);
    assert_int_equal(view.confirmed_ms, 7);
    assert_int_equal(view.version, 1);
    assert_int_equal(pod_mirror_take_changes(mirror),
                     POD_MIRROR_PODS | POD_MIRROR_RUNNING | POD_MIRROR_STATE | POD_MIRROR_LISTED);
    list(mirror, "a", 8, false);
    assert_int_equal(look(mirror).version, 1);
    assert_int_equal(pod_mirror_take_changes(mirror), POD_MIRROR_LISTED);
    pod_mirror_list_failed(mirror, 9);
    assert_int_equal(look(mirror).list_failed_ms, 9);
    assert_int_equal(look(mirror).listed_ms, 8);
    assert_int_equal(pod_mirror_take_changes(mirror), POD_MIRROR_LISTED);
    pod_mirror_free(mirror);
}

static void events_move_it_on(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pod_mirror *mirror = pod_mirror_new();
    list(mirror, "a", 7, true);
    (void)pod_mirror_take_changes(mirror);
    assert_int_equal(pod_mirror_put(mirror, record("b", "10.0.0.2"), &err), 0);
    assert_int_equal(pod_mirror_put(mirror, record("b", "10.0.0.2"), &err), 0);
    assert_int_equal(pod_mirror_take_changes(mirror), POD_MIRROR_PODS | POD_MIRROR_RUNNING);
    pod_mirror_remove(mirror, "a");
    pod_mirror_remove(mirror, "a");
    assert_int_equal(pod_mirror_take_changes(mirror), POD_MIRROR_PODS);
    struct pod_mirror_view view;
    pod_mirror_read(mirror, true, &view);
    assert_int_equal(view.count, 1);
    assert_string_equal(view.pods[0].uid, "b");
    assert_string_equal(view.pods[0].ip, "10.0.0.2");
    assert_int_equal(view.version, 3);
    free(view.pods);
    free(view.texts);
    struct pod_mirror_stats stats;
    pod_mirror_get_stats(mirror, &stats);
    assert_int_equal(stats.events, 4);
    assert_int_equal(stats.pods, 1);
    pod_mirror_free(mirror);
}

static void failure_is_shown_until_the_watch_is_open(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct pod_mirror_stats stats;
    struct pod_mirror *mirror = pod_mirror_new();
    (void)error_set(&err, -EMSGSIZE, "too long");
    pod_mirror_fail(mirror, &err, 5);
    pod_mirror_set_state(mirror, POD_MIRROR_WAITING, 9);
    pod_mirror_get_stats(mirror, &stats);
    assert_string_equal(stats.error, "too long");
    assert_true(stats.failures == 1 && stats.limits == 1 && stats.error_ms == 5 && stats.next_try_ms == 9);
    pod_mirror_set_state(mirror, POD_MIRROR_OPENING, 10);
    assert_int_equal(pod_mirror_take_changes(mirror), 0);
    pod_mirror_set_state(mirror, POD_MIRROR_WATCHING, 11);
    assert_int_equal(pod_mirror_take_changes(mirror), POD_MIRROR_STATE);
    assert_true(look(mirror).watched);
    pod_mirror_get_stats(mirror, &stats);
    assert_string_equal(stats.error, "");
    assert_true(stats.failures == 1 && stats.next_try_ms == 0);
    pod_mirror_free(mirror);
}

static void what_happened_is_counted(void **state)
{
    (void)state;
    struct pod_mirror_stats stats;
    struct pod_mirror *mirror = pod_mirror_new();
    const enum pod_mirror_count counts[] = {POD_MIRROR_OPENED,  POD_MIRROR_BOOKMARK, POD_MIRROR_BOOKMARK,
                                            POD_MIRROR_EXPIRED, POD_MIRROR_EXPIRED,  POD_MIRROR_EXPIRED,
                                            POD_MIRROR_SKIPPED};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        pod_mirror_count(mirror, counts[i]);
    pod_mirror_get_stats(mirror, &stats);
    assert_true(stats.watches == 1 && stats.bookmarks == 2 && stats.expired == 3 && stats.skipped == 1);
    pod_mirror_free(mirror);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_makes_it_complete),
        cmocka_unit_test(events_move_it_on),
        cmocka_unit_test(failure_is_shown_until_the_watch_is_open),
        cmocka_unit_test(what_happened_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
