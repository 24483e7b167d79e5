#include "tests/unit/unit.h"

#include <limits.h>
#include <time.h>

#include "shared/clock.h"
#include "shared/compiler.h"

static void times_are_written_in_utc(void **state)
{
    (void)state;
    static const struct {
        int64_t real_ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {999, "1970-01-01T00:00:00.999Z"},
        {1000, "1970-01-01T00:00:01.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {-1000, "1969-12-31T23:59:59.000Z"},
        {951782400123, "2000-02-29T00:00:00.123Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "0000-00-00T00:00:00.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[CLOCK_RFC3339_SIZE];
        clock_format_rfc3339(rows[i].real_ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void monotonic_time_never_goes_back(void **state)
{
    (void)state;
    int64_t last_us = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = clock_mono_us();
        assert_true(now_us >= last_us);
        last_us = now_us;
    }
    assert_true(clock_mono_ms() >= last_us / 1000);
}

static void real_time_agrees_with_the_system(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL) - 1; /* time() may lag by a tick */
    int64_t now_ms = clock_real_ms();
    assert_in_range(now_ms / 1000, before, (int64_t)time(NULL) + 1);
}

static void left_is_clamped(void **state)
{
    (void)state;
    int64_t now_ms = clock_mono_ms();
    for (int i = 0; i < 5; i++)
        assert_int_equal(clock_left_ms(now_ms - i), 0);
    assert_int_equal(clock_left_ms(now_ms - 1000), 0);
    assert_int_equal(clock_left_ms(0), 0);
    assert_int_equal(clock_left_ms(INT64_MAX), INT_MAX);
    assert_in_range(clock_left_ms(clock_mono_ms() + 600000), 1, 600000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_in_utc),
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(real_time_agrees_with_the_system),
        cmocka_unit_test(left_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
