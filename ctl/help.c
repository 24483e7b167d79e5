#include "ctl/help.h"

#include "ctl/options.h"

enum { usage_arguments_max = 3 };

static size_t count_arguments(const struct command *c)
{
    size_t count = 0;
    const struct argument *a = NULL;
    while ((a = command_next(c, COMMAND_BY_LINE, a)) != NULL)
        count++;
    return count;
}

/* "proxysql-agentctl [OPTION]... status [--watch] [--interval S]" */
static int write_usage(const struct command *c, struct buf *out)
{
    char usage[ARGUMENT_ALLOWED_MAX];
    const struct argument *a = NULL;
    int rc = buf_printf(out, "proxysql-agentctl [OPTION]... %s", c->name);
    if (rc == 0 && count_arguments(c) > usage_arguments_max) /* too many for a line */
        return buf_puts(out, " [ARGUMENT]...");
    while (rc == 0 && (a = command_next(c, COMMAND_BY_LINE, a)) != NULL) {
        argument_usage(a, usage);
        rc = buf_printf(out, a->positional ? " %s" : " [%s]", usage);
    }
    return rc;
}

static int write_argument(const struct argument *a, struct buf *out)
{
    char usage[ARGUMENT_ALLOWED_MAX];
    char allowed[ARGUMENT_ALLOWED_MAX];
    argument_usage(a, usage);
    argument_allowed(a, allowed);
    int rc = buf_printf(out, "  %s\n      %s\n", usage, a->summary);
    return rc == 0 && allowed[0] != '\0' ? buf_printf(out, "      Allowed: %s.\n", allowed) : rc;
}

/* "By HTTP: POST /api/v1/drain (maintenance, delay_s, wait_s)." */
static int write_http(const struct command *c, struct buf *out)
{
    const struct argument *a = NULL;
    if (c->http_path == NULL)
        return 0;
    int rc = buf_printf(out, "By HTTP: POST %s (", c->http_path);
    while (rc == 0 && (a = command_next(c, COMMAND_BY_HTTP, a)) != NULL)
        rc = buf_printf(out, "%s%s", out->data[out->len - 1] == '(' ? "" : ", ", argument_name(a, COMMAND_BY_HTTP));
    return rc == 0 ? buf_puts(out, ").\n") : rc;
}

static int write_one(const struct command *c, struct buf *out)
{
    const struct argument *a = NULL;
    int rc = buf_puts(out, "usage: ");
    if (rc == 0)
        rc = write_usage(c, out);
    if (rc == 0)
        rc = buf_printf(out, "\n\n%s\n%s", c->summary, count_arguments(c) == 0 ? "" : "\n");
    while (rc == 0 && (a = command_next(c, COMMAND_BY_LINE, a)) != NULL)
        rc = write_argument(a, out);
    if (rc == 0)
        rc = buf_printf(out, "\nWho may: %s.\nCtrl-C: %s\n",
                        c->rights == COMMAND_LOOK ? "whoever may connect" : "uid 0 and the agent's own user",
                        c->on_interrupt);
    return rc == 0 ? write_http(c, out) : rc;
}

static int write_all(struct buf *out)
{
    int rc = buf_puts(out, "usage: proxysql-agentctl [OPTION]... COMMAND [ARGUMENT]...\n\n"
                           "Talks to the proxysql-agent on this machine.\n\n");
    for (size_t i = 0; rc == 0 && i < COMMAND_IDS; i++)
        rc = buf_printf(out, "  %-11s %s\n", command_table[i].name, command_table[i].summary);
    if (rc == 0)
        rc = buf_puts(out, "  completion  Print the completion for a shell (bash, zsh).\n"
                           "  help        Print this, or help about one command.\n\nOptions, anywhere:\n\n");
    for (const struct argument *g = global_options; rc == 0 && g->name != NULL; g++) {
        char usage[ARGUMENT_ALLOWED_MAX];
        argument_usage(g, usage);
        rc = buf_printf(out, "  %-21s %s\n", usage, g->summary);
    }
    if (rc == 0)
        rc = buf_puts(out, "\nExit status: 0 done, 1 no agent answers, 2 refused or failed, 3 wrong usage.\n");
    return rc;
}

int help_write(const struct command *command, struct buf *out)
{
    return command == NULL ? write_all(out) : write_one(command, out);
}
