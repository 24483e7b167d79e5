#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pack.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The one table of control commands. The command line, the agent's checks, the help, the completion, the man page and
 * docs/control-protocol.md all read it: a new command is a row here, a handler in daemon/control/commands.c and a
 * renderer in ctl/. Constant, so any thread may read it.
 */
enum command_id {
    COMMAND_STATUS,
    COMMAND_HEALTH,
    COMMAND_JOBS,
    COMMAND_MEMBERS,
    COMMAND_CONFIG,
    COMMAND_VERSION,
    COMMAND_RESYNC,
    COMMAND_RECONCILE,
    COMMAND_STAMP,
    COMMAND_DUMP,
    COMMAND_DRAIN,
    COMMAND_UNDRAIN,
    COMMAND_LOG_LEVEL,
    COMMAND_RELOAD,
    COMMAND_DOCTOR,
    COMMAND_IDS
};

enum argument_type {
    ARGUMENT_FLAG, /* given or not; true on the wire */
    ARGUMENT_INT,  /* min..max */
    ARGUMENT_NAME, /* one of names, in any case on the command line; the number is its index */
    ARGUMENT_TEXT, /* any, up to COMMAND_TEXT_MAX bytes; "" is one */
};

struct argument {
    const char *name; /* NULL ends a command's arguments; --NAME on the command line, NAME in args */
    enum argument_type type;
    bool positional; /* on the command line without --NAME; must be given */
    bool local;      /* for proxysql-agentctl alone, never sent */
    int64_t min;
    int64_t max;
    const char *unit;         /* of an ARGUMENT_INT */
    const char *const *names; /* of an ARGUMENT_NAME; ended by NULL */
    const char *summary;
};

enum command_rights {
    COMMAND_LOOK,   /* whoever may connect */
    COMMAND_CHANGE, /* uid 0 or the agent's own */
};

enum { COMMAND_ARGUMENTS_MAX = 12, COMMAND_TEXT_MAX = 8 * 1024 };

struct command {
    const char *name;
    const char *summary;
    enum command_rights rights;
    bool is_long; /* may take longer than --timeout's default: it waits without a limit unless one is given */
    const char *on_interrupt; /* what Ctrl-C does while it waits */
    struct argument arguments[COMMAND_ARGUMENTS_MAX + 1];
};

/* COMMAND_IDS rows, indexed by enum command_id. */
extern const struct command command_table[COMMAND_IDS];

/* What was given for a command's arguments, by their index. */
struct argument_values {
    bool given[COMMAND_ARGUMENTS_MAX];
    int64_t number[COMMAND_ARGUMENTS_MAX];   /* of a flag 1, of a name its index */
    const char *text[COMMAND_ARGUMENTS_MAX]; /* of a text; borrowed from the command line or the request */
};

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

/* The known command most like this unknown one, or NULL when none is close. */
const char *command_nearest(const char *name);

enum command_id command_id_of(const struct command *command);

/* The number of a given argument, or otherwise. */
int64_t command_value(const struct command *command, const struct argument_values *values, const char *name,
                      int64_t otherwise);

/* The text of a given argument, or NULL. */
const char *command_text(const struct command *command, const struct argument_values *values, const char *name);

/* Give an argument a number or, text not NULL, a text. It must be one of the command's. */
void command_give(const struct command *command, const char *name, int64_t number, const char *text,
                  struct argument_values *values);

/* Read the words after the command's name on a command line. -EINVAL with what is wrong and what is allowed. */
MUST_CHECK int command_parse(const struct command *command, int argc, char *const argv[],
                             struct argument_values *ret_values, struct error *err);

/* Read a request's args (NULL for none). -EINVAL as above. */
struct msgpack_object;
MUST_CHECK int command_read(const struct command *command, const struct msgpack_object *args,
                            struct argument_values *ret_values, struct error *err);

/* Write the args map of a request: what was given and is not local. */
void command_pack(const struct command *command, const struct argument_values *values, struct pack *p);

enum { ARGUMENT_ALLOWED_MAX = 128 };

/* What an argument accepts, in words: "0 to 3600 seconds", "DEBUG, INFO, WARN, ERROR"; "" for a flag or a text. */
void argument_allowed(const struct argument *argument, char ret_text[ARGUMENT_ALLOWED_MAX]);

/* How an argument is written: "[--delay S]", "LEVEL". */
void argument_usage(const struct argument *argument, char ret_text[ARGUMENT_ALLOWED_MAX]);
