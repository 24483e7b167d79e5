#include "tests/unit/unit.h"

#include "daemon/jobs/stamp_ties.h"

static struct stamp_ties ties;

static int begin(void **state)
{
    (void)state;
    stamp_ties_init(&ties);
    stamp_ties_begin(&ties, 1000);
    return 0;
}

/* Look every 10 ms from now_ms on until the module is to be loaded: when that is. */
static int64_t wait_for_load(int64_t now_ms)
{
    for (int64_t t = now_ms; t < now_ms + 10000; t += 10)
        if (stamp_ties_judge(&ties, MODULE_MYSQL_USERS, true, t))
            return t;
    fail_msg("it is never loaded");
    return 0;
}

static void a_tie_ends_after_one_to_three_seconds(void **state)
{
    (void)state;
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (int i = 0; i < 200; i++) {
        stamp_ties_begin(&ties, 1000);
        int64_t took = wait_for_load(5000) - 5000;
        least = took < least ? took : least;
        most = took > most ? took : most;
    }
    assert_true(least >= 1000 && least < 1300);
    assert_true(most <= 3010 && most > 2700);
}

static void one_that_is_gone_before_is_forgotten(void **state)
{
    (void)state;
    assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_USERS, true, 5000));
    assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_USERS, false, 5900));
    assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_USERS, true, 9000)); /* a new one, which waits anew */
    assert_true(ties.ends_ms[MODULE_MYSQL_USERS] >= 10000);
}

static void modules_are_judged_by_themselves(void **state)
{
    (void)state;
    (void)wait_for_load(5000);
    assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_SERVERS, true, 9000));
}

static void there_is_an_end_to_it(void **state)
{
    (void)state;
    int64_t now_ms = 5000;
    for (int i = 0; i < STAMP_TIES_MAX; i++)
        now_ms = wait_for_load(now_ms) + 1000;
    for (int i = 0; i < 100; i++)
        assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_USERS, true, now_ms + i * 1000));
    stamp_ties_begin(&ties, now_ms);
    (void)wait_for_load(now_ms);
}

static void peers_are_looked_at_for_a_while_after_a_load(void **state)
{
    (void)state;
    assert_true(stamp_ties_looks(&ties, 1000 + STAMP_TIES_SETTLE_MS - 1));
    assert_false(stamp_ties_looks(&ties, 1000 + STAMP_TIES_SETTLE_MS));
    stamp_ties_loaded(&ties, 50000);
    assert_true(stamp_ties_looks(&ties, 50000 + STAMP_TIES_SETTLE_MS - 1));
    int64_t loaded_ms = wait_for_load(60000);
    assert_true(stamp_ties_looks(&ties, loaded_ms + STAMP_TIES_SETTLE_MS - 1));
}

static void the_next_look_is_when_a_tie_ends(void **state)
{
    (void)state;
    assert_int_equal(stamp_ties_next_ms(&ties, 5000), STAMP_TIES_LOOK_MS);
    assert_false(stamp_ties_judge(&ties, MODULE_MYSQL_USERS, true, 5000));
    int64_t end_ms = ties.ends_ms[MODULE_MYSQL_USERS];
    assert_int_equal(stamp_ties_next_ms(&ties, end_ms - 5), 5);
    assert_int_equal(stamp_ties_next_ms(&ties, end_ms), 1);
    assert_int_equal(stamp_ties_next_ms(&ties, end_ms + 5), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_tie_ends_after_one_to_three_seconds, begin),
        cmocka_unit_test_setup(one_that_is_gone_before_is_forgotten, begin),
        cmocka_unit_test_setup(modules_are_judged_by_themselves, begin),
        cmocka_unit_test_setup(there_is_an_end_to_it, begin),
        cmocka_unit_test_setup(peers_are_looked_at_for_a_while_after_a_load, begin),
        cmocka_unit_test_setup(the_next_look_is_when_a_tie_ends, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
