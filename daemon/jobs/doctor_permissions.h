#pragma once

#include <stdbool.h>

#include "daemon/config/config.h"
#include "daemon/queue/job_queue.h"

/*
 * Whether the API server lets this core do what its settings need: the pods of its namespace and, with leader election,
 * a lease. What is asked for is one table here.
 */
enum doctor_permission { DOCTOR_NOT_ASKED, DOCTOR_ALLOWED, DOCTOR_DENIED };

enum { DOCTOR_PERMISSIONS = 5 };

struct doctor_permissions {
    enum doctor_permission answers[DOCTOR_PERMISSIONS];
    char error[256]; /* why not all were asked, "" = they were */
};

/* Ask the API server for the rows that are needed, one by one, for at most 2 s altogether; ends early when the job
 * should stop. election: those of the lease, too. */
void doctor_permissions_ask(struct job *job, const struct config *config, bool election,
                            struct doctor_permissions *ret_permissions);
