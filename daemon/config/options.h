#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"

/*
 * The one table of settings. The configuration file, the environment, the flags, --help, --show-config, the validation
 * and docs/configuration.md all read it: a new setting is a field in struct config and a row here. Constant, so any
 * thread may read it.
 */
enum option_type {
    OPTION_INT,       /* int64_t, min..max */
    OPTION_BOOL,      /* bool */
    OPTION_STRING,    /* char * */
    OPTION_ENUM,      /* int, one of names */
    OPTION_HOST_PORT, /* char *, "host:port" or "[v6]:port" */
    OPTION_LIST,      /* struct string_list, items separated by commas */
    OPTION_CIDR_LIST, /* the same, each item an IP network as shared/cidr.h takes it */
};

enum option_flag {
    OPTION_SECRET = 1 << 0,    /* never shown: ******** */
    OPTION_HIDDEN = 1 << 1,    /* not in --help and not in config.yaml */
    OPTION_REFERENCE = 1 << 2, /* the Go agent that this one takes the place of has it too */
    OPTION_UNUSED = 1 << 3,    /* accepted so that existing files go on working, nothing reads it */
    OPTION_TOLERANT = 1 << 4,  /* names in any case; an unknown one is a warning and the default */
    OPTION_RELOAD = 1 << 5,    /* a reload changes it in life; without it a restart is needed (see live.h) */
};

struct option_name {
    const char *name; /* NULL ends the list */
    int value;
    bool alias; /* accepted, not advertised */
};

struct option {
    const char *key; /* as in the file, levels separated by dots */
    enum option_type type;
    unsigned flags;
    size_t offset; /* of the field in struct config */
    const char *default_text;
    int64_t min; /* OPTION_INT only */
    int64_t max;
    const struct option_name *names; /* OPTION_ENUM only */
    const char *unit;                /* of an OPTION_INT, or NULL */
    const char *summary;
};

enum {
    OPTION_COUNT_MAX = 128,  /* rows in the table at most */
    OPTION_KEY_MAX = 64,     /* bytes of a key, with its NUL, at most */
    OPTION_SEGMENTS_MAX = 3, /* levels in a key at most */
    OPTION_ENV_MAX = OPTION_KEY_MAX + sizeof("AGENT_"),
    OPTION_ALLOWED_MAX = 128,
};

extern const struct option option_table[];
extern const size_t option_count;

/* The row of a key, or -1. Keys of files come in any case, those of flags do not. */
int option_find(const char *key, bool any_case);

/* The first row below a group of keys ("log" for "log.level"), or -1 when the key is no group. Any case. */
int option_find_group(const char *key);

/* The known key (or group, if groups) most like this unknown one, or NULL when none is close. The returned text is the
 * table's own; *ret_len is how much of it is meant. */
const char *option_nearest(const char *key, bool groups, size_t *ret_len);

/* The row of a variable of the environment ("AGENT_API_PORT"), or -1. */
int option_find_env(const char *name);

/* The option whose variable is most like this unknown one, or NULL when none is close. */
const struct option *option_nearest_env(const char *name);

/* "AGENT_API_PORT" of "api.port". */
void option_env_name(const struct option *option, char ret_name[OPTION_ENV_MAX]);

/* What the option accepts, in words: "1 to 65535", "core, satellite, dump". Empty when everything is. */
void option_allowed(const struct option *option, char ret_text[OPTION_ALLOWED_MAX]);
