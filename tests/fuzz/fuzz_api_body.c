/*
 * The body of a POST to /api/v1, read with the tables of all kinds of commands.
 *
 * Beyond not crashing: a refusal has a text and leaves the values alone; what is taken is within the table's limits,
 * and said in plain words it is the same; and of what is JSON exactly the flat objects pass the look at the brackets.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/http/api_body.h"
#include "shared/compiler.h"
#include "tests/fuzz/fuzz.h"

enum { untouched = 77777 };

static const char *const levels[] = {"DEBUG", "INFO", "WARN", "ERROR", NULL};

#define WAIT_S                                                                 \
    {                                                                          \
        .name = "wait_s", .type = API_FIELD_INT, .otherwise = 10, .max = 3600, \
    }

static const struct api_field of_job[] = {WAIT_S, {.name = NULL}};
static const struct api_field of_drain[] = {
    WAIT_S,
    {.name = "maintenance", .type = API_FIELD_BOOL},
    {.name = "delay_s", .type = API_FIELD_INT, .min = -1, .otherwise = -1, .max = 3600},
    {.name = NULL},
};
static const struct api_field of_log_level[] = {
    {.name = "level", .type = API_FIELD_NAME, .required = true, .names = levels},
    {.name = NULL},
};
static const struct api_field of_none[] = {{.name = NULL}};
static const struct api_field *const tables[] = {of_job, of_drain, of_log_level, of_none};

static void check_value(const struct api_field *field, int64_t value)
{
    if (field->type == API_FIELD_INT)
        assert(value >= field->min && value <= field->max);
    else if (field->type == API_FIELD_BOOL)
        assert(value == 0 || value == 1);
    else
        assert(value >= 0 && value < (int64_t)ARRAY_LEN(levels) - 1);
}

static size_t write_value(char *text, size_t size, const struct api_field *field, int64_t value)
{
    int len = 0;
    if (field->type == API_FIELD_INT)
        len = snprintf(text, size, "\"%s\":%" PRId64, field->name, value);
    else if (field->type == API_FIELD_BOOL)
        len = snprintf(text, size, "\"%s\":%s", field->name, value != 0 ? "true" : "false");
    else
        len = snprintf(text, size, "\"%s\":\"%s\"", field->name, field->names[value]);
    assert(len > 0 && (size_t)len < size);
    return (size_t)len;
}

static void check_taken(const struct api_field *fields, const int64_t values[API_FIELDS_MAX])
{
    char text[256] = "{";
    size_t len = 1;
    int64_t again[API_FIELDS_MAX];
    struct error err = ERROR_INIT;
    for (size_t i = 0; fields[i].name != NULL; i++) {
        check_value(&fields[i], values[i]);
        if (i > 0)
            text[len++] = ',';
        len += write_value(text + len, sizeof(text) - len - 2, &fields[i], values[i]);
    }
    text[len++] = '}';
    int rc = api_body_read(text, len, fields, again, &err);
    assert(rc == 0 && memcmp(again, values, sizeof(again)) == 0);
}

static bool has_containers(json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value) || json_is_array(value))
            return true;
    }
    return false;
}

/* why: the refusal, "" = it was taken. The parser's own bound on depth makes it safe here. */
static void check_flat(const char *body, size_t len, const char *why)
{
    json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    bool refused = strcmp(why, "the body is not a flat JSON object") == 0;
    if (json_is_object(root))
        assert(refused == has_containers(root));
    else
        assert(len == 0 || why[0] != '\0');
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        int64_t values[API_FIELDS_MAX] = {untouched, untouched, untouched, untouched};
        struct error err = ERROR_INIT;
        int rc = api_body_read((const char *)data, size, tables[i], values, &err);
        assert(rc == 0 || (rc == -EINVAL && err.text[0] != '\0'));
        for (size_t k = 0; rc < 0 && k < API_FIELDS_MAX; k++)
            assert(values[k] == untouched);
        if (rc == 0)
            check_taken(tables[i], values);
        check_flat((const char *)data, size, err.text);
    }
    return 0;
}
