#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/http/api_body.h"
#include "shared/compiler.h"

static const char *const colours[] = {"red", "green", NULL};
static const struct api_field fields[] = {
    {.name = "wait_s", .type = API_FIELD_INT, .otherwise = 10, .max = 60},
    {.name = "maintenance", .type = API_FIELD_BOOL},
    {.name = "colour", .type = API_FIELD_NAME, .otherwise = -1, .names = colours},
    {.name = NULL},
};
static const struct api_field required[] = {
    {.name = "colour", .type = API_FIELD_NAME, .required = true, .names = colours},
    {.name = NULL},
};
static const struct api_field none[] = {{.name = NULL}};

static const struct {
    const char *body;
    int64_t values[3];
} good[] = {
    {"", {10, 0, -1}},
    {"{}", {10, 0, -1}},
    {" {\"wait_s\": 0}\n", {0, 0, -1}},
    {"{\"wait_s\":60,\"maintenance\":true,\"colour\":\"GREEN\"}", {60, 1, 1}},
    {"{\"colour\":\"red\",\"maintenance\":false}", {10, 0, 0}},
};

static void what_is_given_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t values[API_FIELDS_MAX];
        struct error err = ERROR_INIT;
        if (api_body_read(good[i].body, strlen(good[i].body), fields, values, &err) < 0)
            fail_msg("%s: %s", good[i].body, err.text);
        assert_memory_equal(values, good[i].values, sizeof(good[i].values));
    }
}

static const struct {
    const char *body;
    const struct api_field *fields;
    const char *text;
} bad[] = {
    {"[]", fields, "the body is not a JSON object"},
    {"null", fields, "the body is no JSON: line 1, column 4: '[' or '{' expected near 'null'"},
    {"{", fields, "the body is no JSON: line 1, column 1: string or '}' expected near end of file"},
    {"{} x", fields, "the body is no JSON: line 1, column 4: end of file expected near 'x'"},
    {"{\"wait_s\":{}}", fields, "the body is not a flat JSON object"},
    {"{\"wait_s\":[1]}", fields, "the body is not a flat JSON object"},
    {"[[[[[[", fields, "the body is not a flat JSON object"},
    {"{\"wait_s\":1,\"wait_s\":2}", fields,
     "the body is no JSON: line 1, column 20: duplicate object key near '\"wait_s\"'"},
    {"{\"wait\":1}", fields, "\"wait\" is unknown (known: wait_s, maintenance, colour)"},
    {"{\"wait\":1}", none, "\"wait\" is unknown (known: nothing)"},
    {"{\"wait_s\":61}", fields, "wait_s is not a whole number of 0 to 60"},
    {"{\"wait_s\":-1}", fields, "wait_s is not a whole number of 0 to 60"},
    {"{\"wait_s\":1.0}", fields, "wait_s is not a whole number of 0 to 60"},
    {"{\"wait_s\":\"1\"}", fields, "wait_s is not a whole number of 0 to 60"},
    {"{\"wait_s\":null}", fields, "wait_s is not a whole number of 0 to 60"},
    {"{\"maintenance\":1}", fields, "maintenance is neither true nor false"},
    {"{\"colour\":\"blue\"}", fields, "colour is none of red, green"},
    {"{\"colour\":0}", fields, "colour is none of red, green"},
    {"", required, "colour is missing"},
    {"{}", required, "colour is missing"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t values[API_FIELDS_MAX] = {7};
        struct error err = ERROR_INIT;
        assert_int_equal(api_body_read(bad[i].body, strlen(bad[i].body), bad[i].fields, values, &err), -EINVAL);
        assert_string_equal(err.text, bad[i].text);
        assert_int_equal(values[0], 7);
    }
}

static void brackets_in_strings_do_not_nest(void **state)
{
    (void)state;
    static const char body[] = "{\"[\\\"{[\\\\\": true}";
    int64_t values[API_FIELDS_MAX];
    struct error err = ERROR_INIT;
    assert_int_equal(api_body_read(body, sizeof(body) - 1, fields, values, &err), -EINVAL);
    assert_string_equal(err.text, "\"[\"{[\\\" is unknown (known: wait_s, maintenance, colour)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_read),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(brackets_in_strings_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
