#include "tests/unit/unit.h"

#include <errno.h>

#include "proto/command.h"
#include "proto/tree.h"

static struct argument_values values;
static struct error err;

static int parse(const char *command, char *first, char *second)
{
    char *words[] = {first, second};
    int count = first == NULL ? 0 : second == NULL ? 1 : 2;
    error_clear(&err);
    return command_parse(command_find(command), count, words, &values, &err);
}

static void test_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_IDS; i++) {
        const struct command *c = &command_table[i];
        assert_non_null(c->name);
        assert_true(strlen(c->summary) > 0 && strlen(c->summary) <= 66); /* one line of help */
        assert_true(strlen(c->on_interrupt) > 0);
        assert_ptr_equal(command_find(c->name), c);
        assert_int_equal(command_id_of(c), i);
        if (c->http_path != NULL)
            assert_ptr_equal(command_find_http(c->http_path), c);
        for (int a = 0; c->arguments[a].name != NULL; a++) {
            assert_true(a < COMMAND_ARGUMENTS_MAX);
            assert_non_null(c->arguments[a].summary);
            assert_true(c->arguments[a].type != ARGUMENT_NAME || c->arguments[a].names != NULL);
            for (int b = 0; b < a; b++)
                assert_string_not_equal(c->arguments[b].name, c->arguments[a].name);
            assert_true(c->arguments[a].type != ARGUMENT_INT || c->arguments[a].max > c->arguments[a].min);
        }
    }
    assert_null(command_find("nothing"));
    assert_string_equal(command_nearest("stauts"), "status");
    assert_null(command_nearest("frobnicate"));
}

static void test_command_lines(void **state)
{
    (void)state;
    const struct command *drain = command_find("drain");
    assert_int_equal(parse("drain", "--delay", "9"), 0);
    assert_int_equal(command_value(drain, &values, "delay", -1), 9);
    assert_int_equal(command_value(drain, &values, "wait", 0), 0);
    assert_int_equal(parse("drain", "--delay=3600", "--wait"), 0);
    assert_int_equal(command_value(drain, &values, "delay", -1), 3600);
    assert_int_equal(command_value(drain, &values, "wait", 0), 1);
    assert_int_equal(parse("log-level", "warn", NULL), 0);
    assert_int_equal(command_value(command_find("log-level"), &values, "level", -1), 2);
}

static void refused(const char *command, char *first, char *second, const char *says)
{
    if (parse(command, first, second) != -EINVAL || strcmp(err.text, says) != 0)
        fail_msg("\"%s\" instead of \"%s\"", err.text, says);
}

static void test_wrong_command_lines(void **state)
{
    (void)state;
    refused("drain", "--delay", NULL, "--delay needs a value");
    refused("drain", "--delay=3601", NULL, "--delay \"3601\": allowed is 0 to 3600 seconds");
    refused("drain", "--delay=1x", NULL, "--delay \"1x\": allowed is 0 to 3600 seconds");
    refused("drain", "--wait=1", NULL, "--wait takes no value");
    refused("drain", "--speed", NULL, "drain takes no \"--speed\"");
    refused("drain", "now", NULL, "drain takes no \"now\"");
    refused("log-level", NULL, NULL, "log-level needs a level: DEBUG, INFO, WARN, ERROR");
    refused("log-level", "INFO", "WARN", "log-level takes no \"WARN\"");
    refused("log-level", "--level=INFO", NULL, "log-level takes no \"--level=INFO\"");
}

static int read_args(const char *command, const char *bytes, size_t len)
{
    struct tree tree;
    error_clear(&err);
    assert_int_equal(tree_unpack(bytes, len, 100, &tree, NULL), 0);
    int rc = command_read(command_find(command), tree.top, &values, &err);
    tree_fini(&tree);
    return rc;
}

