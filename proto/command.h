#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/pack.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The one table of commands, whatever way they come: the command line, the control protocol, POST /api/v1/. The agent's
 * checks of both, the routes, the help, the completion and the man page read it: a new command is a row here, a
 * renderer in ctl/, and a row in daemon/commands/ when it starts a job, else a handler in daemon/control/. Constant, so
 * any thread may read it.
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

/* The ways on which a command comes. */
enum command_way {
    COMMAND_BY_LINE,    /* the command line of proxysql-agentctl */
    COMMAND_BY_CONTROL, /* a request on the control socket */
    COMMAND_BY_HTTP,    /* the body of a POST */
};

/* Which ways know an argument. */
enum argument_reach {
    ARGUMENT_EVERYWHERE,
    ARGUMENT_CTL,     /* the command line alone, never sent */
    ARGUMENT_CONTROL, /* the command line and the control protocol */
    ARGUMENT_HTTP,    /* HTTP alone */
};

struct argument {
    const char *name; /* NULL ends a list of arguments; --NAME on the command line, NAME in args */
    enum argument_type type;
    enum argument_reach reach;
    bool positional; /* on the command line without --NAME; must be given on every way */
    int64_t min;
    int64_t max;
    const char *unit;         /* of an ARGUMENT_INT */
    const char *const *names; /* of an ARGUMENT_NAME; ended by NULL */
    const char *value;        /* what stands for its value in help; NULL: by its type */
    const char *http_name;    /* in a body; NULL: the same name */
    const char *summary;
};

enum command_rights {
    COMMAND_LOOK,   /* whoever may connect */
    COMMAND_CHANGE, /* uid 0 or the agent's own */
};

enum { COMMAND_ARGUMENTS_MAX = 12, COMMAND_TEXT_MAX = 8 * 1024, COMMAND_WAIT_MAX_S = 3600 };

struct command {
    const char *name;
    const char *summary;
    enum command_rights rights;
    bool is_long; /* may take longer than --timeout's default: it waits without a limit unless one is given */
    const char *on_interrupt; /* what Ctrl-C does while it waits */
    const char *http_path;    /* of its POST; NULL: not by HTTP */
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

/* The command whose POST has this path, or NULL. */
const struct command *command_find_http(const char *path);

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

/* The argument after this one (NULL: the first) that this way knows, or NULL. */
const struct argument *command_next(const struct command *command, enum command_way way, const struct argument *after);

/* Read the words after the command's name on a command line. -EINVAL with what is wrong and what is allowed. */
MUST_CHECK int command_parse(const struct command *command, int argc, char *const argv[],
                             struct argument_values *ret_values, struct error *err);

/* A value as it came, whatever it was written in. */
enum input_type { INPUT_BOOL, INPUT_INT, INPUT_TEXT, INPUT_OTHER };
struct argument_input {
    enum input_type type;
    int64_t number;   /* of a boolean 0 or 1 */
    const char *text; /* of INPUT_OTHER what it is, in words: "null" */
};

/* Take one named value of a request; its text is borrowed. -EINVAL: the command has no such argument on this way, or
 * not this value. */
MUST_CHECK int command_take(const struct command *command, enum command_way way, const char *name,
                            const struct argument_input *input, struct argument_values *values, struct error *err);

/* Everything was taken: is something missing? -EINVAL. */
MUST_CHECK int command_complete(const struct command *command, enum command_way way,
                                const struct argument_values *values, struct error *err);

/* Read a request's args (NULL for none) from the control protocol. -EINVAL as above. */
struct msgpack_object;
MUST_CHECK int command_read(const struct command *command, const struct msgpack_object *args,
                            struct argument_values *ret_values, struct error *err);

/* Write the args map of a request: what was given and is to be sent. */
void command_pack(const struct command *command, const struct argument_values *values, struct pack *p);

/* Read a word of a command line as the value of an argument; name is how the argument was given there: "--delay".
 * -EINVAL. */
MUST_CHECK int argument_read_word(const struct argument *argument, const char *name, const char *word,
                                  int64_t *ret_number, const char **ret_text, struct error *err);

/* How this way calls an argument. */
const char *argument_name(const struct argument *argument, enum command_way way);

enum { ARGUMENT_ALLOWED_MAX = 128 };

/* What an argument accepts, in words: "0 to 3600 seconds", "DEBUG, INFO, WARN, ERROR"; "" for a flag or a text. */
void argument_allowed(const struct argument *argument, char ret_text[ARGUMENT_ALLOWED_MAX]);

/* How an argument is written on the command line: "--delay S", "LEVEL". */
void argument_usage(const struct argument *argument, char ret_text[ARGUMENT_ALLOWED_MAX]);
