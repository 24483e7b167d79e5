#include "tests/unit/unit.h"

#include "daemon/drain/arrivals.h"

static struct arrivals a;
static int64_t now_ms;

/* One second later. */
static int64_t look(int64_t created, int64_t own_before, int64_t own_after)
{
    now_ms += 1000;
    const struct arrivals_look seen = {
        .at_ms = now_ms, .created = created, .own_before = own_before, .own_after = own_after};
    return arrivals_note(&a, &seen);
}

static int begin(void **state)
{
    (void)state;
    a = (struct arrivals){.known = false};
    now_ms = 500000;
    return 0;
}

static void nobody_is_known_at_first(void **state)
{
    (void)state;
    assert_int_equal(arrivals_quiet_ms(&a), 0);
    assert_int_equal(look(1000, 7, 7), 0);
    assert_int_equal(arrivals_quiet_ms(&a), 0);
    assert_int_equal(look(1000, 7, 7), 0);
    assert_int_equal(look(1000, 7, 7), 0);
    assert_int_equal(arrivals_quiet_ms(&a), 2000);
}

static void clients_are_counted_once(void **state)
{
    (void)state;
    (void)look(1000, 7, 7);
    assert_int_equal(look(1003, 7, 7), 3);
    assert_int_equal(arrivals_quiet_ms(&a), 0);
    assert_int_equal(look(1003, 7, 7), 0);
    assert_int_equal(arrivals_quiet_ms(&a), 1000);
    assert_int_equal(look(1004, 7, 7), 1);
}

static void own_looks_are_no_clients(void **state)
{
    (void)state;
    (void)look(1000, 7, 7);
    assert_int_equal(look(1002, 9, 9), 0);
    assert_int_equal(look(1004, 10, 10), 1);
    assert_int_equal(arrivals_quiet_ms(&a), 0);
}

/* Whether the node has counted a look that is under way is not known. */
static void a_look_under_way_is_no_client_either(void **state)
{
    (void)state;
    (void)look(1000, 7, 7);
    assert_int_equal(look(1000, 7, 8), 0);
    assert_int_equal(look(1001, 7, 8), 0);
    assert_int_equal(look(1001, 8, 8), 0);
    assert_int_equal(look(1002, 8, 8), 1);
}

static void one_under_way_at_first_hides_nobody_for_long(void **state)
{
    (void)state;
    (void)look(1001, 7, 8); /* counted already */
    assert_int_equal(look(1001, 8, 8), 0);
    assert_int_equal(look(1002, 8, 8), 1);
    begin(NULL);
    (void)look(1000, 7, 8); /* counted afterwards */
    assert_int_equal(look(1001, 8, 8), 0);
    assert_int_equal(look(1002, 8, 8), 1);
}

static void another_life_counts_from_anew(void **state)
{
    (void)state;
    (void)look(1000, 7, 7);
    (void)look(1000, 7, 7);
    assert_int_equal(look(3, 7, 7), 0);
    assert_int_equal(arrivals_quiet_ms(&a), 0);
    assert_int_equal(look(5, 7, 7), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nobody_is_known_at_first, begin),
        cmocka_unit_test_setup(clients_are_counted_once, begin),
        cmocka_unit_test_setup(own_looks_are_no_clients, begin),
        cmocka_unit_test_setup(a_look_under_way_is_no_client_either, begin),
        cmocka_unit_test_setup(one_under_way_at_first_hides_nobody_for_long, begin),
        cmocka_unit_test_setup(another_life_counts_from_anew, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
