#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/cluster/sync_gate.h"
#include "daemon/proxysql/admin.h"
#include "daemon/proxysql/traffic_probe.h"
#include "shared/thread.h"

/*
 * What is known about the ProxySQL beside us: the health job records what it saw, probes and the status record read
 * the last known state. Thread-safe; the pure part (health_snapshot_apply) is what the tests look at.
 *
 * A life of ProxySQL is known by its boot time on our monotonic clock (now - ProxySQL_Uptime, within
 * HEALTH_BOOT_TOLERANCE_MS), so that a stepped wall clock is not taken for a restart.
 */
enum { HEALTH_BOOT_TOLERANCE_MS = 2000, HEALTH_REASON_SIZE = 256 };

enum admin_verdict {
    ADMIN_UNKNOWN, /* not asked yet */
    ADMIN_ANSWERS,
    ADMIN_STUCK,   /* somebody is there, but the health statement is not answered (in time, or with sense) */
    ADMIN_REFUSED, /* nobody is there */
};

/* What one health job saw. */
struct health_observation {
    int64_t begin_ms; /* monotonic */
    int64_t end_ms;
    enum admin_verdict admin;
    enum traffic_verdict traffic;
    char reason[HEALTH_REASON_SIZE]; /* why admin does not answer (or else traffic does not greet); "" = all is well */
    struct admin_backends backends;  /* when admin answers */
    bool has_node;
    struct admin_node node;
    enum sync_gate gate; /* when admin answers */
    uint64_t losses;     /* db_pool_stats.losses when it ended */
};

struct health_snapshot {
    enum admin_verdict admin;
    enum traffic_verdict traffic;
    int64_t at_ms;          /* monotonic, end of the last health job; 0 = none yet */
    int64_t admin_since_ms; /* monotonic, begin of the first job with this verdict of admin */
    int64_t dump_since_ms;  /* monotonic, since when a dump of ours keeps ProxySQL busy; 0 = none does */
    int64_t dump_ms;        /* how long ended ones did while admin had this verdict */
    bool started;           /* has answered in this life */
    uint64_t lives;         /* lives seen so far */
    int64_t boot_ms;        /* monotonic, of this life; meaningless before the first life */
    int64_t node_at_ms;     /* monotonic, when `node` was read; 0 = never in this life */
    struct admin_node node;
    struct admin_backends backends;
    enum sync_gate gate; /* of this life; once open it stays open */
    char reason[HEALTH_REASON_SIZE];
    uint64_t losses;
    int64_t probes_begun; /* connections of the health job to the traffic port, those that were refused left out */
    int64_t probes_ended;
};

/* What a record changed, as bits; what is worth a line in the log. */
enum health_change {
    HEALTH_ADMIN_CHANGED = 1,
    HEALTH_TRAFFIC_CHANGED = 2,
    HEALTH_NEW_LIFE = 4,
    HEALTH_GATE_CHANGED = 8
};

struct health_state {
    struct mutex lock;
    struct health_snapshot snapshot GUARDED;
};

void health_state_init(struct health_state *state);
void health_state_fini(struct health_state *state);
void health_state_get(struct health_state *state, struct health_snapshot *ret_snapshot);

/* Record what a health job saw. Returns HEALTH_ bits. */
unsigned health_state_record(struct health_state *state, const struct health_observation *seen);

/* A connection to the traffic port begins, before it is made; it has ended. refused: nobody was there to count it. */
void health_state_begin_probe(struct health_state *state);
void health_state_end_probe(struct health_state *state, bool refused);

/* Whether a health job has ended within the last max_age_ms. */
bool health_snapshot_is_fresh(const struct health_snapshot *snapshot, int64_t max_age_ms, int64_t now_ms);

/* Whether admin was stuck a moment ago. Then each health job takes as long as it may and seldom has news: who asks is
 * answered from the state, beside the job, which sees a recovery. */
bool health_snapshot_is_stuck(const struct health_snapshot *snapshot, int64_t now_ms);

/* A dump of this agent makes ProxySQL build its digest tables, with the admin mutex held: from here on, and no longer.
 * now_ms is monotonic. */
void health_state_begin_dump(struct health_state *state, int64_t now_ms);
void health_state_end_dump(struct health_state *state, int64_t now_ms);

/* For how long admin has had this verdict without a dump of ours that explains it. */
int64_t health_snapshot_unexplained_ms(const struct health_snapshot *snapshot, int64_t now_ms);

/* The pure steps behind health_state_begin_dump() and health_state_end_dump(). */
void health_snapshot_begin_dump(struct health_snapshot *snapshot, int64_t now_ms);
void health_snapshot_end_dump(struct health_snapshot *snapshot, int64_t now_ms);

/* The pure step behind health_state_record(). */
unsigned health_snapshot_apply(struct health_snapshot *snapshot, const struct health_observation *seen);

/* "unknown", "answers", "stuck", "refused" */
const char *admin_verdict_name(enum admin_verdict verdict);
