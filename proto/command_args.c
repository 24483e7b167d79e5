#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proto/command.h"
#include "proto/tree.h"
#include "shared/str.h"

/* Further away than this an unknown name is no slip of the fingers. */
enum { near_edits = 2 };

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_IDS; i++)
        if (strcmp(command_table[i].name, name) == 0)
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

/* The argument of this name, or -1. len bytes of name count. */
static int find_argument(const struct command *c, const char *name, size_t len)
{
    for (int i = 0; c->arguments[i].name != NULL; i++)
        if (strlen(c->arguments[i].name) == len && strncmp(c->arguments[i].name, name, len) == 0)
            return i;
    return -1;
}

int64_t command_value(const struct command *c, const struct argument_values *values, const char *name,
                      int64_t otherwise)
{
    int i = find_argument(c, name, strlen(name));
    assert(i >= 0);
    return values->given[i] ? values->number[i] : otherwise;
}

const char *command_text(const struct command *c, const struct argument_values *values, const char *name)
{
    int i = find_argument(c, name, strlen(name));
    assert(i >= 0);
    return values->given[i] ? values->text[i] : NULL;
}

void command_give(const struct command *c, const char *name, int64_t number, const char *text,
                  struct argument_values *values)
{
    int i = find_argument(c, name, strlen(name));
    assert(i >= 0);
    values->given[i] = true;
    values->number[i] = number;
    values->text[i] = text;
}

void argument_allowed(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    size_t used = 0;
    ret_text[0] = '\0';
    if (a->type == ARGUMENT_INT)
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "%lld to %lld %s", (long long)a->min, (long long)a->max,
                       a->unit);
    for (size_t i = 0; a->type == ARGUMENT_NAME && a->names[i] != NULL && used < ARGUMENT_ALLOWED_MAX; i++)
        used += (size_t)snprintf(ret_text + used, ARGUMENT_ALLOWED_MAX - used, "%s%s", i == 0 ? "" : ", ", a->names[i]);
}

/* What stands for the value of an argument. */
static const char *argument_value(const struct argument *a)
{
    switch (a->type) {
    case ARGUMENT_INT:
        return strcmp(a->unit, "seconds") == 0 ? " S" : " N";
    case ARGUMENT_NAME:
        return " NAME";
    case ARGUMENT_TEXT:
        return " TEXT";
    case ARGUMENT_FLAG:
    default:
        return "";
    }
}

void argument_usage(const struct argument *a, char ret_text[ARGUMENT_ALLOWED_MAX])
{
    size_t used = 0;
    if (!a->positional) {
        (void)snprintf(ret_text, ARGUMENT_ALLOWED_MAX, "[--%s%s]", a->name, argument_value(a));
        return;
    }
    for (; a->name[used] != '\0' && used < ARGUMENT_ALLOWED_MAX - 1; used++)
        ret_text[used] = (char)toupper((unsigned char)a->name[used]);
    ret_text[used] = '\0';
}

static int refuse(const struct argument *a, const char *text, struct error *err)
{
    char allowed[ARGUMENT_ALLOWED_MAX];
    argument_allowed(a, allowed);
    return error_set(err, -EINVAL, "%s \"%.40s\": allowed is %s", a->name, text, allowed);
}

static int number_of_name(const struct argument *a, const char *text, int64_t *ret_number, struct error *err)
{
    for (int64_t i = 0; a->names[i] != NULL; i++) {
        if (strcasecmp(a->names[i], text) == 0) {
            *ret_number = i;
            return 0;
        }
    }
    return refuse(a, text, err);
}

static int check_text(const struct argument *a, const char *text, struct error *err)
{
    if (strlen(text) <= COMMAND_TEXT_MAX)
        return 0;
    return error_set(err, -EINVAL, "%s is longer than %d bytes", a->name, COMMAND_TEXT_MAX);
}

/* The word that was given for argument number i. */
static int take_word(const struct command *c, int i, const char *word, struct argument_values *values,
                     struct error *err)
{
    const struct argument *a = &c->arguments[i];
    switch (a->type) {
    case ARGUMENT_NAME:
        return number_of_name(a, word, &values->number[i], err);
    case ARGUMENT_TEXT:
        values->text[i] = word;
        return check_text(a, word, err);
    case ARGUMENT_FLAG:
    case ARGUMENT_INT:
    default:
        return str_to_int(word, a->min, a->max, &values->number[i]) == 0 ? 0 : refuse(a, word, err);
    }
}

/* The words of a command line that are still to be read. */
struct words {
    char *const *at;
    int left;
};

