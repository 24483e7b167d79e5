#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/http/api_body.h"
#include "shared/compiler.h"

static const struct {
    enum command_id command;
    const char *body;
    int64_t wait_s;
    int64_t maintenance;
    int64_t delay_s;
} good[] = {
    {COMMAND_DRAIN, "", -1, 0, -1},
    {COMMAND_DRAIN, "{}", -1, 0, -1},
    {COMMAND_DRAIN, " {\"wait_s\": 0}\n", 0, 0, -1},
    {COMMAND_DRAIN, "{\"wait_s\":3600,\"maintenance\":true,\"delay_s\":7}", 3600, 1, 7},
    {COMMAND_DRAIN, "{\"delay_s\":3600,\"maintenance\":false}", -1, 0, 3600},
};

static void what_is_given_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct error err = ERROR_INIT;
        const struct command *c = &command_table[good[i].command];
        cleanup_api_body struct api_body body = {.root = NULL};
        if (api_body_read(good[i].body, strlen(good[i].body), c, &body, &err) < 0)
            fail_msg("%s: %s", good[i].body, err.text);
        assert_int_equal(command_value(c, &body.values, "wait_s", -1), good[i].wait_s);
        assert_int_equal(command_value(c, &body.values, "maintenance", 0), good[i].maintenance);
        assert_int_equal(command_value(c, &body.values, "delay", -1), good[i].delay_s);
    }
}

static void names_are_read_in_any_case(void **state)
{
    (void)state;
    static const char text[] = "{\"level\":\"wArN\"}";
    struct error err = ERROR_INIT;
    cleanup_api_body struct api_body body = {.root = NULL};
    const struct command *c = &command_table[COMMAND_LOG_LEVEL];
    assert_int_equal(api_body_read(text, sizeof(text) - 1, c, &body, &err), 0);
    assert_int_equal(command_value(c, &body.values, "level", -1), 2);
}

static const struct {
    enum command_id command;
    const char *body;
    const char *text;
} bad[] = {
    {COMMAND_DRAIN, "[]", "the body is not a JSON object"},
    {COMMAND_DRAIN, "null", "the body is no JSON: line 1, column 4: '[' or '{' expected near 'null'"},
    {COMMAND_DRAIN, "{", "the body is no JSON: line 1, column 1: string or '}' expected near end of file"},
    {COMMAND_DRAIN, "{} x", "the body is no JSON: line 1, column 4: end of file expected near 'x'"},
    {COMMAND_DRAIN, "{\"wait_s\":{}}", "the body is not a flat JSON object"},
    {COMMAND_DRAIN, "{\"wait_s\":[1]}", "the body is not a flat JSON object"},
    {COMMAND_DRAIN, "[[[[[[", "the body is not a flat JSON object"},
    {COMMAND_DRAIN, "{\"wait_s\":1,\"wait_s\":2}",
     "the body is no JSON: line 1, column 20: duplicate object key near '\"wait_s\"'"},
    {COMMAND_DRAIN, "{\"wait\":1}",
     "drain of this agent (" PROJECT_VERSION ") takes no \"wait\"; it takes maintenance, delay_s, wait_s"},
    {COMMAND_DRAIN, "{\"delay\":1}",
     "drain of this agent (" PROJECT_VERSION ") takes no \"delay\"; it takes maintenance, delay_s, wait_s"},
    {COMMAND_HEALTH, "{\"wait_s\":1}",
     "health of this agent (" PROJECT_VERSION ") takes no \"wait_s\"; it takes no argument"},
    {COMMAND_DRAIN, "{\"delay_s\":3601}", "delay_s 3601: allowed is 0 to 3600 seconds"},
    {COMMAND_DRAIN, "{\"delay_s\":-1}", "delay_s -1: allowed is 0 to 3600 seconds"},
    {COMMAND_DRAIN, "{\"delay_s\":1.0}", "delay_s with a fraction or an exponent: allowed is 0 to 3600 seconds"},
    {COMMAND_DRAIN, "{\"delay_s\":\"1\"}", "delay_s \"1\" is a text: allowed is 0 to 3600 seconds"},
    {COMMAND_DRAIN, "{\"delay_s\":null}", "delay_s null: allowed is 0 to 3600 seconds"},
    {COMMAND_DRAIN, "{\"maintenance\":1}", "maintenance 1 is a number: allowed is true, false"},
    {COMMAND_LOG_LEVEL, "{\"level\":\"loud\"}", "level \"loud\": allowed is DEBUG, INFO, WARN, ERROR"},
    {COMMAND_LOG_LEVEL, "{\"level\":0}", "level 0 is a number: allowed is DEBUG, INFO, WARN, ERROR"},
    {COMMAND_LOG_LEVEL, "", "log-level needs a level: DEBUG, INFO, WARN, ERROR"},
    {COMMAND_LOG_LEVEL, "{}", "log-level needs a level: DEBUG, INFO, WARN, ERROR"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct api_body body = {.values.number = {7}};
        struct error err = ERROR_INIT;
        assert_int_equal(api_body_read(bad[i].body, strlen(bad[i].body), &command_table[bad[i].command], &body, &err),
                         -EINVAL);
        assert_string_equal(err.text, bad[i].text);
        assert_int_equal(body.values.number[0], 7);
    }
}

static void brackets_in_strings_do_not_nest(void **state)
{
    (void)state;
    static const char text[] = "{\"[\\\"{[\\\\\": true}";
    struct api_body body = {.root = NULL};
    struct error err = ERROR_INIT;
    assert_int_equal(api_body_read(text, sizeof(text) - 1, &command_table[COMMAND_RELOAD], &body, &err), -EINVAL);
    assert_string_equal(err.text, "reload of this agent (" PROJECT_VERSION ") takes no \"[\"{[\\\"; it takes wait_s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_read),
        cmocka_unit_test(names_are_read_in_any_case),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(brackets_in_strings_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
