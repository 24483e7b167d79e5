#pragma once

#include "daemon/queue/job_queue.h"

enum {
    /* One question, connect included: the kubelet waits 1 s for a probe by default. */
    HEALTH_QUESTION_MS = 600,
    HEALTH_DEADLINE_MS = 800,
    /* stats_mysql_global is rebuilt when it is read: not more often than this, but for a changed ProxySQL. */
    HEALTH_NODE_INTERVAL_MS = 10 * 1000,
    /* Without any probe a ProxySQL that does not answer is looked at so often. */
    HEALTH_AGAIN_MS = 1000,
};

/*
 * The health job: asks two things side by side, each within HEALTH_QUESTION_MS: one statement on the admin interface,
 * and a greeting on the traffic port; records both in the context's health state and logs what changed. While an
 * earlier statement is parked only the traffic port is asked, and before first_ms nobody is. While all is well a
 * result younger than health.max_age_ms stands, whoever submits. context is a struct job_context. Returns 0 whatever it
 * saw; -ECANCELED when the agent stopped meanwhile.
 */
int health_run(struct job *job, void *context, struct error *err);
