#pragma once

#include "daemon/cluster/module_verdict.h"
#include "daemon/jobs/job_table.h"
#include "proto/pack.h"

/*
 * Everything worth knowing about a running agent, as of one moment: one snapshot feeds the log (SIGUSR1), the control
 * answer and the JSON of the HTTP interface. Collecting it reads states, asks nobody and waits for nothing; what is
 * known of ProxySQL has its age. Thread-safe.
 */
struct status {
    int64_t now_ms;   /* monotonic */
    int64_t uptime_s; /* of the agent */
    int run_mode;     /* enum run_mode */
    enum phase phase;
    bool draining_file; /* shutdown.draining_file exists */
    struct health_snapshot health;
    struct db_pool_stats pool;
    struct job_kind_stats jobs[JOB_IDS];
    struct drain_stats drain;
    bool has_pods; /* there is a pod watch */
    struct pod_watch_stats pods;
    const char *discovery; /* of core.discovery, NULL: this agent needs none, or it did not start */
    bool has_dns;
    struct dns_source_stats dns;
    bool has_election;
    struct elector_stats election;
    struct stamp_stats stamp;
    struct inspect_snapshot cluster; /* the last report of the inspect job */
    struct inspect_state *inspect;   /* whose it is */
};

/* jobs is the queue's context, which outlives the status; free that with status_fini(). */
void status_collect(const struct job_context *jobs, struct status *ret_status);
void status_fini(struct status *status);
#define cleanup_status __attribute__((cleanup(status_fini)))

/* One map, as docs/status.schema.json describes it, and the parts that commands answer by themselves. */
void status_pack(const struct status *status, struct pack *p);
void status_pack_health(const struct status *status, struct pack *p);    /* health, proxysql */
void status_pack_jobs(const struct status *status, struct pack *p);      /* jobs, queue */
void status_pack_cluster(const struct status *status, struct pack *p);   /* cluster, pods */
void status_pack_discovery(const struct status *status, struct pack *p); /* discovery, election */

/* Collect and write the same as JSON. 0, -EMSGSIZE or -ENOMEM. */
MUST_CHECK int status_write_json(const struct job_context *jobs, struct buf *out);

/* Log it, one record for each subject (SIGUSR1): "status" (the agent, its ProxySQL, the pool), "status of a job" for
 * each kind that has run, "status of the drain", of the stamp, of the election, of the pods, of the cluster, "status of
 * a peer" for each. */
void status_log(const struct status *status);

/* What is said of one peer: the worst of its modules. */
struct peer_summary {
    const char *host;
    uint16_t port;
    enum module_verdict verdict;
    const char *module; /* that has this verdict; "" when all are in sync */
    int64_t age_s;      /* since its last check; -1 = never */
};

/* The peers of a report, each once: fn(arg, summary, its first row in the view). */
typedef void status_peer_fn(void *arg, const struct peer_summary *peer, size_t first_row);
void status_visit_peers(const struct inspect_report *report, status_peer_fn *fn, void *arg);

/* How many of the pullers are satellites: members check each other too. */
bool status_is_satellite(const struct inspect_report *report, const struct puller *puller);

/* "done", "none" before the first one, or the name of an error ("ETIMEDOUT") */
const char *status_result_name(const struct job_kind_stats *job);

/* "none", "core", "satellite", "dump" */
const char *run_mode_name(int run_mode);
