#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/command.h"

/* Commands as words of a command line. */

/* The words that are still to be read. */
struct words {
    char *const *at;
    int left;
};

static const struct argument *find_option(const struct command *c, const char *name, size_t len)
{
    const struct argument *a = NULL;
    while ((a = command_next(c, COMMAND_BY_LINE, a)) != NULL)
        if (!a->positional && strlen(a->name) == len && strncmp(a->name, name, len) == 0)
            return a;
    return NULL;
}

/* The word that was given for an argument, which was written as name. */
static int take_word(const struct command *c, const struct argument *a, const char *name, const char *word,
                     struct argument_values *values, struct error *err)
{
    size_t i = (size_t)(a - c->arguments);
    values->given[i] = true;
    return argument_read_word(a, name, word, &values->number[i], &values->text[i], err);
}

static int take_option(const struct command *c, struct words *words, struct argument_values *values, struct error *err)
{
    const char *word = *words->at++;
    const char *equals = strchr(word, '=');
    size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
    const struct argument *a = find_option(c, word + 2, len - 2);
    words->left--;
    if (a == NULL)
        return error_set(err, -EINVAL, "%s takes no \"%.60s\"", c->name, word);
    if (a->type == ARGUMENT_FLAG) {
        command_give(c, a->name, 1, NULL, values);
        return equals == NULL ? 0 : error_set(err, -EINVAL, "--%s takes no value", a->name);
    }
    if (equals == NULL && words->left == 0)
        return error_set(err, -EINVAL, "--%s needs a value", a->name);
    const char *value = equals == NULL ? *words->at++ : equals + 1;
    words->left -= equals == NULL ? 1 : 0;
    char name[ARGUMENT_ALLOWED_MAX];
    (void)snprintf(name, sizeof(name), "--%s", a->name);
    return take_word(c, a, name, value, values, err);
}

static int take_positional(const struct command *c, struct words *words, struct argument_values *values,
                           struct error *err)
{
    const char *word = *words->at++;
    const struct argument *a = NULL;
    words->left--;
    while ((a = command_next(c, COMMAND_BY_LINE, a)) != NULL)
        if (a->positional && !values->given[a - c->arguments])
            return take_word(c, a, a->name, word, values, err);
    return error_set(err, -EINVAL, "%s takes no \"%.60s\"", c->name, word);
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
    int rc = command_complete(c, COMMAND_BY_LINE, &values, err);
    if (rc == 0)
        *ret_values = values;
    return rc;
}
