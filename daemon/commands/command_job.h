#pragma once

#include <stdbool.h>

#include "daemon/jobs/job_table.h"
#include "proto/command.h"
#include "shared/log.h"

/*
 * What a command of proto/command.h makes the agent do, whatever way it came: one table of the commands that start a
 * job, with the mode that has it and how its params come from the arguments. Thread-safe.
 */

/* One command, asked for by somebody who may have to wait for its end. */
struct command_order {
    const struct command *command;
    const struct argument_values *values; /* not needed any more afterwards */
    const char *by;                       /* for the log: "proxysql-agentctl drain" */
    job_done_fn *done;                    /* like progress and arg of a struct job_submission; NULL: nobody waits */
    job_progress_fn *progress;
    void *arg;
};

/* Whether it starts a job; and which, "reload". */
bool command_has_job(const struct command *command);
enum job_id command_job(const struct command *command);

/* Submit its job. 0: done will be called exactly once. -EINVAL: an argument cannot be; -ENOTSUP: it is for another
 * run mode; -ESHUTDOWN, -EBUSY: refused by the queue or the drain, as by job_queue_submit_with() and drain_request().
 */
MUST_CHECK int command_submit(const struct job_context *context, const struct command_order *order, struct error *err);

/* The command log-level: both ways log it and tell the level before. */
void command_set_log_level(const struct job_context *context, const struct argument_values *values,
                           enum log_level *ret_before, enum log_level *ret_level);
