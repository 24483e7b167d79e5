#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/jobs/health_state.h"

static struct health_snapshot now;

static struct health_observation seen(enum admin_verdict admin, int64_t end_ms)
{
    return (struct health_observation){
        .begin_ms = end_ms - 10, .end_ms = end_ms, .admin = admin, .traffic = TRAFFIC_GREETS};
}

static struct health_observation answer(int64_t end_ms, int64_t uptime_s)
{
    struct health_observation o = seen(ADMIN_ANSWERS, end_ms);
    o.backends = (struct admin_backends){.online = 2, .shunned = 1, .total = 4};
    o.has_node = true;
    o.node.uptime_s = uptime_s;
    o.node.clients = 5;
    return o;
}

static unsigned apply(struct health_observation o)
{
    return health_snapshot_apply(&now, &o);
}

static int forget(void **state)
{
    (void)state;
    memset(&now, 0, sizeof(now));
    return 0;
}

static void first_answer_starts_a_life(void **state)
{
    (void)state;
    assert_int_equal(apply(answer(100000, 40)), HEALTH_ADMIN_CHANGED | HEALTH_TRAFFIC_CHANGED | HEALTH_NEW_LIFE);
    assert_true(now.started);
    assert_int_equal(now.lives, 1);
    assert_int_equal(now.boot_ms, 60000);
    assert_int_equal(now.node_at_ms, 100000);
    assert_int_equal(now.at_ms, 100000);
    assert_int_equal(now.admin_since_ms, 99990);
    assert_int_equal(now.backends.online, 2);
    assert_int_equal(now.node.clients, 5);
    assert_int_equal(apply(answer(101000, 41)), 0);
    assert_int_equal(now.admin_since_ms, 99990);
}

/* Whole seconds of uptime make the boot time waver. */
static void boot_time_has_a_tolerance(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    assert_int_equal(apply(answer(110000, 50 + 2)), 0);
    assert_int_equal(apply(answer(120000, 60 - 2)), 0);
    assert_int_equal(now.boot_ms, 60000);
    struct health_observation o = answer(120001, 60 - 2);
    assert_int_equal(apply(o), HEALTH_NEW_LIFE);
    assert_int_equal(now.lives, 2);
    assert_int_equal(now.boot_ms, 62001);
    assert_int_equal(apply(answer(130000, 1)), HEALTH_NEW_LIFE);
    assert_int_equal(now.lives, 3);
}

static void answer_without_node_keeps_the_node(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    struct health_observation o = seen(ADMIN_ANSWERS, 101000);
    o.backends.total = 9;
    assert_int_equal(apply(o), 0);
    assert_int_equal(now.backends.total, 9);
    assert_int_equal(now.node.clients, 5);
    assert_int_equal(now.node_at_ms, 100000);
    assert_int_equal(now.at_ms, 101000);
}

static void stuck_keeps_what_is_known(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    struct health_observation o = seen(ADMIN_STUCK, 102000);
    (void)snprintf(o.reason, sizeof(o.reason), "no answer in time");
    assert_int_equal(apply(o), HEALTH_ADMIN_CHANGED);
    assert_true(now.started);
    assert_int_equal(now.node.clients, 5);
    assert_int_equal(now.backends.total, 4);
    assert_int_equal(now.admin_since_ms, 101990);
    assert_string_equal(now.reason, "no answer in time");
    assert_int_equal(apply(seen(ADMIN_STUCK, 103000)), 0);
    assert_int_equal(now.admin_since_ms, 101990);
    assert_string_equal(now.reason, "");
    assert_int_equal(apply(answer(104000, 44)), HEALTH_ADMIN_CHANGED);
    assert_int_equal(now.lives, 1);
}

static void stuck_from_the_start_has_not_started(void **state)
{
    (void)state;
    assert_int_equal(apply(seen(ADMIN_STUCK, 100000)), HEALTH_ADMIN_CHANGED | HEALTH_TRAFFIC_CHANGED);
    assert_false(now.started);
    assert_int_equal(now.lives, 0);
}

static void a_loss_before_it_got_stuck_may_be_another_life(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    struct health_observation o = seen(ADMIN_STUCK, 102000);
    o.losses = 1;
    (void)apply(o);
    assert_false(now.started);
    o = answer(104000, 44);
    o.losses = 1;
    assert_int_equal(apply(o), HEALTH_ADMIN_CHANGED); /* it was the same */
    assert_true(now.started);
    o = seen(ADMIN_STUCK, 105000);
    o.losses = 1;
    (void)apply(o);
    assert_true(now.started);
}

static void refusal_ends_the_life(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    assert_int_equal(apply(seen(ADMIN_REFUSED, 101000)), HEALTH_ADMIN_CHANGED);
    assert_false(now.started);
    assert_int_equal(now.node_at_ms, 0);
    assert_int_equal(now.node.clients, 0);
    assert_int_equal(now.backends.total, 0);
    assert_int_equal(now.lives, 1);
    assert_int_equal(now.gate, SYNC_GATE_NOT_ASKED);
    (void)apply(seen(ADMIN_STUCK, 102000)); /* somebody is there again, but has not answered */
    assert_false(now.started);
    assert_int_equal(apply(answer(103000, 1)), HEALTH_ADMIN_CHANGED | HEALTH_NEW_LIFE | HEALTH_GATE_CHANGED);
    assert_int_equal(now.lives, 2);
}

