#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/command.h"
#include "shared/error.h"

/* The command line of proxysql-agentctl. */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_UNREACHABLE = 1, /* no agent there, or none that answers in time */
    EXIT_REFUSED = 2,     /* the agent refused it, or it failed */
    EXIT_USAGE = 3,
};

enum action {
    ACTION_COMMAND,    /* send the command to the agent */
    ACTION_HELP,       /* help, --help */
    ACTION_COMPLETION, /* completion bash|zsh */
    ACTION_VERSION,    /* --version: this program's alone */
};

enum shell { SHELL_BASH, SHELL_ZSH };

struct options {
    enum action action;
    const char *socket;            /* NULL: the default places */
    int64_t timeout_s;             /* 0: not given */
    bool json;                     /* --output json */
    bool color;                    /* not --no-color */
    const struct command *command; /* of ACTION_COMMAND; of ACTION_HELP what about, NULL = all */
    struct argument_values values;
    enum shell shell; /* of ACTION_COMPLETION */
};

/* The options that go before or after any command, in the manner of a command's arguments; ended by a NULL name. */
extern const struct argument global_options[];

/* Point into argv. -EINVAL with what is wrong and what would be right. */
MUST_CHECK int options_parse(int argc, char *argv[], struct options *ret_options, struct error *err);
