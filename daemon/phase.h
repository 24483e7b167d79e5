#pragma once

#include <stdbool.h>

/*
 * Where the agent is in its life. Set by the agent and the drain job, read by everybody; it moves forward, but for a
 * maintenance that is over.
 * Thread-safe without a lock.
 */
enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_DRAINING, PHASE_STOPPING, PHASE_STOPPED };

struct phase_state {
    _Atomic int current;
};

void phase_init(struct phase_state *p);

/* Move forward; a step back changes nothing. True when this call made the step. */
bool phase_advance(struct phase_state *p, enum phase next);

/* From PHASE_DRAINING back to PHASE_RUNNING; in any other phase nothing changes. True when this call made the step. */
bool phase_return(struct phase_state *p);

enum phase phase_get(const struct phase_state *p);

/* "starting", "running", "draining", "stopping", "stopped" */
const char *phase_name(enum phase phase);
