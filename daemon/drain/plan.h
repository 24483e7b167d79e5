#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * How long each part of a drain may take, from the settings and the pod's grace period. Pure functions; every time is
 * monotonic, in milliseconds.
 *
 * A shutdown has one hard end: shutdown.shutdown_timeout from its begin, or 3 s before the pod's grace period is over.
 * Within it shutdown.drain_timeout counts from the begin too, what is accepted at first included, and something is kept
 * back for stopping ProxySQL and the agent. A maintenance has no end: its clients get shutdown.drain_timeout after
 * shutdown.maintenance_delay, of which nothing is cut, because only readiness moves the balancers.
 */
enum {
    DRAIN_GRACE_MARGIN_MS = 3000, /* before the kubelet kills */
    DRAIN_BUDGET_MIN_MS = 2000,   /* less is no budget: a shutdown takes up to this long whatever the settings say */
};

struct drain_plan_question {
    bool stop;        /* a shutdown, else a maintenance */
    int64_t begin_ms; /* when the drain began */
    int64_t delay_ms; /* how long connections are accepted at first */
    int64_t drain_ms; /* shutdown.drain_timeout */
    int64_t stop_ms;  /* shutdown.shutdown_timeout */
    int64_t grace_ms; /* the own pod's terminationGracePeriodSeconds; 0 = not known */
};

struct drain_plan {
    int64_t accept_until_ms;  /* then PAUSE */
    int64_t holders_until_ms; /* so long sessions that hold a lock or a temporary table are waited for */
    int64_t empty_until_ms;   /* then the clients that are left are cut */
    int64_t stopped_ms;       /* then ProxySQL must have gone; the drain job ends */
    int64_t end_ms;           /* then the agent must have gone */
    bool cut_by_grace;        /* the grace period is what limits */
    bool delay_cut;           /* delay_ms is more than a third of the time there is */
};

void drain_plan_make(const struct drain_plan_question *question, struct drain_plan *ret_plan);
