#include "tests/unit/cluster_fixture.h"

#include <errno.h>

static void own_modules_are_found_by_name(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(1000);
    assert_null(cluster_view_own(&view, "mysql_users"));
    view_own(&view, module_of("mysql_servers", 2, 10, "0xA"));
    view_own(&view, module_of("mysql_servers_v2", 3, 20, "0xB"));
    const struct module_state *s = cluster_view_own(&view, "mysql_servers_v2");
    assert_non_null(s);
    assert_int_equal(s->version, 3);
    assert_int_equal(s->epoch, 20);
    assert_string_equal(s->checksum, "0xB");
    assert_int_equal(cluster_view_own(&view, "mysql_servers")->version, 2);
    assert_null(cluster_view_own(&view, "mysql"));
    assert_null(cluster_view_own(&view, ""));
}

static void own_rows_have_a_limit(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(1000);
    for (int i = 0; i < VIEW_OWN_ROWS_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "module_%d", i);
        view_own(&view, module_of(name, i, i, ""));
    }
    struct module_state one_more = module_of("b", 1, 1, "");
    struct error err = ERROR_INIT;
    assert_int_equal(cluster_view_add_own(&view, &one_more, &err), -EMSGSIZE);
    assert_non_null(strstr(err.text, "runtime_checksums_values"));
    assert_int_equal(view.own_count, VIEW_OWN_ROWS_MAX);
    assert_int_equal(cluster_view_own(&view, "module_31")->version, 31);
}

/* Every row is there after each growth: the room doubles. */
static void peer_rows_have_a_limit(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = view_at(1000);
    for (int i = 0; i < VIEW_PEER_ROWS_MAX; i++)
        view_peer(&view, "10.0.0.1", 6032, module_of("mysql_users", i, 0, ""), i, 0);
    struct peer_row one_more = {.port = 1};
    struct error err = ERROR_INIT;
    assert_int_equal(cluster_view_add_peer(&view, &one_more, &err), -EMSGSIZE);
    assert_non_null(strstr(err.text, "stats_proxysql_servers_checksums"));
    assert_int_equal(view.peer_count, VIEW_PEER_ROWS_MAX);
    for (int i = 0; i < VIEW_PEER_ROWS_MAX; i++)
        assert_int_equal(view.peers[i].updated_at, i);
}

static void fini_leaves_an_empty_view(void **state)
{
    (void)state;
    struct cluster_view view = view_at(1000);
    view_member(&view, "10.0.0.1", ADMIN_PORT);
    view_own(&view, module_of("mysql_users", 1, 1, ""));
    view_peer(&view, "10.0.0.1", ADMIN_PORT, module_of("mysql_users", 1, 1, ""), 1, 0);
    cluster_view_fini(&view);
    assert_int_equal(view.members.count + view.own_count + view.peer_count, 0);
    cluster_view_fini(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_modules_are_found_by_name),
        cmocka_unit_test(own_rows_have_a_limit),
        cmocka_unit_test(peer_rows_have_a_limit),
        cmocka_unit_test(fini_leaves_an_empty_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
