#include "ctl/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { words_max = 32, timeout_max_s = 24 * 3600 };

static const char *const output_names[] = {"table", "json", NULL};

enum { OPTION_SOCKET, OPTION_TIMEOUT, OPTION_OUTPUT, OPTION_NO_COLOR, OPTION_HELP, OPTION_VERSION, GLOBAL_OPTIONS };

const struct argument global_options[GLOBAL_OPTIONS + 1] = {
    [OPTION_SOCKET] = {.name = "socket",
                       .type = ARGUMENT_TEXT,
                       .value = "PATH",
                       .summary = "The agent's socket; else the default places are tried."},
    [OPTION_TIMEOUT] = {.name = "timeout",
                        .type = ARGUMENT_INT,
                        .min = 1,
                        .max = timeout_max_s,
                        .unit = "seconds",
                        .summary = "Wait at most so long (10; long commands: no limit)."},
    [OPTION_OUTPUT] = {.name = "output",
                       .type = ARGUMENT_NAME,
                       .names = output_names,
                       .summary = "How the answer is printed (table)."},
    [OPTION_NO_COLOR] = {.name = "no-color", .type = ARGUMENT_FLAG, .summary = "No colours, also on a terminal."},
    [OPTION_HELP] = {.name = "help", .type = ARGUMENT_FLAG, .summary = "Print help and exit."},
    [OPTION_VERSION] = {.name = "version", .type = ARGUMENT_FLAG, .summary = "Print this program's version and exit."},
};

/* The words of the command line that are no global options. */
struct words {
    char *items[words_max];
    int count;
};

/* ret_value: what follows its "=", NULL without one. */
static const struct argument *find_global(const char *word, const char **ret_value)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    size_t len = strcspn(word + 2, "=");
    *ret_value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    for (const struct argument *g = global_options; g->name != NULL; g++)
        if (strlen(g->name) == len && strncmp(g->name, word + 2, len) == 0)
            return g;
    return NULL;
}

/* value: NULL for a flag. */
static int take_global(struct options *o, const struct argument *g, const char *value, struct error *err)
{
    char name[ARGUMENT_ALLOWED_MAX];
    int64_t number = 0;
    const char *text = NULL;
    (void)snprintf(name, sizeof(name), "--%s", g->name);
    int rc = value == NULL ? 0 : argument_read_word(g, name, value, &number, &text, err);
    if (rc < 0)
        return rc;
    switch (g - global_options) {
    case OPTION_SOCKET:
        o->socket = text;
        return 0;
    case OPTION_TIMEOUT:
        o->timeout_s = number;
        return 0;
    case OPTION_OUTPUT:
        o->json = strcmp(output_names[number], "json") == 0;
        return 0;
    case OPTION_NO_COLOR:
        o->color = false;
        return 0;
    case OPTION_HELP:
        o->action = ACTION_HELP;
        return 0;
    default:
        o->action = ACTION_VERSION;
        return 0;
    }
}

static int split(int argc, char *argv[], struct options *o, struct words *words, struct error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct argument *g = find_global(argv[i], &value);
        if (g == NULL) {
            if (words->count == words_max)
                return error_set(err, -EINVAL, "too many words");
            words->items[words->count++] = argv[i];
            continue;
        }
        bool takes = g->type != ARGUMENT_FLAG;
        if (!takes && value != NULL)
            return error_set(err, -EINVAL, "--%s takes no value", g->name);
        if (takes && value == NULL && i + 1 == argc)
            return error_set(err, -EINVAL, "--%s needs a value", g->name);
        if (takes && value == NULL)
            value = argv[++i];
        int rc = take_global(o, g, value, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int unknown_command(const char *name, struct error *err)
{
    const char *nearest = command_nearest(name);
    if (nearest != NULL)
        return error_set(err, -EINVAL, "there is no command \"%.40s\"; did you mean %s?", name, nearest);
    return error_set(err, -EINVAL, "there is no command \"%.40s\"", name);
}

static int take_help(struct options *o, const struct words *words, struct error *err)
{
    o->action = ACTION_HELP;
    if (words->count < 2)
        return 0;
    o->command = command_find(words->items[1]);
    return o->command != NULL ? 0 : unknown_command(words->items[1], err);
}

static int take_completion(struct options *o, const struct words *words, struct error *err)
{
    o->action = ACTION_COMPLETION;
    const char *shell = words->count == 2 ? words->items[1] : "";
    o->shell = strcmp(shell, "zsh") == 0 ? SHELL_ZSH : SHELL_BASH;
    if (o->shell == SHELL_BASH && strcmp(shell, "bash") != 0)
        return error_set(err, -EINVAL, "completion needs a shell: bash, zsh");
    return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options, struct error *err)
{
    struct words words = {.count = 0};
    *ret_options = (struct options){.action = ACTION_COMMAND, .color = true};
    struct options *o = ret_options;
    int rc = split(argc, argv, o, &words, err);
    if (rc < 0 || o->action == ACTION_VERSION)
        return rc;
    const char *name = words.count > 0 ? words.items[0] : NULL;
    if (o->action == ACTION_HELP) { /* `status --help` is `help status` */
        o->command = name == NULL ? NULL : command_find(name);
        return 0;
    }
    if (name == NULL)
        return error_set(err, -EINVAL, "no command is given");
    if (strcmp(name, "help") == 0)
        return take_help(o, &words, err);
    if (strcmp(name, "completion") == 0)
        return take_completion(o, &words, err);
    o->command = command_find(name);
    if (o->command == NULL)
        return unknown_command(name, err);
    return command_parse(o->command, words.count - 1, words.items + 1, &o->values, err);
}
