#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/load.h"
#include "shared/buf.h"

/*
 * From one configuration of a running agent to the next: what changes in life (OPTION_RELOAD) and what waits for a
 * restart. Pure functions.
 */
struct config_changes {
    bool live[OPTION_COUNT_MAX];    /* by row: changed now */
    bool pending[OPTION_COUNT_MAX]; /* by row: differs, needs a restart */
    size_t live_count;
    size_t pending_count;
};

/* Make next what the agent may go on with after current: where a row that needs a restart differs, next gets current's
 * value and where that came from, and is marked as pending. */
void config_merge(const struct loaded_config *current, struct loaded_config *next, struct config_changes *ret_changes);

/* The keys of the marked rows, separated by commas. 0 or the error of out. */
MUST_CHECK int config_write_keys(const bool marked[OPTION_COUNT_MAX], struct buf *out);

/* A copy of current with another log.level, as a command sets it. To be freed by config_free(). */
struct loaded_config *config_with_log_level(const struct loaded_config *current, int level);
