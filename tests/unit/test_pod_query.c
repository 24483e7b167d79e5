#include "tests/unit/unit.h"

#include "daemon/discovery/pod_query.h"

static const struct pod_query query = {.namespace = "db", .selector = "app%3Dproxysql"};

static void page_is_asked_for_by_its_token(void **state)
{
    (void)state;
    cleanup_buf struct buf path;
    buf_init(&path, BUF_MAX);
    assert_int_equal(pod_query_list(&query, "", &path), 0);
    assert_string_equal(path.data, "/api/v1/namespaces/db/pods?labelSelector=app%3Dproxysql&limit=500");
    buf_reset(&path);
    assert_int_equal(pod_query_list(&query, "aZ0-_.~+/=&\xff", &path), 0);
    assert_string_equal(path.data, "/api/v1/namespaces/db/pods?labelSelector=app%3Dproxysql&limit=500"
                                   "&continue=aZ0-_.~%2B%2F%3D%26%FF");
}

static void watch_goes_on_from_a_version(void **state)
{
    (void)state;
    cleanup_buf struct buf path;
    buf_init(&path, BUF_MAX);
    assert_int_equal(pod_query_watch(&query, "41 2", 300, &path), 0);
    assert_string_equal(path.data, "/api/v1/namespaces/db/pods?labelSelector=app%3Dproxysql&watch=1"
                                   "&allowWatchBookmarks=true&timeoutSeconds=300&resourceVersion=41%202");
}

static void no_room_is_an_error(void **state)
{
    (void)state;
    cleanup_buf struct buf path;
    buf_init(&path, 40);
    assert_true(pod_query_list(&query, "", &path) < 0);
    buf_reset(&path);
    assert_true(pod_query_watch(&query, "1", 1, &path) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_asked_for_by_its_token),
        cmocka_unit_test(watch_goes_on_from_a_version),
        cmocka_unit_test(no_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
