#include "tests/unit/unit.h"

#include <errno.h>

#include "shared/buf.h"

static void starts_empty_and_without_memory(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, 0);
    buf_reset(&b);
    buf_consume(&b, 0);
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    assert_int_equal(buf_printf(&b, "%s", ""), 0);
    assert_string_equal(b.data, "");
    assert_int_equal(b.cap, 0);
    buf_fini(&b);
    buf_fini(&b);
}

static void grows_and_keeps_its_content(void **state)
{
    (void)state;
    cleanup_buf struct buf b;
    buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(buf_printf(&b, "%04d", i), 0);
    assert_int_equal(b.len, 40000);
    assert_int_equal(strlen(b.data), 40000);
    assert_memory_equal(b.data, "000000010002", 12);
    assert_string_equal(b.data + 39996, "9999");
}

static void bytes_may_be_nul(void **state)
{
    (void)state;
    cleanup_buf struct buf b;
    buf_init(&b, 8);
    assert_int_equal(buf_append(&b, "a\0b", 3), 0);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
}

static void the_limit_is_exact_and_refusal_changes_nothing(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 1, 5, 60, 63, 64, 65, 120, 127, 128, 1000};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        cleanup_buf struct buf b;
        buf_init(&b, limits[i]);
        for (size_t n = 0; n < limits[i]; n++)
            assert_int_equal(buf_puts(&b, "x"), 0);
        assert_int_equal(buf_puts(&b, "y"), -EMSGSIZE);
        assert_int_equal(buf_printf(&b, "%d", 1), -EMSGSIZE);
        assert_int_equal(buf_append(&b, "z", SIZE_MAX), -EMSGSIZE);
        assert_int_equal(b.len, limits[i]);
        assert_int_equal(strlen(b.data), limits[i]);
        assert_true(b.cap <= limits[i] + 1);
    }
}

static void one_large_append_fits_at_once(void **state)
{
    (void)state;
    static char text[5001];
    memset(text, 'x', sizeof(text) - 1);
    cleanup_buf struct buf b;
    buf_init(&b, 5000);
    assert_int_equal(buf_puts(&b, text), 0);
    assert_int_equal(strlen(b.data), 5000);
}

static void consume_removes_from_the_front(void **state)
{
    (void)state;
    cleanup_buf struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_puts(&b, "abcdef"), 0);
    buf_consume(&b, 0);
    buf_consume(&b, 2);
    assert_string_equal(b.data, "cdef");
    buf_consume(&b, 4);
    assert_string_equal(b.data, "");
    assert_int_equal(buf_puts(&b, "0123456789"), 0);
}

static void reset_keeps_the_memory(void **state)
{
    (void)state;
    cleanup_buf struct buf b;
    buf_init(&b, 10);
    assert_int_equal(buf_puts(&b, "abc"), 0);
    size_t cap = b.cap;
    buf_reset(&b);
    assert_string_equal(b.data, "");
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
}

static void the_largest_limit_does_not_overflow(void **state)
{
    (void)state;
    cleanup_buf struct buf b;
    buf_init(&b, BUF_MAX);
    assert_int_equal(buf_puts(&b, "abc"), 0);
    assert_int_equal(buf_append(&b, "", BUF_MAX), -EMSGSIZE);
    assert_string_equal(b.data, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_empty_and_without_memory),
        cmocka_unit_test(grows_and_keeps_its_content),
        cmocka_unit_test(bytes_may_be_nul),
        cmocka_unit_test(the_limit_is_exact_and_refusal_changes_nothing),
        cmocka_unit_test(one_large_append_fits_at_once),
        cmocka_unit_test(consume_removes_from_the_front),
        cmocka_unit_test(reset_keeps_the_memory),
        cmocka_unit_test(the_largest_limit_does_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
