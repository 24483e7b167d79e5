#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/command.h"
#include "shared/str.h"

/* Finding commands and their arguments, and saying in words what these accept. */

/* Further away than this an unknown name is no slip of the fingers. */
enum { near_edits = 2 };

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_IDS; i++)
        if (strcmp(command_table[i].name, name) == 0)
            return &command_table[i];
    return NULL;
}

const struct command *command_find_http(const char *path)
{
    for (size_t i = 0; i < COMMAND_IDS; i++)
        if (command_table[i].http_path != NULL && strcmp(command_table[i].http_path, path) == 0)
            return &command_table[i];
    return NULL;
}

const char *command_nearest(const char *name)
{
    unsigned best = near_edits + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < COMMAND_IDS; i++) {
        unsigned distance = str_distance(name, command_table[i].name);
        if (distance < best) {
            best = distance;
            nearest = command_table[i].name;
        }
    }
    return nearest;
}

enum command_id command_id_of(const struct command *command)
{
    return (enum command_id)(command - command_table);
}

static bool is_known(const struct argument *a, enum command_way way)
{
    switch (a->reach) {
    case ARGUMENT_CTL:
        return way == COMMAND_BY_LINE;
    case ARGUMENT_CONTROL:
        return way != COMMAND_BY_HTTP;
    case ARGUMENT_HTTP:
        return way == COMMAND_BY_HTTP;
    case ARGUMENT_EVERYWHERE:
    default:
        return true;
    }
}

const struct argument *command_next(const struct command *c, enum command_way way, const struct argument *after)
{
    for (const struct argument *a = after == NULL ? c->arguments : after + 1; a->name != NULL; a++)
        if (is_known(a, way))
            return a;
    return NULL;
}

/* The index of an argument that must be one of the command's. */
static size_t index_of(const struct command *c, const char *name)
{
    size_t i = 0;
    while (c->arguments[i].name != NULL && strcmp(c->arguments[i].name, name) != 0)
        i++;
    assert(c->arguments[i].name != NULL);
    return i;
}

int64_t command_value(const struct command *c, const struct argument_values *values, const char *name,
                      int64_t otherwise)
{
    size_t i = index_of(c, name);
    return values->given[i] ? values->number[i] : otherwise;
}

const char *command_text(const struct command *c, const struct argument_values *values, const char *name)
{
    size_t i = index_of(c, name);
    return values->given[i] ? values->text[i] : NULL;
}

void command_give(const struct command *c, const char *name, int64_t number, const char *text,
                  struct argument_values *values)
{
    size_t i = index_of(c, name);
    values->given[i] = true;
    values->number[i] = number;
    values->text[i] = text;
}

const char *argument_name(const struct argument *a, enum command_way way)
{
    return way == COMMAND_BY_HTTP && a->http_name != NULL ? a->http_name : a->name;
}

/* "a, b, c" */
static void list_names(const struct argument *a, const char *between, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; a->names[i] != NULL && used < ARGUMENT_ALLOWED_MAX; i++)
        used +=
            (size_t)snprintf(ret_text + used, ARGUMENT_ALLOWED_MAX - used, "%s%s", i == 0 ? "" : between, a->names[i]);
}

void argument_allowed(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    ret_text[0] = '\0';
    if (a->type == ARGUMENT_INT)
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "%lld to %lld %s", (long long)a->min, (long long)a->max,
                       a->unit);
    else if (a->type == ARGUMENT_NAME)
        list_names(a, ", ", ret_text);
}

/* What stands for the value of an argument. */
static void name_value(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    const char *by_type = a->type == ARGUMENT_TEXT ? "TEXT"
                          : strcmp(a->unit == NULL ? "" : a->unit, "seconds") == 0 ? "S"
                                                                                   : "N";
    if (a->type == ARGUMENT_NAME && a->value == NULL)
        list_names(a, "|", ret_text);
    else
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "%s", a->value != NULL ? a->value : by_type);
}

void argument_usage(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    char value[ARGUMENT_ALLOWED_MAX];
    size_t used = 0;
    if (!a->positional) {
        name_value(a, value);
        bool takes = a->type != ARGUMENT_FLAG;
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "--%.40s%s%.80s", a->name, takes ? " " : "", takes ? value : "");
        return;
    }
    for (; a->name[used] != '\0' && used < ARGUMENT_ALLOWED_MAX - 1; used++)
        ret_text[used] = (char)toupper((unsigned char)a->name[used]);
    ret_text[used] = '\0';
}
