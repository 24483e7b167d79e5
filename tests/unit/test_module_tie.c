#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/cluster/module_tie.h"

static struct module_state module(const char *name, int64_t version, int64_t epoch, const char *checksum)
{
    struct module_state s = {.version = version, .epoch = epoch};
    (void)snprintf(s.module, sizeof(s.module), "%s", name);
    (void)snprintf(s.checksum, sizeof(s.checksum), "%s", checksum);
    return s;
}

static bool tied(struct module_state peer, int64_t updated_at)
{
    cleanup_view struct cluster_view view = {0};
    const struct module_state own = module("mysql_users", 2, 1000, "0xA");
    const struct peer_row other = {.host = "10.0.0.1", .port = 6032, .state = own, .updated_at = 1001};
    const struct peer_row row = {.host = "10.0.0.2", .port = 6032, .state = peer, .updated_at = updated_at};
    assert_int_equal(cluster_view_add_peer(&view, &other, NULL), 0);
    assert_int_equal(cluster_view_add_peer(&view, &row, NULL), 0);
    return module_tied(&view, &own);
}

static void only_the_same_second_of_other_content(void **state)
{
    (void)state;
    assert_true(tied(module("mysql_users", 2, 1000, "0xB"), 1001));
    assert_false(tied(module("mysql_users", 2, 1000, "0xA"), 1001));
    assert_false(tied(module("mysql_users", 2, 999, "0xB"), 1001));
    assert_false(tied(module("mysql_users", 2, 1001, "0xB"), 1001));
    assert_false(tied(module("mysql_servers", 2, 1000, "0xB"), 1001));
    assert_false(tied(module("mysql_users", 1, 1000, "0xB"), 1001)); /* it has loaded nothing */
    assert_false(tied(module("mysql_users", 2, 1000, "0xB"), 0));    /* it was never reached */
}

static void nobody_else(void **state)
{
    (void)state;
    const struct cluster_view view = {0};
    const struct module_state own = module("mysql_users", 2, 1000, "0xA");
    assert_false(module_tied(&view, &own));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_same_second_of_other_content),
                                       cmocka_unit_test(nobody_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
