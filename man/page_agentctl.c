#include "ctl/options.h"
#include "man/pages.h"
#include "man/roff.h"
#include "proto/command.h"
#include "proto/protocol.h"
#include "proto/socket_path.h"

static void write_argument(struct roff *r, const struct argument *a)
{
    char usage[ARGUMENT_ALLOWED_MAX];
    char allowed[ARGUMENT_ALLOWED_MAX];
    argument_usage(a, usage);
    argument_allowed(a, allowed);
    roff_item(r, "%s", usage);
    roff_text(r, "%s%s%s%s", a->summary, allowed[0] == '\0' ? "" : " Allowed: ", allowed,
              allowed[0] == '\0' ? "" : ".");
}

static void write_options(struct roff *r)
{
    roff_macro(r, ".SH OPTIONS");
    roff_text(r, "They may stand before or after the command.");
    for (const struct argument *g = global_options; g->name != NULL; g++)
        write_argument(r, g);
}

static void write_command(struct roff *r, const struct command *c)
{
    roff_item(r, "%s", c->name);
    roff_text(r, "%s", c->summary);
    if (c->rights == COMMAND_CHANGE)
        roff_text(r, "For uid 0 and the agent's own user.");
    if (c->http_path != NULL)
        roff_text(r, "By HTTP: POST %s.", c->http_path);
    const struct argument *a = command_next(c, COMMAND_BY_LINE, NULL);
    if (a == NULL)
        return;
    roff_macro(r, ".RS");
    for (; a != NULL; a = command_next(c, COMMAND_BY_LINE, a))
        write_argument(r, a);
    roff_macro(r, ".RE");
}

static void write_commands(struct roff *r)
{
    roff_macro(r, ".SH COMMANDS");
    for (size_t i = 0; i < COMMAND_IDS; i++)
        write_command(r, &command_table[i]);
    roff_item(r, "completion bash|zsh");
    roff_text(r, "Print what completes this program's command line in a shell: . <(proxysql-agentctl completion bash)");
    roff_item(r, "help [COMMAND]");
    roff_text(r, "Print help about all commands or one.");
}

static void write_interrupts(struct roff *r)
{
    roff_macro(r, ".SH INTERRUPTION");
    roff_text(r, "Ctrl-C ends this program at once by SIGINT (a shell shows status 130), and never what it asked the "
                 "agent for:");
    for (size_t i = 0; i < COMMAND_IDS; i++) {
        roff_item(r, "%s", command_table[i].name);
        roff_text(r, "%s", command_table[i].on_interrupt);
    }
}

static const struct roff_entry ends[] = {
    {"0", "Done."},
    {"1",
     "No agent can be reached, or none answers in time. Each socket that was tried is named, and why not: missing, "
     "refused, permission denied."},
    {"2",
     "The agent refused it, or it failed; also: health finds that the admin interface does not answer, doctor finds "
     "something broken."},
    {"3", "Wrong usage."},
};

static void write_ends(struct roff *r)
{
    roff_macro(r, ".SH EXIT STATUS");
    roff_entries(r, ends, ARRAY_LEN(ends));
    roff_macro(r, ".SH OUTPUT");
    roff_text(r, "Tables fit 80 columns. Colours and progress bars are for terminals only; NO_COLOR or --no-color turn "
                 "colours off. JSON is stable: keys are added, not changed.");
    roff_macro(r, ".SH SECURITY");
    roff_text(r, "Every process of the machine can read a command line. A presigned URL does not belong into dump "
                 "--upload-url, which warns about it, but into dump.upload_url of the agent's configuration file.");
    roff_macro(r, ".SH FILES");
    roff_item(r, "%s/agent.sock", SOCKET_RUN_FOLDER);
    roff_text(r, "The agent's socket, unless control.socket says otherwise.");
    roff_item(r, "$TMPDIR/proxysql-agent-UID/agent.sock");
    roff_text(r, "The same where the agent cannot write to /run; /tmp when TMPDIR is not set.");
    roff_macro(r, ".SH SEE ALSO");
    roff_macro(r, ".BR proxysql\\-agent (8),");
    roff_macro(r, ".BR proxysql\\-agent.yaml (5)");
}

int page_agentctl(struct buf *out)
{
    struct roff r = {.out = out};
    roff_macro(&r, ".TH PROXYSQL\\-AGENTCTL 1 \"" PAGES_DATE "\" \"proxysql\\-agent %s\"", PROJECT_VERSION);
    roff_macro(&r, ".SH NAME");
    roff_text(&r, "proxysql-agentctl - ask a proxysql-agent, and tell it what to do");
    roff_macro(&r, ".SH SYNOPSIS");
    roff_macro(&r, ".B proxysql\\-agentctl");
    roff_macro(&r, ".RI [ OPTION ]...");
    roff_macro(&r, ".I COMMAND");
    roff_macro(&r, ".RI [ ARGUMENT ]...");
    roff_macro(&r, ".SH DESCRIPTION");
    roff_text(&r,
              "Talks to the agent of this machine (this container) over its unix socket, in version %d of its control "
              "protocol. What it shows has its age; what it does goes through the agent's one job queue.",
              PROTOCOL_VERSION);
    write_options(&r);
    write_commands(&r);
    write_interrupts(&r);
    write_ends(&r);
    return r.error;
}
