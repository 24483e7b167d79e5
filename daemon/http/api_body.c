#include "daemon/http/api_body.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>

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

static struct argument_input input_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return (struct argument_input){.type = INPUT_BOOL, .number = json_is_true(value) ? 1 : 0};
    case JSON_INTEGER:
        return (struct argument_input){.type = INPUT_INT, .number = json_integer_value(value)};
    case JSON_STRING:
        return (struct argument_input){.type = INPUT_TEXT, .text = json_string_value(value)};
    case JSON_REAL:
        return (struct argument_input){.type = INPUT_OTHER, .text = "with a fraction or an exponent"};
    default: /* no other type is flat */
        return (struct argument_input){.type = INPUT_OTHER, .text = "null"};
    }
}

static int take_members(json_t *root, const struct command *command, struct argument_values *values, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value)
    {
        const struct argument_input input = input_of(value);
        int rc = command_take(command, COMMAND_BY_HTTP, name, &input, values, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int api_body_read(const char *body, size_t len, const struct command *command, struct api_body *ret_body,
                  struct error *err)
{
    struct api_body read = {.root = len > 0 ? parse(body, len, err) : json_object()};
    int rc = read.root == NULL ? -EINVAL : take_members(read.root, command, &read.values, err);
    if (rc == 0)
        rc = command_complete(command, COMMAND_BY_HTTP, &read.values, err);
    if (rc < 0)
        api_body_fini(&read);
    else
        *ret_body = read;
    return rc;
}

void api_body_fini(struct api_body *body)
{
    json_decref(body->root);
    body->root = NULL;
}
