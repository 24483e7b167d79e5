#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/cluster/module_verdict.h"

enum { now_s = 1000 };

static const struct row {
    const char *own;
    int64_t own_version, own_epoch;
    const char *peer;
    int64_t peer_version, peer_epoch;
    int64_t updated_at, diff_check;
    enum module_verdict verdict;
} table[] = {
    {"A", 2, 500, "A", 3, 600, now_s, 0, MODULE_SAME},
    {"A", 2, 500, "B", 3, 600, now_s, 1, MODULE_WE_PULL},
    {"A", 1, 900, "B", 2, 600, now_s, 1, MODULE_WE_PULL}, /* at version 1 we take whatever may be taken */
    {"A", 2, 500, "B", 3, 600, now_s, MODULE_CHECKS_MAX + 1, MODULE_NOT_PULLED},
    {"A", 3, 600, "B", 2, 500, now_s, 0, MODULE_PEER_PULLS},
    {"A", 2, 500, "B", 1, 900, now_s, 40, MODULE_PEER_PULLS}, /* the peer is at version 1 */
    {"A", 1, 500, "B", 1, 900, now_s, 40, MODULE_NOBODY_PULLS},
    {"A", 2, 500, "B", 2, 500, now_s, 40, MODULE_TIED},
    {"A", 2, 500, "A", 2, 500, now_s - MODULE_STALE_S, 0, MODULE_SAME},
    {"A", 2, 500, "A", 2, 500, now_s - MODULE_STALE_S - 1, 0, MODULE_STALE},
    {"A", 2, 500, "B", 0, 0, 0, 0, MODULE_NEVER},
};

static enum module_verdict judge(const struct row *row, int64_t check_interval_ms)
{
    const struct cluster_view view = {.now = now_s, .check_interval_ms = check_interval_ms};
    struct module_state own = {.version = row->own_version, .epoch = row->own_epoch};
    struct peer_row peer = {.state = {.version = row->peer_version, .epoch = row->peer_epoch},
                            .updated_at = row->updated_at,
                            .diff_check = row->diff_check};
    (void)snprintf(own.checksum, sizeof(own.checksum), "%s", row->own);
    (void)snprintf(peer.state.checksum, sizeof(peer.state.checksum), "%s", row->peer);
    return module_verdict_judge(&view, &own, &peer);
}

static void test_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (judge(&table[i], 1000) != table[i].verdict)
            fail_msg("row %zu: %s", i, module_verdict_text(judge(&table[i], 1000)));
}

static void test_slow_checks_are_waited_for(void **state)
{
    (void)state;
    const struct row row = {"A", 2, 500, "A", 2, 500, now_s - 40, 0, MODULE_SAME};
    assert_int_equal(judge(&row, 1000), MODULE_STALE);
    assert_int_equal(judge(&row, 20 * 1000), MODULE_SAME);
}

static void test_texts_and_levels(void **state)
{
    (void)state;
    for (int i = 0; i < MODULE_VERDICTS; i++)
        assert_true(strlen(module_verdict_text((enum module_verdict)i)) > 0);
    assert_string_equal(module_verdict_level(MODULE_SAME), "ok");
    assert_string_equal(module_verdict_level(MODULE_PEER_PULLS), "changing");
    assert_string_equal(module_verdict_level(MODULE_TIED), "bad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row),
        cmocka_unit_test(test_slow_checks_are_waited_for),
        cmocka_unit_test(test_texts_and_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
