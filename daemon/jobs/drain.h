#pragma once

#include "daemon/queue/job_queue.h"

/* From submission to the end, in milliseconds. */
enum { DRAIN_DEADLINE_MS = 2000 };

/*
 * The drain job, whoever asks for it. It moves the agent to PHASE_DRAINING: from then on readiness is 503, liveness is
 * 200 and no job that writes to the cluster starts. context is a struct job_context.
 */
int drain_run(struct job *job, void *context, struct error *err);
