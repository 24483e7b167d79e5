#pragma once

#include "daemon/config/load.h"

/*
 * The settings of a running agent, which a reload replaces. A snapshot of them never changes, is shared by reference
 * count and freed when the last one who holds it gives it back. How settings are read:
 *
 * - A job reads `c->config` of the struct job_context that it was given: one snapshot, held for the job's duration.
 * - Everybody else takes a snapshot when it needs one and gives it back soon:
 *       cleanup_config const struct config *config = config_live_get(live);
 *   Not for long (a snapshot held is a reload unseen), and no pointer into it is kept: strings are copied.
 * - What a module copied when it started does not change by itself: either daemon/jobs/reload.c tells it the new value,
 *   or the option has no OPTION_RELOAD flag (options.h) and needs a restart.
 *
 * All functions are thread-safe; the lock is held for a pointer's copy only.
 */
struct CAPABILITY("config change") config_live;

/* Takes loaded. Never fails. */
struct config_live *config_live_new(struct loaded_config *loaded);

/* Snapshots that somebody still holds stay valid. NULL is fine. */
void config_live_free(struct config_live *live);

/* The settings as of now; give them back with config_live_put(). */
const struct config *config_live_get(struct config_live *live);

/* NULL is fine. */
void config_live_put(const struct config *config);

/* The whole of a snapshot, with where each value came from; valid as long as the snapshot is held. */
const struct loaded_config *config_live_loaded(const struct config *config);

/* For who replaces the settings by others that are made from them: nobody else does between begin and end. Begin
 * returns what is current; end takes next, which whoever takes a snapshot from then on gets. Short: no input, no
 * output. */
const struct loaded_config *config_live_change_begin(struct config_live *live) ACQUIRE(live);
void config_live_change_end(struct config_live *live, struct loaded_config *next) RELEASE(live);

/* The command log-level: settings and log have this level until the next reload. */
void config_live_set_log_level(struct config_live *live, enum log_level level);

static inline void cleanup_config_run(const struct config **config)
{
    config_live_put(*config);
}

/* A local snapshot that is given back at the end of its scope. */
#define cleanup_config __attribute__((cleanup(cleanup_config_run)))
