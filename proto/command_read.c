#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/command.h"
#include "proto/tree.h"
#include "shared/str.h"

/* Values of arguments, whatever they were written in: one check and one text for what is wrong. */
enum { input_shown_max = 64, known_listed_max = 128 };

/* The same as argument_allowed(), and also for what that has no words for. */
static void describe(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    argument_allowed(a, ret_text);
    if (a->type == ARGUMENT_FLAG)
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "true, false");
    else if (a->type == ARGUMENT_TEXT)
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "a text of %d bytes at most", COMMAND_TEXT_MAX);
}

/* 'delay "9" is a text: allowed is 0 to 3600 seconds' */
static int refuse(const struct argument *a, const char *name, const struct argument_input *input, bool is_type,
                  struct error *err)
{
    static const char *const types[] = {
        [INPUT_BOOL] = " is a boolean", [INPUT_INT] = " is a number", [INPUT_TEXT] = " is a text", [INPUT_OTHER] = ""};
    char allowed[ARGUMENT_ALLOWED_MAX];
    char value[input_shown_max];
    describe(a, allowed);
    if (input->type == INPUT_TEXT)
        (void)snprintf(value, sizeof(value), "\"%.40s\"", input->text);
    else if (input->type == INPUT_INT)
        (void)snprintf(value, sizeof(value), "%lld", (long long)input->number);
    else
        (void)snprintf(value, sizeof(value), "%.40s",
                       input->type == INPUT_OTHER ? input->text
                       : input->number != 0       ? "true"
                                                  : "false");
    return error_set(err, -EINVAL, "%s %s%s: allowed is %s", name, value, is_type ? "" : types[input->type], allowed);
}

static int read_name(const struct argument *a, const char *name, const struct argument_input *input,
                     int64_t *ret_number, struct error *err)
{
    for (int64_t i = 0; a->names[i] != NULL; i++) {
        if (strcasecmp(a->names[i], input->text) == 0) {
            *ret_number = i;
            return 0;
        }
    }
    return refuse(a, name, input, true, err);
}

static int read_text(const char *name, const char *text, const char **ret_text, struct error *err)
{
    if (strlen(text) > COMMAND_TEXT_MAX)
        return error_set(err, -EINVAL, "%s is longer than %d bytes", name, COMMAND_TEXT_MAX);
    *ret_text = text;
    return 0;
}

static int read_input(const struct argument *a, const char *name, const struct argument_input *input,
                      int64_t *ret_number, const char **ret_text, struct error *err)
{
    static const enum input_type wanted[] = {[ARGUMENT_FLAG] = INPUT_BOOL,
                                             [ARGUMENT_INT] = INPUT_INT,
                                             [ARGUMENT_NAME] = INPUT_TEXT,
                                             [ARGUMENT_TEXT] = INPUT_TEXT};
    if (input->type != wanted[a->type])
        return refuse(a, name, input, false, err);
    if (a->type == ARGUMENT_NAME)
        return read_name(a, name, input, ret_number, err);
    if (a->type == ARGUMENT_TEXT)
        return read_text(name, input->text, ret_text, err);
    if (a->type == ARGUMENT_INT && (input->number < a->min || input->number > a->max))
        return refuse(a, name, input, true, err);
    *ret_number = input->number;
    return 0;
}

int argument_read_word(const struct argument *a, const char *name, const char *word, int64_t *ret_number,
                       const char **ret_text, struct error *err)
{
    const struct argument_input input = {.type = INPUT_TEXT, .text = word};
    if (a->type == ARGUMENT_INT)
        return str_to_int(word, a->min, a->max, ret_number) == 0 ? 0 : refuse(a, name, &input, true, err);
    return read_input(a, name, &input, ret_number, ret_text, err);
}

/* --- requests */