static void traffic_changes_are_told(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    struct health_observation o = answer(101000, 41);
    o.traffic = TRAFFIC_REFUSED;
    assert_int_equal(apply(o), HEALTH_TRAFFIC_CHANGED);
    assert_int_equal(now.traffic, TRAFFIC_REFUSED);
}

static void gate_stays_open_for_a_life(void **state)
{
    (void)state;
    struct health_observation o = answer(100000, 40);
    o.gate = SYNC_GATE_NO_USERS;
    assert_true((apply(o) & HEALTH_GATE_CHANGED) != 0);
    o = answer(101000, 41);
    assert_int_equal(apply(o), HEALTH_GATE_CHANGED);
    o.gate = SYNC_GATE_NO_USERS;
    assert_int_equal(apply(o), 0);
    assert_int_equal(now.gate, SYNC_GATE_OPEN);
    o = answer(200000, 1);
    o.gate = SYNC_GATE_NO_BACKENDS;
    assert_int_equal(apply(o), HEALTH_NEW_LIFE | HEALTH_GATE_CHANGED);
    assert_int_equal(now.gate, SYNC_GATE_NO_BACKENDS);
}

static void longest_uptime_does_not_overflow(void **state)
{
    (void)state;
    assert_true((apply(answer(1000, 100LL * 366 * 24 * 3600)) & HEALTH_NEW_LIFE) != 0);
    assert_true(now.boot_ms < 0);
}

static void state_lends_copies(void **state)
{
    (void)state;
    struct health_state health;
    struct health_snapshot copy;
    struct health_observation o = answer(100000, 40);
    health_state_init(&health);
    health_state_get(&health, &copy);
    assert_int_equal(copy.admin, ADMIN_UNKNOWN);
    assert_int_equal(copy.at_ms, 0);
    assert_true((health_state_record(&health, &o) & HEALTH_NEW_LIFE) != 0);
    health_state_get(&health, &copy);
    assert_int_equal(copy.admin, ADMIN_ANSWERS);
    health_state_fini(&health);
}

static void has_names(void **state)
{
    (void)state;
    assert_string_equal(admin_verdict_name(ADMIN_UNKNOWN), "unknown");
    assert_string_equal(admin_verdict_name(ADMIN_ANSWERS), "answers");
    assert_string_equal(admin_verdict_name(ADMIN_STUCK), "stuck");
    assert_string_equal(admin_verdict_name(ADMIN_REFUSED), "refused");
}

#define STEP(test) cmocka_unit_test_setup(test, forget)

/* The time that a dump of ours makes ProxySQL busy explains why admin is stuck, in whatever order the two begin and
 * end. */
static void dumps_explain_a_stuck_admin(void **state)
{
    (void)state;
    (void)apply(answer(100000, 40));
    health_snapshot_begin_dump(&now, 101000);
    (void)apply(seen(ADMIN_STUCK, 102010)); /* since 102000 */
    assert_int_equal(health_snapshot_unexplained_ms(&now, 110000), 0);
    health_snapshot_end_dump(&now, 112000);
    assert_int_equal(health_snapshot_unexplained_ms(&now, 112000), 0);
    assert_int_equal(health_snapshot_unexplained_ms(&now, 115000), 3000);
    health_snapshot_begin_dump(&now, 116000);
    assert_int_equal(health_snapshot_unexplained_ms(&now, 119000), 4000);
    health_snapshot_end_dump(&now, 120000);
    health_snapshot_end_dump(&now, 125000); /* twice is once */
    assert_int_equal(health_snapshot_unexplained_ms(&now, 125000), 9000);
    (void)apply(answer(126000, 66));
    (void)apply(seen(ADMIN_STUCK, 130010));
    assert_int_equal(health_snapshot_unexplained_ms(&now, 132000), 2000);
}

static void probes_of_the_traffic_port_are_counted(void **state)
{
    (void)state;
    struct health_state health;
    struct health_snapshot copy;
    health_state_init(&health);
    health_state_begin_probe(&health);
    health_state_get(&health, &copy);
    assert_int_equal(copy.probes_begun, 1);
    assert_int_equal(copy.probes_ended, 0);
    health_state_end_probe(&health, false);
    health_state_begin_probe(&health);
    health_state_end_probe(&health, true); /* nobody was there to count it */
    health_state_get(&health, &copy);
    assert_int_equal(copy.probes_begun, 1);
    assert_int_equal(copy.probes_ended, 1);
    health_state_fini(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STEP(first_answer_starts_a_life),
        STEP(boot_time_has_a_tolerance),
        STEP(answer_without_node_keeps_the_node),
        STEP(stuck_keeps_what_is_known),
        STEP(stuck_from_the_start_has_not_started),
        STEP(a_loss_before_it_got_stuck_may_be_another_life),
        STEP(refusal_ends_the_life),
        STEP(traffic_changes_are_told),
        STEP(gate_stays_open_for_a_life),
        STEP(longest_uptime_does_not_overflow),
        STEP(state_lends_copies),
        STEP(has_names),
        STEP(dumps_explain_a_stuck_admin),
        STEP(probes_of_the_traffic_port_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
