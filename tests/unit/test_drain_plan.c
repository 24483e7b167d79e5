#include "tests/unit/unit.h"

#include "daemon/drain/plan.h"
#include "shared/compiler.h"

enum { begin = 1000000 };

static struct drain_plan plan(struct drain_plan_question q)
{
    struct drain_plan p;
    q.begin_ms = begin;
    drain_plan_make(&q, &p);
    return p;
}

/* The defaults: 5 s, 30 s, 60 s. */
static const struct drain_plan_question shutdown_usual = {
    .stop = true, .delay_ms = 5000, .drain_ms = 30000, .stop_ms = 60000};

static void assert_in_order(const struct drain_plan *p)
{
    assert_true(begin <= p->accept_until_ms);
    assert_true(p->accept_until_ms <= p->empty_until_ms);
    assert_true(p->holders_until_ms <= p->empty_until_ms);
    assert_true(p->empty_until_ms <= p->stopped_ms);
    assert_true(p->stopped_ms <= p->end_ms);
}

static void the_defaults(void **state)
{
    (void)state;
    struct drain_plan p = plan(shutdown_usual);
    assert_int_equal(p.accept_until_ms, begin + 5000);
    assert_int_equal(p.holders_until_ms, begin + 15000);
    assert_int_equal(p.empty_until_ms, begin + 30000);
    assert_true(p.stopped_ms > begin + 55000 && p.stopped_ms < begin + 60000);
    assert_int_equal(p.end_ms, begin + 60000);
    assert_false(p.cut_by_grace);
    assert_false(p.delay_cut);
}

static void the_delay_is_a_third_at_most(void **state)
{
    (void)state;
    struct drain_plan_question q = shutdown_usual;
    q.drain_ms = 9000;
    struct drain_plan p = plan(q);
    assert_int_equal(p.accept_until_ms, begin + 3000);
    assert_true(p.delay_cut);
    q.delay_ms = 0;
    p = plan(q);
    assert_int_equal(p.accept_until_ms, begin);
    assert_false(p.delay_cut);
}

static void the_grace_period_counts_when_it_is_shorter(void **state)
{
    (void)state;
    struct drain_plan_question q = shutdown_usual;
    q.grace_ms = 30000;
    struct drain_plan p = plan(q);
    assert_int_equal(p.end_ms, begin + 27000);
    assert_true(p.empty_until_ms < p.end_ms - 2000);
    assert_true(p.cut_by_grace);
    assert_in_order(&p);
    q.grace_ms = 63000;
    assert_false(plan(q).cut_by_grace);
    q.grace_ms = 0; /* not known */
    assert_false(plan(q).cut_by_grace);
}

/* Nothing that is configured makes a plan without time for the end, or one out of order. */
static void every_plan_is_in_order(void **state)
{
    (void)state;
    static const int64_t times_ms[] = {0, 1, 999, 1000, 2000, 5000, 30000, 60000, 3600000, 31536000000};
    const size_t n = ARRAY_LEN(times_ms);
    for (size_t i = 0; i < n * n * n * n; i++) {
        struct drain_plan_question q = {.stop = true,
                                        .delay_ms = times_ms[i % n],
                                        .drain_ms = times_ms[i / n % n],
                                        .stop_ms = times_ms[i / n / n % n],
                                        .grace_ms = times_ms[i / n / n / n % n]};
        struct drain_plan p = plan(q);
        assert_in_order(&p);
        int64_t budget_ms = p.end_ms - begin;
        assert_true(budget_ms >= DRAIN_BUDGET_MIN_MS);
        assert_true(budget_ms <= q.stop_ms || budget_ms == DRAIN_BUDGET_MIN_MS);
        assert_true(p.stopped_ms - p.empty_until_ms >= budget_ms / 4 || p.stopped_ms - p.empty_until_ms >= 1900);
        assert_true(p.accept_until_ms - begin <= (p.empty_until_ms - begin) / 3);
        assert_true(p.empty_until_ms - begin <= q.drain_ms);
    }
}

static void a_maintenance_keeps_its_delay(void **state)
{
    (void)state;
    struct drain_plan p =
        plan((struct drain_plan_question){.delay_ms = 20000, .drain_ms = 30000, .stop_ms = 10000, .grace_ms = 5000});
    assert_int_equal(p.accept_until_ms, begin + 20000);
    assert_int_equal(p.holders_until_ms, begin + 35000);
    assert_int_equal(p.empty_until_ms, begin + 50000);
    assert_false(p.cut_by_grace);
    assert_in_order(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults),
        cmocka_unit_test(the_delay_is_a_third_at_most),
        cmocka_unit_test(the_grace_period_counts_when_it_is_shorter),
        cmocka_unit_test(every_plan_is_in_order),
        cmocka_unit_test(a_maintenance_keeps_its_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
