#include "tests/unit/unit.h"

#include "daemon/phase.h"

static void moves_forward_only(void **state)
{
    (void)state;
    struct phase_state p;
    phase_init(&p);
    assert_int_equal(phase_get(&p), PHASE_STARTING);
    assert_false(phase_advance(&p, PHASE_STARTING));
    assert_true(phase_advance(&p, PHASE_RUNNING));
    assert_false(phase_advance(&p, PHASE_RUNNING));
    assert_true(phase_advance(&p, PHASE_STOPPING));
    assert_false(phase_advance(&p, PHASE_DRAINING));
    assert_int_equal(phase_get(&p), PHASE_STOPPING);
    assert_true(phase_advance(&p, PHASE_STOPPED));
}

static void goes_back_from_draining_only(void **state)
{
    (void)state;
    struct phase_state p;
    phase_init(&p);
    assert_true(phase_advance(&p, PHASE_RUNNING));
    assert_false(phase_return(&p));
    assert_true(phase_advance(&p, PHASE_DRAINING));
    assert_true(phase_return(&p));
    assert_int_equal(phase_get(&p), PHASE_RUNNING);
    assert_true(phase_advance(&p, PHASE_STOPPING));
    assert_false(phase_return(&p));
    assert_int_equal(phase_get(&p), PHASE_STOPPING);
}

static void has_names(void **state)
{
    (void)state;
    assert_string_equal(phase_name(PHASE_STARTING), "starting");
    assert_string_equal(phase_name(PHASE_RUNNING), "running");
    assert_string_equal(phase_name(PHASE_DRAINING), "draining");
    assert_string_equal(phase_name(PHASE_STOPPING), "stopping");
    assert_string_equal(phase_name(PHASE_STOPPED), "stopped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(moves_forward_only),
                                       cmocka_unit_test(goes_back_from_draining_only), cmocka_unit_test(has_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