static int refuse_unknown(const struct command *c, enum command_way way, const char *name, struct error *err)
{
    char known[known_listed_max] = "";
    size_t used = 0;
    const struct argument *a = NULL;
    while ((a = command_next(c, way, a)) != NULL && used < sizeof(known))
        used +=
            (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used == 0 ? "" : ", ", argument_name(a, way));
    return error_set(err, -EINVAL, "%s of this agent (%s) takes no \"%.40s\"; it takes %s", c->name, PROJECT_VERSION,
                     name, known[0] == '\0' ? "no argument" : known);
}

int command_take(const struct command *c, enum command_way way, const char *name, const struct argument_input *input,
                 struct argument_values *values, struct error *err)
{
    const struct argument *a = NULL;
    while ((a = command_next(c, way, a)) != NULL && strcmp(argument_name(a, way), name) != 0) {
    }
    if (a == NULL)
        return refuse_unknown(c, way, name, err);
    size_t i = (size_t)(a - c->arguments);
    int rc = read_input(a, name, input, &values->number[i], &values->text[i], err);
    if (rc == 0) /* a flag that is false is not given */
        values->given[i] = a->type != ARGUMENT_FLAG || values->number[i] != 0;
    return rc;
}

int command_complete(const struct command *c, enum command_way way, const struct argument_values *values,
                     struct error *err)
{
    char allowed[ARGUMENT_ALLOWED_MAX];
    const struct argument *a = NULL;
    while ((a = command_next(c, way, a)) != NULL) {
        if (!a->positional || values->given[a - c->arguments])
            continue;
        describe(a, allowed);
        return error_set(err, -EINVAL, "%s needs a %s: %s", c->name, argument_name(a, way), allowed);
    }
    return 0;
}

static struct argument_input input_of(const struct msgpack_object *value)
{
    struct argument_input input = {.type = INPUT_OTHER, .text = "null"};
    bool flag = false;
    if (tree_is_int(value, &input.number))
        input.type = INPUT_INT;
    else if (tree_is_text(value, &input.text))
        input.type = INPUT_TEXT;
    else if (tree_is_bool(value, &flag))
        input = (struct argument_input){.type = INPUT_BOOL, .number = flag ? 1 : 0};
    else if (!tree_is_nil(value))
        input.text = tree_is_map(value) ? "map" : tree_is_array(value) ? "array" : "text with a NUL";
    return input;
}

static bool came_before(const struct msgpack_object *args, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(tree_key(args, i), tree_key(args, index)) == 0)
            return true;
    return false;
}

int command_read(const struct command *c, const struct msgpack_object *args, struct argument_values *ret_values,
                 struct error *err)
{
    struct argument_values values = {.given = {false}};
    int rc = 0;
    if (args != NULL && !tree_is_map(args))
        return error_set(err, -EINVAL, "args must be a map");
    for (size_t i = 0; rc == 0 && i < tree_count(args); i++) {
        const struct argument_input input = input_of(tree_value(args, i));
        if (came_before(args, i))
            return error_set(err, -EINVAL, "\"%.60s\" is given twice", tree_key(args, i));
        rc = command_take(c, COMMAND_BY_CONTROL, tree_key(args, i), &input, &values, err);
    }
    if (rc == 0)
        rc = command_complete(c, COMMAND_BY_CONTROL, &values, err);
    if (rc == 0)
        *ret_values = values;
    return rc;
}

static void pack_argument(const struct argument *a, int64_t number, const char *text, struct pack *p)
{
    switch (a->type) {
    case ARGUMENT_FLAG:
        pack_bool(p, a->name, true);
        return;
    case ARGUMENT_INT:
        pack_int(p, a->name, number);
        return;
    case ARGUMENT_NAME:
        pack_str(p, a->name, a->names[number]);
        return;
    case ARGUMENT_TEXT:
        pack_str(p, a->name, text);
        return;
    }
}

void command_pack(const struct command *c, const struct argument_values *values, struct pack *p)
{
    const struct argument *a = NULL;
    pack_map_begin(p, NULL);
    while ((a = command_next(c, COMMAND_BY_CONTROL, a)) != NULL)
        if (values->given[a - c->arguments])
            pack_argument(a, values->number[a - c->arguments], values->text[a - c->arguments], p);
    pack_map_end(p);
}
