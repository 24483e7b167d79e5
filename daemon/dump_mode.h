#pragma once

#include "daemon/config/live.h"

/*
 * run_mode dump: one dump and the end. It listens on nothing, does not touch the draining file and does not wait for
 * start_delay. SIGTERM, SIGINT and SIGQUIT stop it.
 *
 * Returns the process's exit status: 0 when everything was dumped (and uploaded).
 */
int dump_mode_run(struct config_live *live);