static void test_arguments_of_requests(void **state)
{
    (void)state;
#define TEXT(text) text, sizeof(text) - 1
    assert_int_equal(read_args("drain", TEXT("\x82\xa5"
                                             "delay\x09\xa4wait\xc2")),
                     0);
    assert_int_equal(command_value(command_find("drain"), &values, "delay", -1), 9);
    assert_int_equal(command_value(command_find("drain"), &values, "wait", 7), 7); /* false is: not given */
    assert_int_equal(read_args("drain", TEXT("\x81\xa5"
                                             "delay\xff")),
                     -EINVAL);
    assert_string_equal(err.text, "delay -1: allowed is 0 to 3600 seconds");
    assert_int_equal(read_args("drain", TEXT("\x81\xa5"
                                             "delay\xc3")),
                     -EINVAL);
    assert_string_equal(err.text, "delay true is a boolean: allowed is 0 to 3600 seconds");
    assert_int_equal(read_args("drain", TEXT("\x81\xa4wait\x01")), -EINVAL);
    assert_string_equal(err.text, "wait 1 is a number: allowed is true, false");
    assert_int_equal(read_args("log-level", TEXT("\x81\xa5level\x01")), -EINVAL);
    assert_string_equal(err.text, "level 1 is a number: allowed is DEBUG, INFO, WARN, ERROR");
    assert_int_equal(read_args("log-level", TEXT("\x80")), -EINVAL);
    assert_int_equal(read_args("status", TEXT("\x81\xa5watch\xc3")), -EINVAL); /* is not sent */
    assert_non_null(strstr(err.text, "takes no \"watch\"; it takes no argument"));
    assert_int_equal(read_args("drain", TEXT("\x81\xa6wait_s\x01")), -EINVAL); /* is for HTTP */
    assert_non_null(strstr(err.text, "takes no \"wait_s\"; it takes wait, maintenance, delay"));
    assert_int_equal(read_args("drain", TEXT("\x82\xa4wait\xc3\xa4wait\xc2")), -EINVAL);
    assert_string_equal(err.text, "\"wait\" is given twice");
    assert_int_equal(read_args("dump", TEXT("\x81\xa4pipe\xa3x\0y")), -EINVAL);
    assert_string_equal(err.text, "pipe text with a NUL: allowed is a text of 8192 bytes at most");
    assert_int_equal(read_args("dump", TEXT("\x81\xa4pipe\x90")), -EINVAL);
    assert_string_equal(err.text, "pipe array: allowed is a text of 8192 bytes at most");
}

static bool is_sent(const struct argument *a)
{
    return a->reach == ARGUMENT_EVERYWHERE || a->reach == ARGUMENT_CONTROL;
}

/* What is packed is what is read, for everything that the table knows. */
static void test_packed_arguments_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMAND_IDS; i++) {
        const struct command *c = &command_table[i];
        struct argument_values given = {.given = {false}};
        struct pack p;
        cleanup_buf struct buf out;
        for (int a = 0; c->arguments[a].name != NULL; a++) {
            given.given[a] = is_sent(&c->arguments[a]);
            given.text[a] = "some text";
            given.number[a] = c->arguments[a].type == ARGUMENT_INT ? c->arguments[a].max : 1;
        }
        buf_init(&out, 1000);
        pack_init(&p, &out);
        command_pack(c, &given, &p);
        assert_int_equal(pack_end(&p), 0);
        if (read_args(c->name, out.data, out.len) != 0)
            fail_msg("%s: %s", c->name, err.text);
        for (int a = 0; c->arguments[a].name != NULL; a++)
            if (c->arguments[a].type != ARGUMENT_TEXT) /* those point into what is gone now */
                assert_int_equal(command_value(c, &values, c->arguments[a].name, -5),
                                 is_sent(&c->arguments[a]) ? given.number[a] : -5);
    }
}

static void test_words_for_humans(void **state)
{
    (void)state;
    char text[ARGUMENT_ALLOWED_MAX];
    argument_usage(&command_find("drain")->arguments[2], text);
    assert_string_equal(text, "--delay S");
    argument_usage(&command_find("dump")->arguments[2], text);
    assert_string_equal(text, "--format csv|jsonl");
    argument_usage(&command_find("log-level")->arguments[0], text);
    assert_string_equal(text, "LEVEL");
    argument_allowed(&command_find("drain")->arguments[0], text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        cmocka_unit_test(test_command_lines),
        cmocka_unit_test(test_wrong_command_lines),
        cmocka_unit_test(test_arguments_of_requests),
        cmocka_unit_test(test_packed_arguments_come_back),
        cmocka_unit_test(test_words_for_humans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
