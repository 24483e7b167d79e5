#pragma once

#include "daemon/cluster/member.h"
#include "daemon/config/config.h"
#include "daemon/discovery/elector.h"
#include "daemon/jobs/job_counters.h"
#include "daemon/proxysql/db_conn.h"
#include "daemon/queue/job_queue.h"

/*
 * Writing proxysql_servers, one statement after the other; shared by the jobs that do. Between two statements it is
 * asked whether the agent drains or stops, or has lost the lease that it writes by: then no other one begins and
 * -ECANCELED is returned. Runs on the job's thread, on the connection that the job has borrowed.
 */
struct publisher {
    struct job *job;
    const struct config *config;
    struct db_conn *conn;
    struct elector *elector; /* NULL: no lease is needed; else each statement needs it, in this term */
    uint64_t term;
};

/* When a statement that begins now must have ended: proxysql.query_timeout_ms, and never after the job. */
int64_t publisher_deadline_ms(const struct publisher *p);

/* 0, or -ECANCELED when no other statement may begin. */
MUST_CHECK int publisher_may_go_on(const struct publisher *p, struct error *err);

/* LOAD PROXYSQL SERVERS TO RUNTIME, with a line in the log that says why. */
MUST_CHECK int publisher_load(const struct publisher *p, enum load_reason why, struct error *err);

/* Bring memory to exactly these rows (REPLACE them, DELETE all others: never empty in between), then one LOAD. */
MUST_CHECK int publisher_write(const struct publisher *p, const struct member_list *members, enum load_reason why,
                               struct error *err);
