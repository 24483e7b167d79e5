#include "tests/unit/unit.h"

#include "shared/backoff.h"
#include "shared/compiler.h"

static void waits_double_up_to_the_cap(void **state)
{
    (void)state;
    static const struct {
        int64_t base_ms;
        int64_t cap_ms;
        int64_t full[6]; /* each wait is between half of it and all of it */
    } rows[] = {
        {100, 1000, {100, 200, 400, 800, 1000, 1000}},
        {1, 1, {1, 1, 1, 1, 1, 1}},
        {3, 4, {3, 4, 4, 4, 4, 4}},
        {500, 500, {500, 500, 500, 500, 500, 500}},
        {INT64_MAX / 3, INT64_MAX, {INT64_MAX / 3, INT64_MAX / 3 * 2, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}},
        {INT64_C(2) * UINT32_MAX, INT64_C(2) * UINT32_MAX, {INT64_C(2) * UINT32_MAX, INT64_C(2) * UINT32_MAX}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct backoff b;
        backoff_init(&b, rows[i].base_ms, rows[i].cap_ms);
        for (size_t n = 0; n < 6 && rows[i].full[n] != 0; n++) {
            int64_t wait_ms = backoff_next_ms(&b);
            assert_true(wait_ms >= rows[i].full[n] / 2);
            assert_true(wait_ms <= rows[i].full[n]);
        }
    }
}

static void many_failures_stay_at_the_cap(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 1, 1000);
    for (int i = 0; i < 10; i++)
        (void)backoff_next_ms(&b);
    for (int i = 0; i < 1000; i++)
        assert_in_range(backoff_next_ms(&b), 500, 1000);
}

static void a_success_starts_from_base_again(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 100, 100000);
    for (int i = 0; i < 8; i++)
        (void)backoff_next_ms(&b);
    backoff_reset(&b);
    assert_in_range(backoff_next_ms(&b), 50, 100);
}

/* 200 draws of 1001 values: that all agree, or that one half stays empty, does not happen by chance. */
static void jitter_spreads_over_the_range(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 1000, 1000);
    int low = 0;
    for (int i = 0; i < 200; i++) {
        int64_t jitter_ms = backoff_jitter_ms(&b, 1000);
        assert_in_range(jitter_ms, 0, 1000);
        low += jitter_ms < 500 ? 1 : 0;
    }
    assert_in_range(low, 20, 180);
    assert_int_equal(backoff_jitter_ms(&b, 0), 0);
    assert_true(backoff_jitter_ms(&b, INT64_MAX) >= 0);
    assert_true(backoff_jitter_ms(&b, UINT32_MAX) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_cap),
        cmocka_unit_test(many_failures_stay_at_the_cap),
        cmocka_unit_test(a_success_starts_from_base_again),
        cmocka_unit_test(jitter_spreads_over_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
