#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/discovery/json_split.h"

/* What was handed over, each object followed by '|'. */
struct collected {
    struct buf text;
    unsigned fail_at; /* the object with this number is refused; 0 = none */
    unsigned count;
};

static int collect(void *arg, const char *text, size_t len, struct error *err)
{
    struct collected *c = arg;
    if (++c->count == c->fail_at)
        return error_set(err, -ENOSPC, "refused");
    assert_int_equal(buf_append(&c->text, text, len), 0);
    assert_int_equal(buf_puts(&c->text, "|"), 0);
    return 0;
}

/* Split text, cut in pieces of at most piece bytes. Returns what feeding returned; what came out is in c, s. */
static int split(enum json_split_mode mode, const char *text, size_t len, size_t piece, struct json_split *s,
                 struct collected *c)
{
    struct error err = ERROR_INIT;
    json_split_init(s, collect, c);
    json_split_reset(s, mode);
    int rc = 0;
    for (size_t at = 0; at < len && rc == 0; at += piece)
        rc = json_split_feed(s, text + at, len - at < piece ? len - at : piece, &err);
    assert_int_equal(rc, err.code);
    assert_true(rc == 0 || err.text[0] != '\0');
    return rc;
}

static void check(enum json_split_mode mode, const char *text, const char *objects, const char *envelope)
{
    size_t len = strlen(text);
    for (size_t piece = 1; piece <= len; piece++) {
        struct collected c = {.count = 0};
        struct json_split s;
        buf_init(&c.text, 65536);
        assert_int_equal(split(mode, text, len, piece, &s, &c), 0);
        assert_true(json_split_at_end(&s));
        assert_string_equal(c.text.data, objects);
        assert_string_equal(s.envelope.data, envelope);
        json_split_fini(&s);
        buf_fini(&c.text);
    }
}

static void watch_is_cut_into_events(void **state)
{
    (void)state;
    check(JSON_SPLIT_STREAM, "{\"a\":1}\n{\"b\":{\"c\":[{},[]]}}\r\n", "{\"a\":1}|{\"b\":{\"c\":[{},[]]}}|", "");
    check(JSON_SPLIT_STREAM, "{}{}", "{}|{}|", "");
    check(JSON_SPLIT_STREAM, "\n \n{\"a\":\n\t1}\n", "{\"a\":\n\t1}|", "");
}

static void strings_hide_brackets_and_quotes(void **state)
{
    (void)state;
    check(JSON_SPLIT_STREAM, "{\"}\\\"{\":\"\\\\\"}\n{\"[\":\"]\\\\\\\"}\"}",
          "{\"}\\\"{\":\"\\\\\"}|{\"[\":\"]\\\\\\\"}\"}|", "");
}

static void list_is_cut_into_items_and_an_envelope(void **state)
{
    (void)state;
    check(JSON_SPLIT_LIST,
          "{\"kind\":\"PodList\",\"items\":[{\"a\":1},{\"b\":[{}]} , {}],\"metadata\":{\"items\":[1,{}]}}\n",
          "{\"a\":1}|{\"b\":[{}]}|{}|", "{\"kind\":\"PodList\",\"items\":[],\"metadata\":{\"items\":[1,{}]}}\n");
    check(JSON_SPLIT_LIST, "{\"items\":[ ],\"x\":1}", "", "{\"items\":[ ],\"x\":1}");
    check(JSON_SPLIT_LIST, "{\"items\":null}", "", "{\"items\":null}");
    check(JSON_SPLIT_LIST, "{\"a\":\"items\",\"b\":[1],\"items2\":[{}]}", "",
          "{\"a\":\"items\",\"b\":[1],\"items2\":[{}]}");
}

