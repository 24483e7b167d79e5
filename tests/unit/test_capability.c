#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/proxysql/capability.h"

static void each_series(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        int major, minor, patch;
        bool supported, from_2_6, pgsql, unsafe;
    } rows[] = {
        {"2.7.2-14-g5cc418b", 2, 7, 2, true, true, false, false},
        {"2.6.6", 2, 6, 6, true, true, false, false},
        {"2.5.6-percona-1.1", 2, 5, 6, true, false, false, false},
        {"2.5.5-10-g195bd70", 2, 5, 5, true, false, false, true},
        {"2.5.2", 2, 5, 2, true, false, false, true},
        {"2.5.1", 2, 5, 1, true, false, false, false},
        {"2.4.8", 2, 4, 8, false, false, false, false},
        {"3.0.0-alpha", 3, 0, 0, true, true, true, false},
        {"3.12.345", 3, 12, 345, true, true, true, false},
        {"4.0.0", 4, 0, 0, false, true, true, false},
        {"1.9999.0", 1, 9999, 0, false, false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct capability c;
        assert_int_equal(capability_parse(rows[i].version, &c), 0);
        assert_int_equal(c.major, rows[i].major);
        assert_int_equal(c.minor, rows[i].minor);
        assert_int_equal(c.patch, rows[i].patch);
        assert_int_equal(c.supported, rows[i].supported);
        assert_int_equal(c.tells_paused, rows[i].from_2_6);
        assert_int_equal(c.caching_sha2, rows[i].from_2_6);
        assert_int_equal(c.pgsql, rows[i].pgsql);
        assert_int_equal(c.checksums_unsafe, rows[i].unsafe);
    }
}

static void no_version(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "2",      "2.7",    "2.7.",   "2..7",      "v2.7.2", " 2.7.2",
                                        "2.7.x", "-2.7.2", "2.7.2x", "2.7.2 ", "12345.0.0", "2.7.-1", "2,7,2"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct capability c = {.major = 77};
        assert_int_equal(capability_parse(texts[i], &c), -EINVAL);
        assert_int_equal(c.major, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_series), cmocka_unit_test(no_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
