#pragma once

#include "daemon/config/config.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * run_mode dump beside a running agent: that one dumps, so that one dump at a time, and none while draining, holds for
 * everybody. It is asked over its control socket (control.socket, else the default places) and does what these settings
 * say; with dump.output it writes into a pipe that is passed on to standard output. The agent's upload.* settings count
 * for uploads, and its folders.
 */
enum { DUMP_ASK_NOBODY = 1 };

/* Ask and wait for the end; what it says is logged. 0; DUMP_ASK_NOBODY: there is no agent, or none that dumps this
 * ProxySQL for us (then why is logged), dump yourself; -EBUSY and the like: it refuses, or its dump failed. */
MUST_CHECK int dump_ask(const struct config *config, struct error *err);
