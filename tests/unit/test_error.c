#include "tests/unit/unit.h"

#include <errno.h>

#include "shared/error.h"

static void first_error_wins(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_set(&err, -ENOENT, "open %s", "a"), -ENOENT);
    assert_int_equal(error_set(&err, -EIO, "later"), -EIO);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "open a");
}

static void wrap_puts_context_before(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    (void)error_set(&err, -ENOENT, "no such file");
    assert_int_equal(error_wrap(&err, "read %s", "config"), -ENOENT);
    assert_string_equal(err.text, "read config: no such file");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char text[600];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)error_set(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    (void)error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

static void null_error_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -EPERM, "x"), -EPERM);
    assert_int_equal(error_wrap(NULL, "x"), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_wins),
        cmocka_unit_test(wrap_puts_context_before),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(null_error_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
