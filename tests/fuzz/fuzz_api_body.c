/*
 * The body of a POST to /api/v1, read as each command that has one.
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

static size_t count_names(const struct argument *a)
{
    size_t count = 0;
    while (a->names[count] != NULL)
        count++;
    return count;
}

static void check_value(const struct argument *a, int64_t value)
{
    assert(a->type != ARGUMENT_TEXT); /* there is none by HTTP, and write_value() knows none */
    if (a->type == ARGUMENT_INT)
        assert(value >= a->min && value <= a->max);
    else if (a->type == ARGUMENT_FLAG)
        assert(value == 1);
    else
        assert(value >= 0 && value < (int64_t)count_names(a));
}

static size_t write_value(char *text, size_t size, const struct argument *a, int64_t value)
{
    int len = 0;
    const char *name = argument_name(a, COMMAND_BY_HTTP);
    if (a->type == ARGUMENT_INT)
        len = snprintf(text, size, "\"%s\":%" PRId64, name, value);
    else if (a->type == ARGUMENT_FLAG)
        len = snprintf(text, size, "\"%s\":true", name);
    else
        len = snprintf(text, size, "\"%s\":\"%s\"", name, a->names[value]);
    assert(len > 0 && (size_t)len < size);
    return (size_t)len;
}

static void check_taken(const struct command *c, const struct argument_values *values)
{
    char text[256] = "{";
    size_t len = 1;
    struct error err = ERROR_INIT;
    cleanup_api_body struct api_body again = {.root = NULL};
    for (size_t i = 0; c->arguments[i].name != NULL; i++) {
        const struct argument *a = &c->arguments[i];
        if (!values->given[i])
            continue;
        assert(a->reach == ARGUMENT_EVERYWHERE || a->reach == ARGUMENT_HTTP);
        check_value(a, values->number[i]);
        if (len > 1)
            text[len++] = ',';
        len += write_value(text + len, sizeof(text) - len - 2, a, values->number[i]);
    }
    text[len++] = '}';
    int rc = api_body_read(text, len, c, &again, &err);
    assert(rc == 0);
    for (size_t i = 0; c->arguments[i].name != NULL; i++)
        assert(again.values.given[i] == values->given[i] &&
               (!values->given[i] || again.values.number[i] == values->number[i]));
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

static void try_command(const struct command *c, const char *body, size_t len)
{
    struct api_body read = {.values.number = {untouched}};
    struct error err = ERROR_INIT;
    int rc = api_body_read(body, len, c, &read, &err);
    if (rc == 0) {
        check_taken(c, &read.values);
        api_body_fini(&read);
    } else {
        assert(rc == -EINVAL && err.text[0] != '\0');
        assert(read.root == NULL && read.values.number[0] == untouched);
    }
    check_flat(body, len, err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < COMMAND_IDS; i++)
        if (command_table[i].http_path != NULL)
            try_command(&command_table[i], (const char *)data, size);
    return 0;
}
