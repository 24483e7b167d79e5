#include "tests/unit/unit.h"

#include "daemon/cluster/absence.h"
#include "shared/mem.h"

enum { begin = 5000 };

static void is_told_once(void **state)
{
    struct absence a = {0};
    (void)state;
    assert_false(absence_look(&a, false, true, begin));
    assert_false(absence_look(&a, false, true, begin + 1000));
    assert_false(absence_look(&a, false, true, begin + ABSENCE_MS - 1));
    assert_true(absence_look(&a, false, true, begin + ABSENCE_MS));
    assert_false(absence_look(&a, false, true, begin + ABSENCE_MS + 1));
    assert_false(absence_look(&a, false, true, begin + 10 * ABSENCE_MS));
}

static void a_pod_that_is_there_is_no_news(void **state)
{
    struct absence a = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(absence_look(&a, true, true, begin + i * ABSENCE_MS));
}

/* As with a watch that is cut: what is not there may only not be seen. */
static void a_view_that_is_not_confirmed_says_nothing(void **state)
{
    struct absence a = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_false(absence_look(&a, false, false, begin + i * ABSENCE_MS));
    assert_false(absence_look(&a, false, true, begin + 100 * ABSENCE_MS));
}

static void a_break_begins_anew(void **state)
{
    const struct {
        bool present, confirmed;
    } breaks[] = {{true, true}, {false, false}, {true, false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(breaks); i++) {
        struct absence a = {0};
        assert_false(absence_look(&a, false, true, begin));
        assert_false(absence_look(&a, breaks[i].present, breaks[i].confirmed, begin + ABSENCE_MS - 1));
        assert_false(absence_look(&a, false, true, begin + ABSENCE_MS));
        assert_false(absence_look(&a, false, true, begin + 2 * ABSENCE_MS - 1));
        assert_true(absence_look(&a, false, true, begin + 2 * ABSENCE_MS));
    }
}

static void each_absence_is_told(void **state)
{
    struct absence a = {0};
    (void)state;
    for (int64_t now_ms = begin; now_ms < begin + 10 * ABSENCE_MS; now_ms += 2 * ABSENCE_MS) {
        assert_false(absence_look(&a, false, true, now_ms));
        assert_true(absence_look(&a, false, true, now_ms + ABSENCE_MS));
        assert_false(absence_look(&a, true, true, now_ms + ABSENCE_MS + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_told_once),
        cmocka_unit_test(a_pod_that_is_there_is_no_news),
        cmocka_unit_test(a_view_that_is_not_confirmed_says_nothing),
        cmocka_unit_test(a_break_begins_anew),
        cmocka_unit_test(each_absence_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
