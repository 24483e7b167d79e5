#pragma once

#include "daemon/cluster/view.h"

/*
 * May a satellite be ready? Not before it has backends and users, and, while a core is reachable, not before its users
 * and servers are a core's, or enough time has passed. Judged until it opens once in a life of ProxySQL. Pure.
 */
enum sync_gate {
    SYNC_GATE_OPEN,
    SYNC_GATE_NO_BACKENDS, /* runtime_mysql_servers is empty */
    SYNC_GATE_NO_USERS,    /* runtime_mysql_users is empty */
    SYNC_GATE_NOT_ASKED,   /* just started: no core was checked yet */
    SYNC_GATE_NOT_SYNCED,  /* users or servers are not those of any reachable core */
};

enum {
    /* A peer that was checked successfully within this time, or within three check intervals, is reachable. */
    SYNC_GATE_REACHABLE_S = 10,
    /* So long after its start ProxySQL may not have checked its peers once. */
    SYNC_GATE_FIRST_CHECK_S = 5,
};

struct sync_gate_question {
    const struct cluster_view *view;
    int64_t backends;  /* rows of runtime_mysql_servers */
    int64_t uptime_s;  /* of ProxySQL */
    int64_t timeout_s; /* health.sync_gate_timeout; 0 = no gate at all */
};

enum sync_gate sync_gate_judge(const struct sync_gate_question *question);

/* For the probe's body, in words; "" when open. */
const char *sync_gate_reason(enum sync_gate gate);
