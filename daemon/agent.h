#pragma once

#include "daemon/config/live.h"
#include "daemon/phase.h"
#include "shared/error.h"

/* The modules of one running agent. Started and stopped by the main thread. */
struct agent;

/* Start everything, HTTP first to answer from the first moment. live must outlive the agent. On failure nothing is
 * left running; the text says what to do about it. */
MUST_CHECK int agent_start(struct agent **ret_agent, struct config_live *live, struct error *err);

/* Submit a drain and wait for its end, at most its deadline. */
void agent_drain(struct agent *agent);

/* Stop everything in reverse order and free it. Bounded by what one statement may take to be cancelled. */
void agent_stop(struct agent *agent);

/* Ask for a health job and log one status record when it has ended. */
void agent_log_status(struct agent *agent);

/* Submit a reload of the settings, which logs how it went. */
void agent_reload(struct agent *agent);
