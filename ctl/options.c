#include "ctl/options.h"

#include <errno.h>
#include <string.h>

#include "shared/str.h"

enum { words_max = 32, timeout_max_s = 24 * 3600 };

const struct global_option global_options[] = {
    {"socket", "PATH", "The agent's socket; else the default places are tried."},
    {"timeout", "S", "Wait at most so long (10; long commands: no limit)."},
    {"output", "table|json", "How the answer is printed (table)."},
    {"no-color", NULL, "No colours, also on a terminal."},
    {"help", NULL, "Print help and exit."},
    {"version", NULL, "Print this program's version and exit."},
    {NULL, NULL, NULL},
};

/* The words of the command line that are no global options. */
struct words {
    char *items[words_max];
    int count;
};

static const struct global_option *find_global(const char *word, const char **ret_value)
{
    if (strcmp(word, "-h") == 0)
        word = "--help";
    if (strncmp(word, "--", 2) != 0)
        return NULL;
    size_t len = strcspn(word + 2, "=");
    *ret_value = word[2 + len] == '=' ? word + 2 + len + 1 : NULL;
    for (const struct global_option *g = global_options; g->name != NULL; g++)
        if (strlen(g->name) == len && strncmp(g->name, word + 2, len) == 0)
            return g;
    return NULL;
}

static int take_output(struct options *o, const char *value, struct error *err)
{
    o->json = strcmp(value, "json") == 0;
    if (!o->json && strcmp(value, "table") != 0)
        return error_set(err, -EINVAL, "--output \"%.40s\": allowed is table, json", value);
    return 0;
}

static int take_global(struct options *o, const struct global_option *g, const char *value, struct error *err)
{
    if (strcmp(g->name, "socket") == 0)
        o->socket = value;
    else if (strcmp(g->name, "output") == 0)
        return take_output(o, value, err);
    else if (strcmp(g->name, "no-color") == 0)
        o->color = false;
    else if (strcmp(g->name, "help") == 0)
        o->action = ACTION_HELP;
    else if (strcmp(g->name, "version") == 0)
        o->action = ACTION_VERSION;
    else if (str_to_int(value, 1, timeout_max_s, &o->timeout_s) < 0)
        return error_set(err, -EINVAL, "--timeout \"%.40s\": allowed is 1 to %d seconds", value, timeout_max_s);
    return 0;
}

static int split(int argc, char *argv[], struct options *o, struct words *words, struct error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        const struct global_option *g = find_global(argv[i], &value);
        if (g == NULL) {
            if (words->count == words_max)
                return error_set(err, -EINVAL, "too many words");
            words->items[words->count++] = argv[i];
            continue;
        }
        if (g->value == NULL && value != NULL)
            return error_set(err, -EINVAL, "--%s takes no value", g->name);
        if (g->value != NULL && value == NULL && i + 1 == argc)
            return error_set(err, -EINVAL, "--%s needs a value: %s", g->name, g->value);
        if (g->value != NULL && value == NULL)
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
