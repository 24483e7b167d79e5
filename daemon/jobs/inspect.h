#pragma once

#include "daemon/cluster/view.h"
#include "daemon/proxysql/admin_pullers.h"
#include "daemon/queue/job_queue.h"

/*
 * The inspect job reads what people ask for about the cluster, and nothing else does: one statement about members,
 * modules and peers, one about who pulls from here. It has a share of the queue of its own, writes nothing, and asks
 * only while the health job says that admin answers. The last report is kept: whoever asks reads it with its age.
 */
enum {
    INSPECT_DEADLINE_MS = 2000,
    INSPECT_FRESH_MS = 500, /* a report younger than this stands, whoever submits */
};

struct inspect_report {
    int64_t at_ms; /* monotonic, when it was read */
    struct cluster_view view;
    bool peers_known; /* false: this version's table of peers must not be read (capability.h) */
    bool wanted_known;
    struct member_list wanted; /* from the pods; core mode */
    struct puller_list pullers;
    unsigned references; /* guarded by the state's lock */
};

struct inspect_state;
struct inspect_state *inspect_state_new(void);
void inspect_state_free(struct inspect_state *state);

struct inspect_snapshot {
    const struct inspect_report *report; /* NULL: none yet; does not change */
    char error[256];                     /* why the last run made none; "" = it made one */
};

/* Thread-safe; give it back with inspect_put(). */
void inspect_get(struct inspect_state *state, struct inspect_snapshot *ret_snapshot);
void inspect_put(struct inspect_state *state, struct inspect_snapshot *snapshot);

/* Read a report on the thread of this job, or leave a fresh one. -EAGAIN: admin does not answer. */
struct job_context;
MUST_CHECK int inspect_now(struct job *job, const struct job_context *context, struct error *err);

/* context is a struct job_context. -EAGAIN: admin does not answer. */
int inspect_run(struct job *job, void *context, struct error *err);
