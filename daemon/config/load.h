#pragma once

#include "daemon/config/config.h"
#include "daemon/config/flags.h"
#include "daemon/config/options.h"
#include "daemon/config/warnings.h"
#include "shared/error.h"

/*
 * The configuration from all its sources: defaults < file < environment < flags. The file is the one that
 * AGENT_CONFIG_FILE names, else the first of config.yaml, config.yml, config in /etc/proxysql-agent, then in the
 * working folder; only the named one must exist. Every value that is given is judged, also one that a later source
 * replaces.
 */
enum config_source {
    CONFIG_FROM_DEFAULT,
    CONFIG_FROM_FILE,
    CONFIG_FROM_ENVIRONMENT,
    CONFIG_FROM_FLAG,
    CONFIG_FROM_COMMAND, /* changed in life, until the next reload or restart */
};

/* Where a configuration is loaded from; borrowed from the caller of config_load() for as long as it may be loaded
 * again.
 */
struct config_sources {
    const char *const *folders; /* default ones, NULL at the end */
    int argc;
    char *const *argv;
    char *const *environment; /* as environ(7) */
};

struct loaded_config {
    enum config_action action; /* what the command line asks for */
    struct config config;
    struct config_warnings warnings; /* to be logged once logging is configured */
    char *file;                      /* the file that was read, or NULL */
    struct config_sources sources;
    _Atomic unsigned holders; /* live.c's: how many hold it as a snapshot */
    struct {
        enum config_source source;
        size_t line;            /* in the file */
        bool pending;           /* the sources say something else by now, which needs a restart */
    } origin[OPTION_COUNT_MAX]; /* by row of the option table */
};

/* Load everything. environment is as environ(7). For --help and --version nothing but the flags is read. The result is
 * freed by config_free(). A negative code with one complete message (source, key, value, what is allowed) when
 * something is refused. */
MUST_CHECK int config_load(int argc, char *const argv[], char *const environment[], struct loaded_config **ret_loaded,
                           struct error *err);

/* The same with other default folders (ended by NULL), for tests. */
MUST_CHECK int config_load_from(const char *const folders[], int argc, char *const argv[], char *const environment[],
                                struct loaded_config **ret_loaded, struct error *err);

/* The same sources again. A file that is gone is refused as well: an agent that runs does not fall back to defaults. */
MUST_CHECK int config_load_again(const struct loaded_config *before, struct loaded_config **ret_loaded,
                                 struct error *err);

/* NULL is allowed. */
void config_free(struct loaded_config *loaded);
