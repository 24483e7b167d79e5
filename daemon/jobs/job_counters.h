#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/proxysql/admin_modules.h"
#include "shared/histogram.h"

/*
 * What jobs did, in numbers that only /metrics needs. Of the whole process; any thread may count and read.
 */

/* Modules whose LOAD ... TO RUNTIME is counted: those of enum admin_module, then PROXYSQL SERVERS. */
enum { LOAD_PROXYSQL_SERVERS = ADMIN_MODULES, LOAD_MODULES };

enum load_reason {
    LOAD_CORES_CHANGED,
    LOAD_FOLLOWER,
    LOAD_SATELLITE_RUNNING,
    LOAD_CORES_MISSING,
    LOAD_BOOTSTRAP,
    LOAD_CORE_DIFFERS,
    LOAD_NEW_LIFE,
    LOAD_SAME_EPOCH,
    LOAD_REASONS
};

/* In words, for the log; as a label: "cores_changed". */
const char *load_reason_text(enum load_reason reason);
const char *load_reason_label(enum load_reason reason);

/* "proxysql_servers", "mysql_users" ... */
const char *load_module_label(size_t module);

void job_counters_add_load(size_t module, enum load_reason reason);
uint64_t job_counters_loads(size_t module, enum load_reason reason);

/* How long jobs of a kind took, begin to end. kind < JOB_COUNTERS_KINDS. */
enum { JOB_COUNTERS_KINDS = 16 };
struct histogram *job_counters_durations(size_t kind);

/* Digests that dumps of this process wrote, also those that failed later; bytes as written, compressed ones if so. */
struct job_counters_dump {
    uint64_t rows;
    uint64_t bytes;
};
void job_counters_add_dump(const struct job_counters_dump *dump);
void job_counters_get_dump(struct job_counters_dump *ret_dump);

/* The cluster as the last pass of this agent saw it; -1 = no pass has. */
struct job_counters_cluster {
    int64_t members_wanted;  /* core mode */
    int64_t members_actual;  /* rows of runtime_proxysql_servers */
    int64_t members_missing; /* core mode: wanted and not there; satellite mode: cores that are not checked any more */
};
void job_counters_set_cluster(const struct job_counters_cluster *cluster);
void job_counters_get_cluster(struct job_counters_cluster *ret_cluster);
