#pragma once

#include "daemon/cluster/view.h"

/*
 * How one module of a peer stands to ours, for humans. The rules of pulling: docs/proxysql-facts.md, "Cluster
 * arithmetic". Pure.
 */
enum module_verdict {
    MODULE_SAME,         /* the same content */
    MODULE_WE_PULL,      /* newer there; this node takes it after some checks */
    MODULE_NOT_PULLED,   /* newer there, but not taken for MODULE_CHECKS_MAX checks */
    MODULE_PEER_PULLS,   /* newer here; the peer takes it */
    MODULE_NOBODY_PULLS, /* differs, and both are at version 1 */
    MODULE_TIED,         /* differs, and the same second made both */
    MODULE_STALE,        /* the peer has not been checked for a while */
    MODULE_NEVER,        /* the peer was never checked */
    MODULE_VERDICTS
};

enum { MODULE_CHECKS_MAX = 30, MODULE_STALE_S = 10 };

/* own may be NULL: this node does not tell. */
enum module_verdict module_verdict_judge(const struct cluster_view *view, const struct module_state *own,
                                         const struct peer_row *row);

/* In words: "in sync", "newer there: will be pulled", ... */
const char *module_verdict_text(enum module_verdict verdict);

/* "ok", "changing" or "bad" */
const char *module_verdict_level(enum module_verdict verdict);
