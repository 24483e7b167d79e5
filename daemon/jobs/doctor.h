#pragma once

#include "daemon/queue/job_queue.h"

/*
 * The doctor job: looks at the node, its cluster and the agent like a human would, and judges (doctor_checks.h). It
 * reads the cluster's state, asks each other node for its version and clock on a connection beside the pool, and looks
 * member names up; a core asks the API server what it may do. It writes nothing. The last report is kept for whoever
 * asked. context is a struct job_context.
 */
enum { DOCTOR_DEADLINE_MS = 60 * 1000 };

struct doctor_state;
struct doctor_report;

struct doctor_state *doctor_state_new(void);
void doctor_state_free(struct doctor_state *state);

/* A copy of the last report. Thread-safe. */
void doctor_get_report(struct doctor_state *state, struct doctor_report *ret_report);

int doctor_run(struct job *job, void *context, struct error *err);
