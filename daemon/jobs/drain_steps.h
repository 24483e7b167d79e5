#pragma once

#include "daemon/drain/plan.h"
#include "daemon/jobs/drain_node.h"

/*
 * The drain job as its files share it: drain.c, which plans, begins, stops and undoes, and drain_clients.c, which sees
 * the clients out. Nobody else includes this.
 */
struct drain {
    struct job *job;
    const struct job_context *c;
    struct drain_memory *m;
    struct drain_node node;
    struct drain_plan plan;
    bool gone;            /* ProxySQL has ended */
    bool restored;        /* by the undo: a variable that the drain had set */
    int64_t accepted_ms;  /* how long new clients were accepted */
    struct error problem; /* the first step that failed */
};

/* The first failure is the drain's result. */
void drain_keep_problem(struct drain *d, int code, const char *text);

/* Write down what an undo must know; arg is the drain (drain_emptying.before_touch). */
void drain_remember_variables(void *arg, int64_t wait_timeout_ms, int64_t session_idle_ms);

/* Step b: new clients are accepted while the balancers learn. 0, d->gone with it; -ECANCELED: the agent stops at once;
 * DRAIN_ORDER_CHANGED. */
MUST_CHECK int drain_accept(struct drain *d);

/* Steps c to e: refuse new clients, see out those that are there, or cut them when their time is over. As above. */
MUST_CHECK int drain_clients(struct drain *d);
