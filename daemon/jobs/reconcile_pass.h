#pragma once

#include "daemon/cluster/absence.h"
#include "daemon/cluster/departures.h"
#include "daemon/discovery/own_pod.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/publish.h"

/*
 * One reconcile pass as its files share it: reconcile.c, and follow.c for a core that does not lead. Nobody else
 * includes this.
 */

/* What the passes remember of each other. */
struct reconcile_state {
    struct own_pod own;
    uint64_t noticed_version; /* of the core pods, and when it was first seen; 0 = no list yet */
    int64_t noticed_ms;
    uint64_t settled_version; /* of the core pods, when runtime was last found equal to them */
    bool settled;
    int64_t accept_from_ms;        /* monotonic; pods that were Running before are accepted; 0 = not known yet */
    int64_t last_load_ms;          /* monotonic, before the statements of our last LOAD; 0 = none */
    int64_t last_write_ms;         /* monotonic, when the rows were last written; 0 = never */
    struct absence own_missing;    /* of the own pod */
    struct departures *departures; /* of sources that know addresses alone */
    int64_t answered_ms;           /* monotonic, of the last answer that these were told */
    uint64_t returns;              /* of rows that had been removed, reported so far */
    int64_t alone_ms;              /* monotonic: since when a follower's list names no other living core; 0 = it does */
};

/* One pass: what its steps share. */
struct pass {
    struct publisher to;
    struct job_context *context;
    struct reconcile_state *state;
    struct pod_view *view;
    struct member_list runtime;
    struct member_list wanted;
    bool node_failed; /* ProxySQL did not do what it was asked */
    bool node_took;   /* it did something */
};

/* Runtime is exactly the wanted rows. */
bool pass_is_settled(const struct pass *p);

/* The view is confirmed, and what is new in it came just now. */
bool pass_is_explained(const struct pass *p);

/* The difference may come from a view that is behind: list again, then look again. No fresh list, no write. */
MUST_CHECK int pass_confirm(struct pass *p, struct error *err);

/* The first difference is written at once, later ones within core.publish_interval_ms share a write: this pass asks for
 * another one then. */
bool pass_must_wait(struct pass *p);

/* Bring memory to the wanted rows, LOAD, read runtime back. */
MUST_CHECK int pass_write(struct pass *p, enum load_reason why, struct error *err);

/* The pass of a core that does not lead: nothing, or its introduction (introduction_note in follow.c). */
MUST_CHECK int pass_follow(struct pass *p, struct error *err);
