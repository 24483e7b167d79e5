#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/command.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "proto/pack.h"
#include "proto/protocol.h"
#include "proto/walk.h"

static struct buf out;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    buf_init(&out, 16 * 1024 * 1024);
    error_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_fini(&out);
    return 0;
}

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

static int walk(const uint8_t *data, size_t len)
{
    error_clear(&err);
    return walk_check(data, len, PROTOCOL_DEPTH_MAX, PROTOCOL_REQUEST_VALUES_MAX, &err);
}

static void test_walk_takes_what_is_one_map(void **state)
{
    (void)state;
    assert_int_equal(walk(BYTES(0x80)), 0);                                             /* {} */
    assert_int_equal(walk(BYTES(0x81, 0xa1, 'k', 0xc0)), 0);                            /* {k: nil} */
    assert_int_equal(walk(BYTES(0x81, 0xa1, 'k', 0x92, 0xff, 0xcd, 1, 2)), 0);          /* {k: [-1, 258]} */
    assert_int_equal(walk(BYTES(0xdf, 0, 0, 0, 1, 0xd9, 1, 'k', 0xc3)), 0);             /* the long forms */
    assert_int_equal(walk(BYTES(0x81, 0xa1, 'k', 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0)), 0); /* -2^63 */
}

/* Each of these makes a library allocate or crash, or means nothing here. */
static void test_walk_refuses_the_rest(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        uint8_t data[12];
        size_t len;
    } rows[] = {
        {"end within a value", {0}, 0},
        {"something else than a map", {0x90}, 1},
        {"something else than a map", {0xc0}, 1},
        {"bytes after the map", {0x80, 0x80}, 2},
        {"count beyond the bytes", {0xdf, 0xff, 0xff, 0xff, 0xff}, 5},
        {"count beyond the bytes", {0x81, 0xa1, 'k', 0xdd, 0xff, 0xff, 0xff, 0xff}, 8},
        {"count beyond the bytes", {0x82, 0xa1, 'k', 0xc0}, 4}, /* two pairs, bytes for one and a half */
        {"end within a value", {0x81, 0xa1, 'k', 0xdb, 0xff, 0xff, 0xff, 0xff}, 8},
        {"end within a value", {0x81, 0xa1, 'k', 0xcd, 1}, 5},
        {"end within a value", {0x81, 0xa1, 'k'}, 3},
        {"does not use", {0x81, 0xa1, 'k', 0xc1}, 4},
        {"does not use", {0x81, 0xa1, 'k', 0xc4, 0}, 5},          /* bin */
        {"does not use", {0x81, 0xa1, 'k', 0xca, 0, 0, 0, 0}, 8}, /* float */
        {"does not use", {0x81, 0xa1, 'k', 0xd4, 1, 1}, 6},       /* ext */
        {"key that is no text", {0x81, 1, 1}, 3},
        {"a key with a NUL", {0x81, 0xa2, 'k', 0, 1}, 5},
        {"not UTF-8", {0x81, 0xa1, 0xff, 1}, 4},
        {"above 2^63", {0x81, 0xa1, 'k', 0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0}, 12},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (walk(rows[i].data, rows[i].len) != -EPROTO || strstr(err.text, rows[i].says) == NULL)
            fail_msg("row %zu: \"%s\" instead of \"%s\"", i, err.text, rows[i].says);
    }
}

/* {k: [[[...]]]}: the map is one of the PROTOCOL_DEPTH_MAX. */
static void test_walk_knows_depth(void **state)
{
    (void)state;
    for (size_t arrays = PROTOCOL_DEPTH_MAX - 2; arrays <= 20000; arrays += 19000) {
        uint8_t *data = malloc(arrays + 4);
        assert_non_null(data);
        memcpy(data, "\x81\xa1k", 3);
        memset(data + 3, 0x91, arrays);
        data[3 + arrays] = 0x90; /* one more, empty */
        assert_int_equal(walk(data, arrays + 4), arrays < PROTOCOL_DEPTH_MAX ? 0 : -EPROTO);
        free(data);
    }
    assert_non_null(strstr(err.text, "in each other"));
}

static void test_walk_counts_values(void **state)
{
    (void)state;
    uint8_t data[6 + PROTOCOL_REQUEST_VALUES_MAX] = {0x81, 0xa1, 'k', 0xdc};
    size_t most = PROTOCOL_REQUEST_VALUES_MAX - 3; /* the map, the key, the array */
    for (size_t count = most; count <= most + 1; count++) {
        data[4] = (uint8_t)(count >> 8);
        data[5] = (uint8_t)count;
        assert_int_equal(walk(data, 6 + count), count == most ? 0 : -EPROTO);
    }
    assert_non_null(strstr(err.text, "too many values"));
}