static void what_is_not_expected_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum json_split_mode mode;
        const char *text;
    } bad[] = {
        {JSON_SPLIT_STREAM, "x"},
        {JSON_SPLIT_STREAM, "[{}]"},
        {JSON_SPLIT_STREAM, "{},{}"},
        {JSON_SPLIT_STREAM, "\"a\""},
        {JSON_SPLIT_STREAM, "}"},
        {JSON_SPLIT_STREAM, "<html>"},
        {JSON_SPLIT_LIST, "[]"},
        {JSON_SPLIT_LIST, "{\"items\":[1]}"},
        {JSON_SPLIT_LIST, "{} {}"},
        {JSON_SPLIT_LIST, "{\"items\":[\"a\"]}"},
        {JSON_SPLIT_LIST, "{\"items\":[[]]}"},
        {JSON_SPLIT_LIST, "{\"items\":[{}:{}]}"},
        {JSON_SPLIT_LIST, "{\"items\":[}"},
        {JSON_SPLIT_LIST, "null"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct collected c = {.count = 0};
        struct json_split s;
        buf_init(&c.text, 65536);
        assert_int_equal(split(bad[i].mode, bad[i].text, strlen(bad[i].text), 1, &s, &c), -EBADMSG);
        json_split_fini(&s);
        buf_fini(&c.text);
    }
}

static void halves_are_no_end(void **state)
{
    (void)state;
    static const char list[] = "{\"items\":[{\"a\":\"b\"},{}],\"metadata\":{}}";
    for (size_t len = 0; len < sizeof(list) - 1; len++) {
        struct collected c = {.count = 0};
        struct json_split s;
        buf_init(&c.text, 65536);
        assert_int_equal(split(JSON_SPLIT_LIST, list, len, len + 1, &s, &c), 0);
        assert_false(json_split_at_end(&s));
        json_split_reset(&s, JSON_SPLIT_STREAM);
        assert_true(json_split_at_end(&s));
        json_split_fini(&s);
        buf_fini(&c.text);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    size_t len = (size_t)JSON_SPLIT_OBJECT_MAX + 16;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'a', len);
    struct collected c = {.count = 0};
    struct json_split s;
    buf_init(&c.text, 65536);

    memcpy(text, "{\"a\":\"", 6);
    assert_int_equal(split(JSON_SPLIT_STREAM, text, len, 16384, &s, &c), -EMSGSIZE);
    json_split_fini(&s);
    assert_int_equal(split(JSON_SPLIT_LIST, text, len, 16384, &s, &c), -EMSGSIZE); /* the envelope's limit */
    assert_true(s.envelope.len <= JSON_SPLIT_ENVELOPE_MAX);
    json_split_fini(&s);

    for (size_t i = 0; i < 5 * (JSON_SPLIT_DEPTH_MAX + 1); i++)
        text[i] = "{\"a\":"[i % 5];
    assert_int_equal(split(JSON_SPLIT_STREAM, text, 5 * JSON_SPLIT_DEPTH_MAX, 7, &s, &c), 0);
    json_split_fini(&s);
    assert_int_equal(split(JSON_SPLIT_STREAM, text, 5 * (JSON_SPLIT_DEPTH_MAX + 1), 7, &s, &c), -EMSGSIZE);
    json_split_fini(&s);
    buf_fini(&c.text);
    free(text);
}

static void refusal_ends_the_feeding(void **state)
{
    (void)state;
    struct collected c = {.fail_at = 2};
    struct json_split s;
    buf_init(&c.text, 65536);
    assert_int_equal(split(JSON_SPLIT_STREAM, "{}{}{}", 6, 6, &s, &c), -ENOSPC);
    assert_int_equal(c.count, 2);
    json_split_fini(&s);
    buf_fini(&c.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watch_is_cut_into_events),
        cmocka_unit_test(strings_hide_brackets_and_quotes),
        cmocka_unit_test(list_is_cut_into_items_and_an_envelope),
        cmocka_unit_test(what_is_not_expected_is_refused),
        cmocka_unit_test(halves_are_no_end),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(refusal_ends_the_feeding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
