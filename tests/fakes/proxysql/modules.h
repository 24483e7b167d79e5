#pragma once

#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/node.h"

/*
 * ProxySQL's configuration modules: what LOAD and SAVE copy between configuration file, disk, memory and runtime, and
 * the version, epoch and checksum that the cluster compares. One table, modules.c, holds them. Used only inside the
 * gate.
 */

/* What memory begins with: the disk if it existed, else the configuration file, which is then saved to disk
 * (lib/ProxySQL_Admin.cpp, init). Fails when the file is broken. */
MUST_CHECK int modules_read(struct node *node, struct error *err);

/* Copy all of memory to disk. */
void modules_save(struct node *node);

/* The first load at start: every module becomes version 1 with epoch = now. */
void modules_start(struct node *node);

enum modules_result { MODULES_NOT_MINE, MODULES_DONE, MODULES_FAILED };

/* Execute command if it is a LOAD or SAVE of a known module; blanks in it are single. */
MUST_CHECK enum modules_result modules_command(struct node *node, const char *command, uint64_t *ret_rows,
                                               struct error *err);

/* How a node takes over a module from a peer. */
struct modules_pull {
    const char *query;  /* what the peer is asked; its rows are those that the checksum covers */
    const char *clear;  /* empties the place in memory */
    const char *insert; /* "INSERT ... VALUES": the query's columns are to follow */
    const char *finish; /* after the last row */
};

/* By checksum_names' position; NULL for one that is never pulled by itself. The pointer stays good. */
const struct modules_pull *modules_pull(int which);

/* Memory holds what was pulled: load it with the peer's epoch, and save it to disk. */
void modules_load_pulled(struct node *node, int which, const struct checksum *from_peer, bool save_to_disk);
