#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "daemon/discovery/json_whole.h"

enum { bytes_max = 4096 };

static void one_object_is_read(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    cleanup_json json_t *root = NULL;
    const char text[] = " {\"a\":{\"b\":[1,2]}}\n";
    assert_int_equal(json_whole_load("thing", text, strlen(text), bytes_max, &root, &err), 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "a"), "b")), 2);
}

static void expect(const char *text, size_t len, int code, const char *error)
{
    struct error err = ERROR_INIT;
    json_t *root = NULL;
    assert_int_equal(json_whole_load("thing", text, len, bytes_max, &root, &err), code);
    assert_null(root);
    if (strncmp(err.text, "thing: ", 7) != 0 || strstr(err.text, error) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", err.text, error);
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"", "no whole JSON object"},
        {"{\"a\":1", "no whole JSON object"},
        {"[1]", "not the JSON"},
        {"{\"a\":1}{\"a\":1}", "more than one object"},
        {"{\"a\":1,}", "JSON: "},
        {"{\"a\":1}]", "not the JSON"},
        {"{\"a\":\"\\u0000\"}", "JSON: \\u"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i].text, strlen(rows[i].text), -EBADMSG, rows[i].error);
}

static void limits_hold(void **state)
{
    (void)state;
    char text[bytes_max + 1];
    memset(text, ' ', sizeof(text));
    text[0] = '{';
    text[1] = '}';
    expect(text, sizeof(text), -EMSGSIZE, "more than 4096 bytes");
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', sizeof(text) - 6);
    struct error err = ERROR_INIT;
    json_t *root = NULL;
    assert_true(json_whole_load("thing", text, bytes_max, bytes_max, &root, &err) < 0);
    assert_null(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_object_is_read),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
