#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/discovery/pod_store.h"

static unsigned put(struct pod_store *store, const char *uid, const char *ip, enum pod_phase phase, int64_t now_ms)
{
    unsigned changes;
    struct error err = ERROR_INIT;
    struct pod_record *record = pod_record_new(&(struct pod){.uid = uid, .name = "n", .ip = ip, .phase = phase});
    assert_int_equal(pod_store_put(store, record, now_ms, &changes, &err), 0);
    return changes;
}

static void pods_are_kept_in_order(void **state)
{
    (void)state;
    struct pod_store store = {.count = 0};
    for (unsigned i = 0; i < 1000; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof(uid), "%u", i * 7919 % 1000);
        assert_int_equal(put(&store, uid, "", POD_PENDING, 1), POD_STORE_CHANGED);
    }
    assert_int_equal(store.count, 1000);
    for (size_t i = 1; i < store.count; i++)
        assert_true(strcmp(store.items[i - 1]->pod.uid, store.items[i]->pod.uid) < 0);
    assert_non_null(pod_store_find(&store, "999"));
    assert_null(pod_store_find(&store, "1000"));
    for (unsigned i = 0; i < 1000; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof(uid), "%u", i);
        assert_int_equal(pod_store_remove(&store, uid), POD_STORE_CHANGED);
        assert_int_equal(pod_store_remove(&store, uid), 0);
    }
    assert_int_equal(store.count, 0);
    pod_store_fini(&store);
}

static void changes_are_told(void **state)
{
    (void)state;
    struct pod_store store = {.count = 0};
    assert_int_equal(put(&store, "a", "", POD_PENDING, 1), POD_STORE_CHANGED);
    assert_int_equal(put(&store, "a", "", POD_PENDING, 2), 0);
    assert_int_equal(put(&store, "a", "", POD_RUNNING, 3), POD_STORE_CHANGED);
    assert_int_equal(pod_store_find(&store, "a")->running_since_ms, 0);
    assert_int_equal(put(&store, "a", "10.0.0.1", POD_RUNNING, 4), POD_STORE_CHANGED | POD_STORE_RUNNING);
    assert_int_equal(put(&store, "a", "10.0.0.1", POD_RUNNING, 5), 0);
    assert_int_equal(pod_store_find(&store, "a")->running_since_ms, 4);
    assert_int_equal(put(&store, "a", "10.0.0.2", POD_RUNNING, 6), POD_STORE_CHANGED | POD_STORE_RUNNING);
    assert_int_equal(pod_store_find(&store, "a")->running_since_ms, 6);
    assert_int_equal(put(&store, "a", "10.0.0.2", POD_FAILED, 7), POD_STORE_CHANGED);
    assert_int_equal(pod_store_find(&store, "a")->running_since_ms, 0);
    pod_store_fini(&store);
}

static void list_replaces_the_whole(void **state)
{
    (void)state;
    struct pod_store store = {.count = 0};
    struct pod_store fresh = {.count = 0};
    (void)put(&store, "a", "10.0.0.1", POD_RUNNING, 1);
    (void)put(&store, "b", "10.0.0.2", POD_RUNNING, 2);

    (void)put(&fresh, "a", "10.0.0.1", POD_RUNNING, 9);
    (void)put(&fresh, "b", "10.0.0.2", POD_RUNNING, 9);
    assert_int_equal(pod_store_replace(&store, &fresh), 0);
    assert_int_equal(fresh.count, 0);
    assert_int_equal(pod_store_find(&store, "b")->running_since_ms, 2);

    (void)put(&fresh, "b", "10.0.0.2", POD_RUNNING, 10);
    assert_int_equal(pod_store_replace(&store, &fresh), POD_STORE_CHANGED);
    assert_null(pod_store_find(&store, "a"));

    (void)put(&fresh, "c", "10.0.0.2", POD_RUNNING, 11); /* the same name and address, another pod */
    assert_int_equal(pod_store_replace(&store, &fresh), POD_STORE_CHANGED | POD_STORE_RUNNING);
    assert_null(pod_store_find(&store, "b"));
    assert_int_equal(pod_store_find(&store, "c")->running_since_ms, 11);

    assert_int_equal(pod_store_replace(&store, &fresh), POD_STORE_CHANGED);
    assert_int_equal(store.count, 0);
    pod_store_fini(&store);
}

static void number_of_pods_is_limited(void **state)
{
    (void)state;
    struct pod_store store = {.count = 0};
    char uid[16];
    for (unsigned i = 0; i < POD_STORE_MAX; i++) {
        (void)snprintf(uid, sizeof(uid), "%08u", i);
        (void)put(&store, uid, "", POD_PENDING, 1);
    }
    unsigned changes;
    struct error err = ERROR_INIT;
    struct pod_record *record = pod_record_new(&(struct pod){.uid = "x", .name = "n", .ip = ""});
    assert_true(pod_store_put(&store, record, 1, &changes, &err) < 0);
    assert_int_equal(put(&store, "00000007", "", POD_RUNNING, 1), POD_STORE_CHANGED);
    pod_store_fini(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pods_are_kept_in_order),
        cmocka_unit_test(changes_are_told),
        cmocka_unit_test(list_replaces_the_whole),
        cmocka_unit_test(number_of_pods_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
