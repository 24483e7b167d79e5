#pragma once

#include "daemon/queue/job_queue.h"

enum { RELOAD_DEADLINE_MS = 10 * 1000 };

/*
 * The reload job: reads the sources of the settings again, judges them as a whole, and only then replaces the snapshot
 * (daemon/config/live.h) and tells the modules that keep settings of their own: log, connection pool, scheduler, pod
 * watch. What needs a restart stays as it is and is named. Logs one line, and puts it into the summary. Touches no
 * ProxySQL. context is a struct job_context. Returns 0, or what config_load_again() refuses, with its text; then
 * nothing has changed.
 */
int reload_run(struct job *job, void *context, struct error *err);
