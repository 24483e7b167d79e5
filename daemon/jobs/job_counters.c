#include "daemon/jobs/job_counters.h"

#include <assert.h>
#include <stdatomic.h>

static const struct {
    const char *label;
    const char *text;
} reasons[LOAD_REASONS] = {
    [LOAD_CORES_CHANGED] = {"cores_changed", "the core pods changed"},
    [LOAD_FOLLOWER] = {"follower", "this core follows, and its list named no other living core"},
    [LOAD_SATELLITE_RUNNING] = {"satellite_running", "a satellite became Running"},
    [LOAD_CORES_MISSING] = {"cores_missing", "all cores are missing: the configuration file's list"},
    [LOAD_BOOTSTRAP] = {"bootstrap", "no core of the list answers: the list of an address of the cores' service"},
    [LOAD_CORE_DIFFERS] = {"core_differs", "a core's list differs and cluster sync cannot pull it"},
    [LOAD_NEW_LIFE] = {"new_life", "the configuration file in a new life of ProxySQL"},
    [LOAD_SAME_EPOCH] = {"same_epoch", "a peer loaded other content in the same second"},
};

static _Atomic uint64_t loads[LOAD_MODULES][LOAD_REASONS];
static struct histogram durations[JOB_COUNTERS_KINDS];
static _Atomic uint64_t dump_rows;
static _Atomic uint64_t dump_bytes;
static _Atomic int64_t members_wanted = -1;
static _Atomic int64_t members_actual = -1;
static _Atomic int64_t members_missing = -1;

const char *load_reason_text(enum load_reason reason)
{
    return reasons[reason].text;
}

const char *load_reason_label(enum load_reason reason)
{
    return reasons[reason].label;
}

const char *load_module_label(size_t module)
{
    static const char *const labels[LOAD_MODULES] = {
        [MODULE_ADMIN_VARIABLES] = "admin_variables",     [MODULE_MYSQL_VARIABLES] = "mysql_variables",
        [MODULE_MYSQL_SERVERS] = "mysql_servers",         [MODULE_MYSQL_USERS] = "mysql_users",
        [MODULE_MYSQL_QUERY_RULES] = "mysql_query_rules", [LOAD_PROXYSQL_SERVERS] = "proxysql_servers",
    };
    assert(module < LOAD_MODULES);
    return labels[module];
}

void job_counters_add_load(size_t module, enum load_reason reason)
{
    assert(module < LOAD_MODULES);
    atomic_fetch_add_explicit(&loads[module][reason], 1, memory_order_relaxed);
}

uint64_t job_counters_loads(size_t module, enum load_reason reason)
{
    assert(module < LOAD_MODULES);
    return atomic_load_explicit(&loads[module][reason], memory_order_relaxed);
}

struct histogram *job_counters_durations(size_t kind)
{
    assert(kind < JOB_COUNTERS_KINDS);
    return &durations[kind];
}

void job_counters_add_dump(const struct job_counters_dump *dump)
{
    atomic_fetch_add_explicit(&dump_rows, dump->rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&dump_bytes, dump->bytes, memory_order_relaxed);
}

void job_counters_get_dump(struct job_counters_dump *ret_dump)
{
    *ret_dump = (struct job_counters_dump){.rows = atomic_load_explicit(&dump_rows, memory_order_relaxed),
                                           .bytes = atomic_load_explicit(&dump_bytes, memory_order_relaxed)};
}

void job_counters_set_cluster(const struct job_counters_cluster *cluster)
{
    members_wanted = cluster->members_wanted;
    members_actual = cluster->members_actual;
    members_missing = cluster->members_missing;
}

void job_counters_get_cluster(struct job_counters_cluster *ret_cluster)
{
    *ret_cluster = (struct job_counters_cluster){
        .members_wanted = members_wanted, .members_actual = members_actual, .members_missing = members_missing};
}
