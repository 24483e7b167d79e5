#pragma once

#include <stdint.h>

#include "daemon/jobs/stamp_record.h"
#include "daemon/queue/job_queue.h"

enum { STAMP_DEADLINE_MS = 120 * 1000, STAMP_INTERVAL_MS = 60 * 1000, STAMP_ERROR_SIZE = 256 };

/*
 * The stamp job of a core: once in each life of ProxySQL its configuration file becomes what memory and runtime have,
 * module by module (stamp_module.h); which life and how it went is kept in a file beside shutdown.draining_file, so
 * that an agent that is restarted stamps nothing. core.config_authority = cluster: a module that a reachable peer has
 * loaded is left to cluster sync. Afterwards, for some seconds, it is looked whether a peer made the same epoch of
 * other content; then that module is loaded once more. proxysql_servers is never touched. context is a struct
 * job_context.
 *
 * The submission's params may be a struct stamp_request.
 */
int stamp_run(struct job *job, void *context, struct error *err);

struct stamp_request {
    bool dry_run; /* change nothing, say with job_report_progress() how runtime would change, a line each */
    bool again;   /* also what was stamped in this life already */
};

/* What the jobs remember of each other. */
struct stamp_state;
struct stamp_state *stamp_state_new(void);
void stamp_state_free(struct stamp_state *state);

/* For status and metrics. Thread-safe. */
struct stamp_stats {
    bool known; /* a life of ProxySQL was looked at; else the modules mean nothing */
    struct stamp_module modules[ADMIN_MODULES];
    uint64_t loads;               /* LOAD ... TO RUNTIME by this agent, repeated ones too */
    uint64_t repeated;            /* because a peer had the same epoch and another checksum */
    uint64_t failures;            /* of a module; each is tried again */
    char error[STAMP_ERROR_SIZE]; /* of the last run, "" = it was good */
};
void stamp_get_stats(struct stamp_state *state, struct stamp_stats *ret_stats);
