#include "daemon/config/flags.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/option_value.h"
#include "shared/str.h"

static const struct {
    const char *name;
    enum config_action action;
} actions[] = {
    {"help", CONFIG_HELP},
    {"version", CONFIG_VERSION},
    {"show-config", CONFIG_SHOW},
    {"check-config", CONFIG_CHECK},
};

struct reader {
    int argc;
    char *const *argv;
    int next;
    bool after_secret; /* the argument before belonged to a secret option */
    struct flags *flags;
    struct error *err;
};

static int refuse_argument(struct reader *reader, const char *text)
{
    char shown[OPTION_SHOWN_MAX] = "after a secret";
    if (!reader->after_secret)
        option_quote(text, shown);
    return error_set(reader->err, -EINVAL, "unexpected argument %s (settings are given as --key=value)", shown);
}

/* flag with its dashes */
static int refuse_flag(struct reader *reader, const char *flag)
{
    char shown[OPTION_SHOWN_MAX];
    option_quote(flag, shown);
    size_t near_len = 0;
    const char *near = option_nearest(flag + strspn(flag, "-"), false, &near_len);
    if (near == NULL)
        return error_set(reader->err, -EINVAL, "unknown flag %s (--help lists them)", shown);
    return error_set(reader->err, -EINVAL, "unknown flag %s (is --%.*s meant?)", shown, (int)near_len, near);
}

/* `--help`, `--help=true`; *ret_found is false when name is no action. */
static int read_action(struct reader *reader, const char *name, const char *value, bool *ret_found)
{
    *ret_found = false;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (strcmp(actions[i].name, name) != 0)
            continue;
        *ret_found = true;
        bool wanted = true;
        if (value != NULL && str_to_bool(value, &wanted) < 0)
            return error_set(reader->err, -EINVAL, "flag --%s: takes no value", name);
        if (wanted)
            reader->flags->action = actions[i].action;
        return 0;
    }
    return 0;
}

static int read_option(struct reader *reader, const char *flag, const char *value)
{
    int row = option_find(flag + strlen("--"), false);
    if (row < 0)
        return refuse_flag(reader, flag);
    if (value == NULL && option_table[row].type == OPTION_BOOL)
        value = "true";
    if (value == NULL && reader->next < reader->argc)
        value = reader->argv[reader->next++];
    if (value == NULL)
        return error_set(reader->err, -EINVAL, "flag %s: needs a value", flag);
    reader->after_secret = (option_table[row].flags & OPTION_SECRET) != 0;
    reader->flags->text[row] = value;
    return 0;
}

static int read_argument(struct reader *reader, const char *text)
{
    if (strcmp(text, "-h") == 0)
        text = "--help";
    if (text[0] != '-' || text[1] == '\0')
        return refuse_argument(reader, text);
    size_t name_len = strcspn(text, "=");
    const char *value = text[name_len] == '=' ? text + name_len + 1 : NULL;
    char flag[OPTION_KEY_MAX];
    (void)snprintf(flag, sizeof(flag), "%.*s", (int)name_len, text);
    if (strncmp(flag, "--", 2) != 0 || name_len == 2 || name_len >= sizeof(flag))
        return refuse_flag(reader, flag);
    bool found;
    int rc = read_action(reader, flag + strlen("--"), value, &found);
    return rc < 0 || found ? rc : read_option(reader, flag, value);
}

int flags_parse(int argc, char *const argv[], struct flags *ret_flags, struct error *err)
{
    struct flags flags = {.action = CONFIG_RUN};
    struct reader reader = {.argc = argc, .argv = argv, .next = 1, .flags = &flags, .err = err};
    while (reader.next < argc && flags.action != CONFIG_HELP && flags.action != CONFIG_VERSION) {
        int rc = read_argument(&reader, argv[reader.next++]);
        if (rc < 0)
            return rc;
    }
    *ret_flags = flags;
    return 0;
}
