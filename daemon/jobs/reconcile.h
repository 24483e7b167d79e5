#pragma once

#include "daemon/queue/job_queue.h"

enum { RECONCILE_DEADLINE_MS = 30 * 1000 };

/*
 * The reconcile job of a core: one pass that compares the members that should be (the core pods) with those that are
 * (runtime_proxysql_servers) and writes only the difference: memory is brought to the wanted rows, one LOAD, runtime is
 * read back. A difference that no recent event of the pod watch explains is acted on only after a fresh list of the
 * pods. A row that dns or static do not name goes later than that (departures.h). Without a difference there is one
 * reason for a LOAD: a satellite became Running since the last one; at most one per core.accept_interval. With leader
 * election a follower does none of this; it only introduces itself (introduction_note). context is a struct
 * job_context.
 */
int reconcile_run(struct job *job, void *context, struct error *err);

/* What the passes remember of each other; used by one reconcile job at a time. */
struct reconcile_state;
struct reconcile_state *reconcile_state_new(void);
void reconcile_state_free(struct reconcile_state *state);