static int take_option(const struct command *c, struct words *words, struct argument_values *values, struct error *err)
{
    const char *word = words->at[0] + 2;
    const char *equals = strchr(word, '=');
    int i = find_argument(c, word, equals == NULL ? strlen(word) : (size_t)(equals - word));
    if (i < 0 || c->arguments[i].positional)
        return error_set(err, -EINVAL, "%s takes no \"%.60s\"", c->name, words->at[0]);
    const struct argument *a = &c->arguments[i];
    words->at++;
    words->left--;
    values->given[i] = true;
    values->number[i] = 1;
    if (a->type == ARGUMENT_FLAG)
        return equals == NULL ? 0 : error_set(err, -EINVAL, "--%s takes no value", a->name);
    if (equals != NULL)
        return take_word(c, i, equals + 1, values, err);
    if (words->left == 0)
        return error_set(err, -EINVAL, "--%s needs a value", a->name);
    words->left--;
    return take_word(c, i, *words->at++, values, err);
}

static int take_positional(const struct command *c, struct words *words, struct argument_values *values,
                           struct error *err)
{
    const char *word = *words->at++;
    words->left--;
    for (int i = 0; c->arguments[i].name != NULL; i++) {
        if (!c->arguments[i].positional || values->given[i])
            continue;
        values->given[i] = true;
        return take_word(c, i, word, values, err);
    }
    return error_set(err, -EINVAL, "%s takes no \"%.60s\"", c->name, word);
}

static int check_complete(const struct command *c, const struct argument_values *values, struct error *err)
{
    char allowed[ARGUMENT_ALLOWED_MAX];
    for (int i = 0; c->arguments[i].name != NULL; i++) {
        if (!c->arguments[i].positional || values->given[i])
            continue;
        argument_allowed(&c->arguments[i], allowed);
        return error_set(err, -EINVAL, "%s needs a %s: %s", c->name, c->arguments[i].name, allowed);
    }
    return 0;
}

int command_parse(const struct command *c, int argc, char *const argv[], struct argument_values *ret_values,
                  struct error *err)
{
    struct argument_values values = {.given = {false}};
    struct words words = {.at = argv, .left = argc};
    while (words.left > 0) {
        bool is_option = strncmp(words.at[0], "--", 2) == 0;
        int rc = is_option ? take_option(c, &words, &values, err) : take_positional(c, &words, &values, err);
        if (rc < 0)
            return rc;
    }
    int rc = check_complete(c, &values, err);
    if (rc == 0)
        *ret_values = values;
    return rc;
}

static int read_value(const struct argument *a, const struct msgpack_object *value, bool *ret_given,
                      int64_t *ret_number, const char **ret_text, struct error *err)
{
    const char *text = NULL;
    bool flag = false;
    switch (a->type) {
    case ARGUMENT_FLAG:
        if (!tree_is_bool(value, &flag))
            return error_set(err, -EINVAL, "%s must be a boolean", a->name);
        *ret_given = flag;
        *ret_number = flag ? 1 : 0;
        return 0;
    case ARGUMENT_INT:
        if (!tree_is_int(value, ret_number))
            return error_set(err, -EINVAL, "%s must be an integer", a->name);
        if (*ret_number < a->min || *ret_number > a->max)
            return error_set(err, -EINVAL, "%s %lld: allowed is %lld to %lld %s", a->name, (long long)*ret_number,
                             (long long)a->min, (long long)a->max, a->unit);
        *ret_given = true;
        return 0;
    case ARGUMENT_NAME:
        if (!tree_is_text(value, &text))
            return error_set(err, -EINVAL, "%s must be a text", a->name);
        *ret_given = true;
        return number_of_name(a, text, ret_number, err);
    case ARGUMENT_TEXT:
        if (!tree_is_text(value, ret_text))
            return error_set(err, -EINVAL, "%s must be a text", a->name);
        *ret_given = true;
        return check_text(a, *ret_text, err);
    }
    return 0;
}

static int read_pair(const struct command *c, const char *key, const struct msgpack_object *value,
                     struct argument_values *values, struct error *err)
{
    int i = find_argument(c, key, strlen(key));
    if (i < 0 || c->arguments[i].local)
        return error_set(err, -EINVAL, "%s of this agent (%s) takes no argument \"%.60s\"", c->name, PROJECT_VERSION,
                         key);
    return read_value(&c->arguments[i], value, &values->given[i], &values->number[i], &values->text[i], err);
}

int command_read(const struct command *c, const struct msgpack_object *args, struct argument_values *ret_values,
                 struct error *err)
{
    struct argument_values values = {.given = {false}};
    if (args != NULL && !tree_is_map(args))
        return error_set(err, -EINVAL, "args must be a map");
    for (size_t i = 0; i < tree_count(args); i++) {
        int rc = read_pair(c, tree_key(args, i), tree_value(args, i), &values, err);
        if (rc < 0)
            return rc;
    }
    int rc = check_complete(c, &values, err);
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
    pack_map_begin(p, NULL);
    for (int i = 0; c->arguments[i].name != NULL; i++)
        if (values->given[i] && !c->arguments[i].local)
            pack_argument(&c->arguments[i], values->number[i], values->text[i], p);
    pack_map_end(p);
}
