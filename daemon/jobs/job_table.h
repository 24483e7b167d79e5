#pragma once

#include "daemon/config/live.h"
#include "daemon/discovery/dns_source.h"
#include "daemon/discovery/member_source.h"
#include "daemon/discovery/pod_watch.h"
#include "daemon/drain/drain_state.h"
#include "daemon/jobs/drain.h"
#include "daemon/jobs/health_state.h"
#include "daemon/jobs/inspect.h"
#include "daemon/jobs/reconcile.h"
#include "daemon/jobs/resync.h"
#include "daemon/jobs/stamp.h"
#include "daemon/phase.h"
#include "daemon/proxysql/db_pool.h"
#include "daemon/queue/job_queue.h"
#include "daemon/queue/scheduler.h"

/* Every kind of job, with its rules, in one table. */
enum job_id {
    JOB_DRAIN,
    JOB_HEALTH,
    JOB_RECONCILE,
    JOB_RESYNC,
    JOB_RELOAD,
    JOB_STAMP,
    JOB_DUMP,
    JOB_INSPECT,
    JOB_DOCTOR,
    JOB_IDS
};

/* What jobs work with; the context of the agent's queue. Everything in it outlives the queue. Each job gets a copy of
 * its own, which is valid, like the settings in it, until run() returns. */
struct job_context {
    struct config_live *live;
    const struct config *config; /* a job's snapshot of live, for its duration; NULL in the queue's context */
    struct db_pool *pool;
    struct health_state *health;
    struct phase_state *phase;
    struct job_queue *queue;             /* the queue that runs them */
    struct scheduler *scheduler;         /* that submits the periodic ones */
    const struct member_source *members; /* NULL when this mode has none, or it did not start */
    struct dns_source *dns;              /* what members is with core.discovery dns, else NULL */
    struct pod_watch *pods;              /* what members is with core.discovery kubernetes, else NULL */
    struct reconcile_state *reconcile;
    struct resync_state *resync;
    struct stamp_state *stamp;
    struct drain_state *drain;
    struct drain_memory *drain_memory;
    struct inspect_state *inspect;
    struct doctor_state *doctor;
    const char *admin_host; /* of proxysql.address */
    uint16_t admin_port;
    const char *traffic_host; /* of proxysql.traffic_address, used until ProxySQL tells its own */
    uint16_t traffic_port;
    int64_t started_ms; /* monotonic, when the agent started */
    int64_t first_ms;   /* monotonic, the end of start_delay: ProxySQL is not talked to before */
};

/* JOB_IDS rows, indexed by enum job_id. */
extern const struct job_kind job_table[JOB_IDS];

/* The queue's runner (job_queue_set_runner()): gives each job its context. */
int job_table_run(const struct job_kind *kind, struct job *job, void *context, struct error *err);

/* How often the settings say to submit this kind; 0 = they do not. A reload tells the scheduler. */
int64_t job_table_interval_ms(size_t kind, const struct config *config);
