#include "tests/unit/unit.h"

#include "daemon/proxysql/packet_screen.h"
#include "shared/compiler.h"

enum { bytes_max = 512 };

/* What is made of these bytes, whatever the pieces in which they come. */
static void expect(bool asked, const char *bytes, size_t len, const char *expected)
{
    for (size_t piece = 1; piece <= len; piece++) {
        struct packet_screen screen = {.have = 0};
        unsigned char seen[bytes_max];
        assert_true(len <= sizeof(seen));
        memcpy(seen, bytes, len);
        if (asked)
            packet_screen_ask(&screen);
        for (size_t at = 0; at < len; at += piece)
            packet_screen_read(&screen, seen + at, piece < len - at ? piece : len - at);
        assert_memory_equal(seen, expected, len);
    }
}

#define SAME(asked, bytes)             expect(asked, bytes, sizeof(bytes) - 1, bytes)
#define CHANGED(asked, bytes, becomes) expect(asked, bytes, sizeof(bytes) - 1, becomes)

static void harmless_packets_pass(void **state)
{
    (void)state;
    SAME(false, "\x05\0\0\0\x0a"
                "8.0\0");
    SAME(true, "\x07\0\0\x01\0\0\0\x02\0\0\0\x09\0\0\x01\xff\x15\x04#28000");
    SAME(true, "\x01\0\0\x01\x03\x05\0\0\x02\xfe\0\0\x02\0\x03\0\0\x03\xfc\xff\xff");
    SAME(true, "\0\0\0\x01\x01\0\0\x02\x03\x03\0\0\x03\xfd\xff\x7f");
    SAME(false, "\x04\0\0\x02\xfe"
                "abc\x02\0\0\x03\xff\xff");
}

static void progress_reports_become_errors(void **state)
{
    (void)state;
    CHANGED(false, "\x05\0\0\0\xff\xff\xff\x01\x02", "\x05\0\0\0\xff\xff\x7f\x01\x02");
    CHANGED(true, "\x03\0\0\x01\xff\xff\xff\x03\0\0\x02\xff\xff\xff",
            "\x03\0\0\x01\xff\xff\x7f\x03\0\0\x02\xff\xff\x7f");
}

static void many_columns_become_errors(void **state)
{
    (void)state;
    CHANGED(true, "\x03\0\0\x01\xfc\xff\x00", "\x03\0\0\x01\xff\xff\x00");
    CHANGED(true, "\x04\0\0\x01\xfd\xff\xff\xff", "\x04\0\0\x01\xff\xff\x7f\xff");
    CHANGED(true, "\x09\0\0\x01\xfe\x01\x02\x03\x04\x05\x06\x07\x08",
            "\x09\0\0\x01\xff\x01\x02\x03\x04\x05\x06\x07\x08");
}

/* Bytes inside a long packet are no packets. */
static void long_packets_are_skipped(void **state)
{
    (void)state;
    char bytes[4 + 300 + 7] = "\x2c\x01\0\x01\xfa\0\0\x03\0\0\x02\xff\xff\xff";
    char expected[sizeof(bytes)];
    memcpy(bytes + 4 + 300, "\x03\0\0\x02\xff\xff\xff", 7);
    memcpy(expected, bytes, sizeof(bytes));
    expected[sizeof(expected) - 1] = 0x7f;
    expect(true, bytes, sizeof(bytes), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_packets_pass),
        cmocka_unit_test(progress_reports_become_errors),
        cmocka_unit_test(many_columns_become_errors),
        cmocka_unit_test(long_packets_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
