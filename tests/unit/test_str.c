#include "tests/unit/unit.h"

#include <errno.h>

#include "shared/str.h"

static void integers_are_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t min;
        int64_t max;
        int rc;
        int64_t value;
    } rows[] = {
        {"0", 0, 9, 0, 0},
        {"9", 0, 9, 0, 9},
        {"10", 0, 9, -ERANGE, 0},
        {"-1", 0, 9, -ERANGE, 0},
        {"-1", -1, 9, 0, -1},
        {"9223372036854775807", INT64_MIN, INT64_MAX, 0, INT64_MAX},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, 0, INT64_MIN},
        {"9223372036854775808", INT64_MIN, INT64_MAX, -ERANGE, 0},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, -ERANGE, 0},
        {"99999999999999999999999999", INT64_MIN, INT64_MAX, -ERANGE, 0},
        {"", 0, 9, -EINVAL, 0},
        {"-", -9, 9, -EINVAL, 0},
        {"--1", -9, 9, -EINVAL, 0},
        {"-0", -9, 9, -EINVAL, 0},
        {"+1", 0, 9, -EINVAL, 0},
        {" 1", 0, 9, -EINVAL, 0},
        {"1 ", 0, 9, -EINVAL, 0},
        {"01", 0, 9, -EINVAL, 0},
        {"00", 0, 9, -EINVAL, 0},
        {"-01", -9, 9, -EINVAL, 0},
        {"0x1", 0, 9, -EINVAL, 0},
        {"80x", 0, 99, -EINVAL, 0},
        {"1e3", 0, 9999, -EINVAL, 0},
        {"1.0", 0, 9, -EINVAL, 0},
        {"1\n", 0, 9, -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t value = 4711;
        assert_int_equal(str_to_int(rows[i].text, rows[i].min, rows[i].max, &value), rows[i].rc);
        assert_int_equal(value, rows[i].rc == 0 ? rows[i].value : 4711);
    }
}

static void booleans_are_those_of_go(void **state)
{
    (void)state;
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    static const char *const no[] = {"0", "f", "F", "FALSE", "false", "False"};
    static const char *const neither[] = {"", "maybe", "yes", "no", "on", "tRUE", "true ", " 1", "2", "00", "tr"};
    bool value;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        value = false;
        assert_int_equal(str_to_bool(yes[i], &value), 0);
        assert_true(value);
        assert_int_equal(str_to_bool(no[i], &value), 0);
        assert_false(value);
    }
    for (size_t i = 0; i < ARRAY_LEN(neither); i++) {
        value = true;
        assert_int_equal(str_to_bool(neither[i], &value), -EINVAL);
        assert_true(value);
    }
}

#define TEXT_63 "123456789012345678901234567890123456789012345678901234567890123"

static void distance_counts_edits(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        unsigned distance;
    } rows[] = {
        {"", "", 0},
        {"abc", "", 3},
        {"interval", "interval", 0},
        {"interval", "Interval", 0},
        {"interval", "intervall", 1},
        {"interval", "intrval", 1},
        {"interval", "intervel", 1},
        {"kitten", "sitting", 3},
        {"ab", "ba", 2},
        {"port", "password", 5},
        {TEXT_63, TEXT_63, 0},
        {TEXT_63, "", 63},
        {TEXT_63 "4", TEXT_63 "4", 64},
        {"", TEXT_63 "4", 64},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(str_distance(rows[i].a, rows[i].b), rows[i].distance);
        assert_int_equal(str_distance(rows[i].b, rows[i].a), rows[i].distance);
    }
}

static void host_and_port_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL = refused */
        uint16_t port;
    } rows[] = {
        {"127.0.0.1:6033", "127.0.0.1", 6033},
        {"a:1", "a", 1},
        {"a:65535", "a", 65535},
        {"[::1]:80", "::1", 80},
        {"[fe80::1%eth0]:80", "fe80::1%eth0", 80},
        {"exactly-15-long:80", "exactly-15-long", 80},
        {"exactly-16-longs:80", NULL, 0},
        {"", NULL, 0},
        {":", NULL, 0},
        {":80", NULL, 0},
        {"a", NULL, 0},
        {"a:", NULL, 0},
        {"a:0", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:-1", NULL, 0},
        {"a:80x", NULL, 0},
        {"a:080", NULL, 0},
        {"::1:80", NULL, 0},
        {"::1", NULL, 0},
        {"[::1]", NULL, 0},
        {"[::1:80", NULL, 0},
        {"[]:80", NULL, 0},
        {"[[::1]]:80", NULL, 0},
        {"a]:80", NULL, 0},
        {"[a]b]:80", NULL, 0},
        {"[::1]80", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char host[16] = "unchanged";
        uint16_t port = 7;
        bool good = rows[i].host != NULL;
        assert_int_equal(str_split_host_port(rows[i].text, host, sizeof(host), &port), good ? 0 : -EINVAL);
        assert_string_equal(host, good ? rows[i].host : "unchanged");
        assert_int_equal(port, good ? rows[i].port : 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_strict),
        cmocka_unit_test(booleans_are_those_of_go),
        cmocka_unit_test(distance_counts_edits),
        cmocka_unit_test(host_and_port_are_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