static void test_frames_are_found_whole_only(void **state)
{
    (void)state;
    const uint8_t *content = NULL;
    size_t len = 0;
    static const uint8_t data[] = {0, 0, 0, 2, 'a', 'b', 0, 0, 0, 1, 'c'};
    for (size_t n = 0; n < 6; n++)
        assert_int_equal(frame_find(data, n, 100, &content, &len, &err), 0);
    assert_int_equal(frame_find(data, sizeof(data), 100, &content, &len, &err), 1);
    assert_int_equal(len, 2);
    assert_memory_equal(content, "ab", 2);
    assert_int_equal(frame_find(data, sizeof(data), 1, &content, &len, &err), -EMSGSIZE);
    assert_string_equal(err.text, "a frame of 2 bytes, at most 1 are allowed");
    error_clear(&err);
    assert_int_equal(frame_find(BYTES(0xff, 0xff, 0xff, 0xff), 100, &content, &len, &err), -EMSGSIZE);
    error_clear(&err);
    assert_int_equal(frame_find(BYTES(0, 0, 0, 0), 100, &content, &len, &err), -EPROTO);
}

static void content_of(const uint8_t **ret_content, size_t *ret_len)
{
    assert_int_equal(frame_find(out.data, out.len, PROTOCOL_ANSWER_BYTES_MAX, ret_content, ret_len, &err), 1);
    assert_int_equal(*ret_len + PROTOCOL_LENGTH_BYTES, out.len);
}

static void test_a_request_comes_back(void **state)
{
    (void)state;
    struct pack p;
    struct request r;
    const uint8_t *content;
    size_t len;
    int64_t id = 0;
    cleanup_buf struct buf args;
    buf_init(&args, 1000);
    pack_init(&p, &args);
    pack_map_begin(&p, NULL);
    pack_int(&p, "delay", 7);
    pack_bool(&p, "wait", true);
    pack_map_end(&p);
    assert_int_equal(pack_end(&p), 0);
    assert_int_equal(request_encode(&out, 42, "drain", &args, &err), 0);
    content_of(&content, &len);
    assert_int_equal(request_decode(content, len, &r, &id, &err), 0);
    assert_int_equal(id, 42);
    assert_string_equal(r.command, "drain");
    assert_int_equal(tree_int(r.args, "delay", -1), 7);
    assert_true(tree_bool(r.args, "wait"));
    request_fini(&r);
}

static void decode_request(const char *json_like_bytes, size_t len, int code, const char *says)
{
    struct request r;
    int64_t id = 0;
    error_clear(&err);
    int rc = request_decode(json_like_bytes, len, &r, &id, &err);
    if (rc != code || strstr(err.text, says) == NULL)
        fail_msg("%d \"%s\" instead of %d \"%s\"", rc, err.text, code, says);
}

static void test_requests_that_are_none(void **state)
{
    (void)state;
#define TEXT(text) text, sizeof(text) - 1
    decode_request(TEXT("\x80"), -EPROTO, "without the key \"version\"");
    decode_request(TEXT("\x81\xa7version\x01"), -EPROTO, "without an id");
    decode_request(TEXT("\x82\xa7version\x01\xa2id\xff"), -EPROTO, "without an id, a number from 0 on");
    decode_request(TEXT("\x82\xa7version\x01\xa2id\x05"), -EPROTO, "without the key \"command\"");
    decode_request(TEXT("\x83\xa7version\x01\xa2id\x05\xa7"
                        "command\x05"),
                   -EPROTO, "without the key \"command\"");
    decode_request(TEXT("\x82\xa7version\x02\xa2id\x05"), -EPROTONOSUPPORT,
                   "the client speaks version 2 of the control protocol, this agent (" PROJECT_VERSION
                   ") speaks version 1");
}

/* The id of a request of another version is read, so that the answer finds its way. */
static void test_another_version_keeps_its_id(void **state)
{
    (void)state;
    struct request r;
    int64_t id = 0;
    assert_int_equal(request_decode(TEXT("\x82\xa7version\x63\xa2id\x05"), &r, &id, &err), -EPROTONOSUPPORT);
    assert_int_equal(id, 5);
}

