#include "daemon/http/api_body.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { listed_max = 128 };

/* The parser recurses, and nothing here nests: a bracket behind the first one that is in no string is refused before.
 */
static bool is_flat(const char *body, size_t len)
{
    bool in_string = false;
    unsigned brackets = 0;
    for (size_t i = 0; i < len && brackets < 2; i++) {
        if (in_string && body[i] == '\\')
            i++;
        else if (body[i] == '"')
            in_string = !in_string;
        else if (!in_string && (body[i] == '{' || body[i] == '['))
            brackets++;
    }
    return brackets < 2;
}

static json_t *parse(const char *body, size_t len, struct error *err)
{
    json_error_t why;
    json_t *root = NULL;
    if (!is_flat(body, len)) {
        (void)error_set(err, -EINVAL, "the body is not a flat JSON object");
        return NULL;
    }
    root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL)
        (void)error_set(err, -EINVAL, "the body is no JSON: line %d, column %d: %s", why.line, why.column, why.text);
    else if (!json_is_object(root))
        (void)error_set(err, -EINVAL, "the body is not a JSON object");
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* "a, b, c" */
static void list_names(const char *const *names, size_t count, char ret_text[listed_max])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < count && used < listed_max; i++)
        used += (size_t)snprintf(ret_text + used, listed_max - used, "%s%s", i == 0 ? "" : ", ", names[i]);
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count] != NULL)
        count++;
    return count;
}

static int refuse_member(const char *name, const struct api_field *fields, struct error *err)
{
    const char *known[API_FIELDS_MAX] = {NULL};
    char listed[listed_max];
    size_t count = 0;
    for (; fields[count].name != NULL; count++)
        known[count] = fields[count].name;
    list_names(known, count, listed);
    return error_set(err, -EINVAL, "\"%.64s\" is unknown (known: %s)", name, count == 0 ? "nothing" : listed);
}

static int read_int(const json_t *value, const struct api_field *field, int64_t *ret_value, struct error *err)
{
    if (!json_is_integer(value) || json_integer_value(value) < field->min || json_integer_value(value) > field->max)
        return error_set(err, -EINVAL, "%s is not a whole number of %" PRId64 " to %" PRId64, field->name, field->min,
                         field->max);
    *ret_value = json_integer_value(value);
    return 0;
}

static int read_name(const json_t *value, const struct api_field *field, int64_t *ret_value, struct error *err)
{
    char listed[listed_max];
    for (size_t i = 0; json_is_string(value) && field->names[i] != NULL; i++) {
        if (strcasecmp(json_string_value(value), field->names[i]) == 0) {
            *ret_value = (int64_t)i;
            return 0;
        }
    }
    list_names(field->names, count_names(field->names), listed);
    return error_set(err, -EINVAL, "%s is none of %s", field->name, listed);
}

static int read_value(const json_t *value, const struct api_field *field, int64_t *ret_value, struct error *err)
{
    switch (field->type) {
    case API_FIELD_BOOL:
        if (!json_is_boolean(value))
            return error_set(err, -EINVAL, "%s is neither true nor false", field->name);
        *ret_value = json_is_true(value) ? 1 : 0;
        return 0;
    case API_FIELD_INT:
        return read_int(value, field, ret_value, err);
    case API_FIELD_NAME:
    default:
        return read_name(value, field, ret_value, err);
    }
}

static int read_members(json_t *root, const struct api_field *fields, int64_t values[API_FIELDS_MAX],
                        bool given[API_FIELDS_MAX], struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        size_t i = 0;
        while (fields[i].name != NULL && strcmp(fields[i].name, name) != 0)
            i++;
        if (fields[i].name == NULL)
            return refuse_member(name, fields, err);
        int rc = read_value(value, &fields[i], &values[i], err);
        if (rc < 0)
            return rc;
        given[i] = true;
    }
    return 0;
}

int api_body_read(const char *body, size_t len, const struct api_field *fields, int64_t ret_values[API_FIELDS_MAX],
                  struct error *err)
{
    int64_t values[API_FIELDS_MAX] = {0};
    bool given[API_FIELDS_MAX] = {false};
    for (size_t i = 0; fields[i].name != NULL; i++)
        values[i] = fields[i].otherwise;
    if (len > 0) {
        json_t *root = parse(body, len, err);
        int rc = root == NULL ? -EINVAL : read_members(root, fields, values, given, err);
        json_decref(root);
        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; fields[i].name != NULL; i++)
        if (fields[i].required && !given[i])
            return error_set(err, -EINVAL, "%s is missing", fields[i].name);
    memcpy(ret_values, values, sizeof(values));
    return 0;
}
