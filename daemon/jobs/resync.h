#pragma once

#include "daemon/config/config.h"
#include "daemon/queue/job_queue.h"

enum { RESYNC_DEADLINE_MS = 30 * 1000 };

/*
 * The resync job of a satellite: one pass over the cluster as its ProxySQL sees it, repairing what cluster sync cannot.
 * All cores gone: the list of the configuration file is loaded, once, then again only after 1 to 5 minutes; meanwhile
 * the addresses of core.bootstrap_hostname are asked. A core's list that cannot be pulled: it is copied. Nothing else
 * is ever written. context is a struct job_context.
 */
int resync_run(struct job *job, void *context, struct error *err);

/* What the passes remember of each other; used by one resync job at a time. */
struct resync_state;
struct resync_state *resync_state_new(void);
void resync_state_free(struct resync_state *state);
