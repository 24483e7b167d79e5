#pragma once

#include <stdatomic.h>

#include "daemon/drain/drain_state.h"
#include "daemon/drain/draining_file.h"
#include "daemon/queue/job_queue.h"

/*
 * The one drain job: it brings this node to what was asked for last, whoever asked (docs/drain.md). All who ask while
 * it runs join it. From its begin readiness is 503 and no job that writes to the cluster starts.
 */
struct job_context;

/* To begin; how long it may take is planned by daemon/drain/plan.h. */
enum { DRAIN_DEADLINE_MS = 60 * 1000 };
/* Who may wait for a drain; those who do not wait, signals above all, have one place more. */
enum { DRAIN_ASKERS_MAX = 1024 };

/* What the drain job keeps from one run to the next: a maintenance is one run, its end another one. Only the job uses
 * it, but for what is atomic. */
struct drain_memory {
    struct draining_record record; /* what our draining file says */
    bool own_file;
    bool begun;               /* not ready, nothing is written to the cluster */
    bool accepted;            /* the balancers had their time */
    bool emptied;             /* no client is left, or their time is over */
    enum drain_target target; /* which the plan is for, while begun */
    int64_t target_ms;        /* monotonic, since when */
    int64_t stop_by_ms;     /* monotonic: a shutdown that goes on after a restart of the agent ends by then; 0 = none */
    unsigned undo_failures; /* in succession */
    _Atomic int64_t undo_again_ms; /* monotonic: an undo has failed, and is tried again then; 0 = none has */
    _Atomic bool told_grace;       /* that the pod's grace period is too short */
    _Atomic bool recover;          /* a draining file is there that nobody has judged yet */
    _Atomic unsigned askers;       /* who wait for what they asked for */
    _Atomic bool kept;             /* the place of those who do not wait is taken */
    bool told_unreadable;          /* that it cannot be read: once until it can; at the start, then by the job */
};

/* One who asks. */
struct drain_request {
    enum drain_target target;
    bool now;                  /* leave out what is left to wait for; with DRAIN_STOPPED */
    int64_t delay_ms;          /* how long connections are accepted at first; -1 = as configured */
    const char *by;            /* for the log: "SIGTERM" */
    job_progress_fn *progress; /* may be NULL */
    job_done_fn *done;         /* may be NULL */
    void *arg;                 /* of progress and done */
};

/* Ask, and join the drain that runs. 0: done will be called exactly once, with what became of this request (-ECANCELED:
 * another one took its place meanwhile). -EBUSY: the agent is stopping, which is not undone, or DRAIN_ASKERS_MAX wait
 * already; who gives no done is never too many. Other codes of job_queue_submit_with(). Thread-safe. */
MUST_CHECK int drain_request(const struct job_context *context, const struct drain_request *request, struct error *err);

/* At the agent's start: a draining file of an agent, or one that cannot be read, is judged as soon as ProxySQL answers
 * and it can be read; until then nothing is written to the cluster. */
void drain_recover_at_start(const struct job_context *context);

/* For the health job, after each answer of ProxySQL: submit what has to be judged now, or an undo that has failed. */
void drain_note_answer(const struct job_context *context, bool new_life);

/* For the job: decide what a draining file that was found means. */
void drain_judge_file(const struct job_context *context);

/* context is a struct job_context. */
int drain_run(struct job *job, void *context, struct error *err);
