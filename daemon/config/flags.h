#pragma once

#include "daemon/config/options.h"
#include "shared/error.h"

/* The command line, split; the values are not judged here. */
enum config_action {
    CONFIG_RUN,
    CONFIG_HELP,    /* --help, -h */
    CONFIG_VERSION, /* --version */
    CONFIG_SHOW,    /* --show-config */
    CONFIG_CHECK,   /* --check-config */
};

struct flags {
    enum config_action action;
    const char *text[OPTION_COUNT_MAX]; /* by row of the option table; NULL = not given; points into argv */
};

/* `--key=value`, `--key value`, `--bool`. The last one of a key counts. --help and --version end the reading. -EINVAL
 * for an unknown flag, a missing value or any other argument. */
MUST_CHECK int flags_parse(int argc, char *const argv[], struct flags *ret_flags, struct error *err);