static void test_an_error_comes_back(void **state)
{
    (void)state;
    struct answer a;
    const uint8_t *content;
    size_t len;
    assert_int_equal(answer_encode_error(&out, 7, MESSAGE_BUSY, "bad \xff text", ""), 0);
    content_of(&content, &len);
    assert_int_equal(answer_decode(content, len, &a, &err), 0);
    assert_int_equal(a.kind, MESSAGE_ERROR);
    assert_int_equal(a.id, 7);
    assert_string_equal(tree_text(a.body, "code"), "busy");
    assert_string_equal(tree_text(a.body, "message"), "bad \xef\xbf\xbd text");
    assert_string_equal(tree_text(a.body, "hint"), "");
    answer_fini(&a);
}

static void decode_answer(const char *bytes, size_t len, int code, const char *says)
{
    struct answer a;
    error_clear(&err);
    int rc = answer_decode(bytes, len, &a, &err);
    if (rc != code || strstr(err.text, says) == NULL)
        fail_msg("%d \"%s\" instead of %d \"%s\"", rc, err.text, code, says);
}

static void test_answers_that_are_none(void **state)
{
    (void)state;
    decode_answer(TEXT("\x80"), -EPROTO, "this is no proxysql-agent");
    decode_answer(TEXT("\x82\xa7version\x01\xa2id\x01"), -EPROTO, "without progress, result or error");
    decode_answer(TEXT("\x81\xa7version\x01"), -EPROTO, "without an id");
    decode_answer(TEXT("\x84\xa7version\x01\xa2id\x01\xa6result\x01\xa5"
                       "error\x01"),
                  -EPROTO, "both \"result\" and \"error\"");
    decode_answer(TEXT("\x83\xa7version\x02\xa2id\x01\xa5"
                       "error\x81\xa7message\xa3old"),
                  -EPROTONOSUPPORT, "speaks version 2 of the control protocol, this proxysql-agentctl");
    assert_non_null(strstr(err.text, "it says: old"));
}

/* Texts are ended in place, also empty ones and ones beside each other. */
static void test_texts(void **state)
{
    (void)state;
    struct tree tree;
    assert_int_equal(tree_unpack(TEXT("\x83\xa1"
                                      "a\xa0\xa1"
                                      "b\xa2xy\xa1"
                                      "c\xa3z\0z"),
                                 100, &tree, &err),
                     0);
    assert_string_equal(tree_text(tree.top, "a"), "");
    assert_string_equal(tree_text(tree.top, "b"), "xy");
    assert_string_equal(tree_text(tree.top, "c"), ""); /* a NUL within: no text */
    assert_string_equal(tree_text(tree.top, "d"), "");
    assert_string_equal(tree_key(tree.top, 0), "a");
    tree_fini(&tree);
}

static void test_json(void **state)
{
    (void)state;
    struct tree tree;
    struct json_writer w;
    assert_int_equal(tree_unpack(TEXT("\x84\xa1"
                                      "a\xc0\xa1"
                                      "b\x93\x01\xff\xc3\xa1"
                                      "c\x81\xa1x\xa1\"\xa1"
                                      "d\xd3\x80\0\0\0\0\0\0\0"),
                                 100, &tree, &err),
                     0);
    json_writer_init(&w, &out);
    tree_write_json(tree.top, &w, NULL);
    assert_int_equal(json_writer_end(&w), 0);
    assert_string_equal(out.data, "{\"a\":null,\"b\":[1,-1,true],\"c\":{\"x\":\"\\\"\"},\"d\":-9223372036854775808}");
    tree_fini(&tree);
}

/* What does not fit leaves nothing behind. */
static void test_too_large_an_answer(void **state)
{
    (void)state;
    cleanup_buf struct buf body;
    struct pack p;
    char *text = malloc(PROTOCOL_ANSWER_BYTES_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', PROTOCOL_ANSWER_BYTES_MAX);
    text[PROTOCOL_ANSWER_BYTES_MAX] = '\0';
    buf_init(&body, 2 * PROTOCOL_ANSWER_BYTES_MAX);
    pack_init(&p, &body);
    pack_str(&p, NULL, text);
    assert_int_equal(pack_end(&p), 0);
    assert_int_equal(answer_encode(&out, 1, MESSAGE_RESULT, &body), -EMSGSIZE);
    assert_int_equal(out.len, 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk_takes_what_is_one_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_walk_refuses_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_walk_knows_depth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_walk_counts_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_frames_are_found_whole_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_request_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_requests_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_version_keeps_its_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_error_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large_an_answer, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
