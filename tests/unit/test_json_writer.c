#include "tests/unit/unit.h"

#include <errno.h>

#include "shared/json_writer.h"

static void a_document_has_its_commas(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 1000);
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object_begin(&w, NULL);
    json_str(&w, "text", "a");
    json_str(&w, "none", NULL);
    json_object_begin(&w, "empty");
    json_object_end(&w);
    json_array_begin(&w, "list");
    json_int(&w, NULL, INT64_MIN);
    json_bool(&w, NULL, true);
    json_object_begin(&w, NULL);
    json_bool(&w, "x", false);
    json_object_end(&w);
    json_array_begin(&w, NULL);
    json_int(&w, NULL, 1);
    json_array_end(&w);
    json_array_end(&w);
    json_int(&w, "last \"one\"", 7);
    json_object_end(&w);
    assert_int_equal(json_writer_end(&w), 0);
    assert_string_equal(out.data, "{\"text\":\"a\",\"none\":null,\"empty\":{},\"list\":[-9223372036854775808,true,"
                                  "{\"x\":false},[1]],\"last \\\"one\\\"\":7}");
}

#define BAD "\xef\xbf\xbd"

static void strings_are_escaped_and_always_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t len; /* 0 = strlen */
        const char *out;
    } rows[] = {
        {"", 0, ""},
        {"plain /text", 0, "plain /text"},
        {"\"\\\n\r\t", 0, "\\\"\\\\\\n\\r\\t"},
        {"\x01\x1f\x7f", 0, "\\u0001\\u001f\\u007f"},
        {"a\0b", 3, "a\\u0000b"},
        {"\xc3\xbc", 0, "\xc3\xbc"},
        {"\xe2\x82\xac", 0, "\xe2\x82\xac"},
        {"\xf0\x9f\x98\x80", 0, "\xf0\x9f\x98\x80"},
        {"\xef\xbf\xbf", 0, "\xef\xbf\xbf"},
        {"\xf4\x8f\xbf\xbf", 0, "\xf4\x8f\xbf\xbf"},
        {"\x80", 0, BAD},
        {"\xff", 0, BAD},
        {"\xc3", 0, BAD},
        {"\xc3(", 0, BAD "("},
        {"\xe2\x82", 0, BAD BAD},
        {"\xe2\x82"
         "a",
         0, BAD BAD "a"},
        {"\xc0\xaf", 0, BAD BAD},
        {"\xc1\xbf", 0, BAD BAD},
        {"\xe0\x9f\xbf", 0, BAD BAD BAD},
        {"\xe0\xa0\x80", 0, "\xe0\xa0\x80"},
        {"\xed\x9f\xbf", 0, "\xed\x9f\xbf"},
        {"\xed\xa0\x80", 0, BAD BAD BAD},
        {"\xf0\x8f\xbf\xbf", 0, BAD BAD BAD BAD},
        {"\xf0\x90\x80\x80", 0, "\xf0\x90\x80\x80"},
        {"\xf4\x90\x80\x80", 0, BAD BAD BAD BAD},
        {"\xf5\x80\x80\x80", 0, BAD BAD BAD BAD},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cleanup_buf struct buf out;
        buf_init(&out, 100);
        size_t len = rows[i].len == 0 ? strlen(rows[i].in) : rows[i].len;
        assert_int_equal(json_append_string(&out, rows[i].in, len), 0);
        assert_int_equal(out.data[0], '"');
        assert_int_equal(out.data[out.len - 1], '"');
        assert_int_equal(out.len - 2, strlen(rows[i].out));
        assert_memory_equal(out.data + 1, rows[i].out, out.len - 2);
    }
}

static void a_string_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    for (size_t max = 0; max < 8; max++) {
        cleanup_buf struct buf out;
        buf_init(&out, max);
        bool begun = max > 0 && buf_puts(&out, "x") == 0;
        assert_int_equal(json_append_string(&out, "ab\ncd", 5), -EMSGSIZE);
        assert_string_equal(out.data, begun ? "x" : "");
        assert_int_equal(out.len, begun ? 1 : 0);
    }
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 40);
    struct json_writer w;
    json_writer_init(&w, &out);
    json_object_begin(&w, NULL);
    json_str(&w, "key", "a text that is longer than the buffer may be");
    json_int(&w, "a", 1);
    json_bool(&w, "b", true);
    json_object_end(&w);
    assert_int_equal(json_writer_end(&w), -EMSGSIZE);
}

static void the_deepest_nesting_works(void **state)
{
    (void)state;
    cleanup_buf struct buf out;
    buf_init(&out, 1000);
    struct json_writer w;
    json_writer_init(&w, &out);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_begin(&w, NULL);
    json_int(&w, NULL, 1);
    json_int(&w, NULL, 2);
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        json_array_end(&w);
    assert_int_equal(json_writer_end(&w), 0);
    assert_int_equal(out.len, 2 * JSON_DEPTH_MAX + 3);
    assert_memory_equal(out.data + JSON_DEPTH_MAX, "1,2]", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_its_commas),
        cmocka_unit_test(strings_are_escaped_and_always_utf8),
        cmocka_unit_test(a_string_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(the_deepest_nesting_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
