#pragma once

#include "daemon/config/live.h"
#include "daemon/phase.h"
#include "shared/error.h"

/* The modules of one running agent. Started and stopped by the main thread. */
struct agent;

/* Start everything, HTTP first to answer from the first moment. live must outlive the agent. On failure nothing is
 * left running; the text says what to do about it. */
MUST_CHECK int agent_start(struct agent **ret_agent, struct config_live *live, struct error *err);

/* Ask for a drain that ends in the agent's stop; `by` is for the log, now: leave out what is left to wait for. What
 * becomes of it is told like every such drain's end: the process gets the signal agent_stop_signal() when it has ended
 * and agent_stop() is due. An error says why there will be none. */
MUST_CHECK int agent_drain(struct agent *agent, const char *by, bool now, struct error *err);

/* A drain goes on (or has ended) that ends in the agent's stop. */
bool agent_is_stopping(struct agent *agent);

/* A real-time signal, of which only the main thread hears. */
int agent_stop_signal(void);

/* How the drain ended that asked for the stop: false when it did not do what it should. */
bool agent_drained_well(struct agent *agent);

/* Stop everything in reverse order and free it. Bounded by what one statement may take to be cancelled. */
void agent_stop(struct agent *agent);

/* Ask ProxySQL how it is and how its cluster is, then log the status, a record for each subject. */
void agent_log_status(struct agent *agent);

/* Submit a reload of the settings, which logs how it went. */
void agent_reload(struct agent *agent);
