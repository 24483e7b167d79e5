#pragma once

#include <stdbool.h>

#include "shared/compiler.h"
#include "tests/fakes/proxysql/database.h"

/*
 * ProxySQL's configuration modules: what LOAD and SAVE copy between memory, runtime and disk, and the version, epoch
 * and checksum that the cluster compares. One table, modules.c, holds them. Used only inside the gate.
 */

/* The first load at start: every module becomes version 1 with epoch = now. */
void modules_start(struct database *db);

enum modules_result { MODULES_NOT_MINE, MODULES_DONE, MODULES_DONE_VARIABLES };

/* Execute command if it is a LOAD or SAVE of a known module; blanks in it are single. MODULES_DONE_VARIABLES: runtime
 * variables were replaced, the caller looks at them again. */
MUST_CHECK enum modules_result modules_command(struct database *db, const char *command);
