#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The bounded queue that everything which touches ProxySQL goes through. Sources submit jobs by kind, workers take
 * them by priority (oldest first within one), every kind has its own share, so that no kind starves another.
 * What the kinds are is the caller's table (daemon/jobs/job_table.h); this module knows only their rules.
 *
 * All functions are thread-safe unless said otherwise. run() and done() are called without any lock held.
 */

enum job_second {
    JOB_SECOND_JOIN,         /* joins the one that waits or runs */
    JOB_SECOND_JOIN_WAITING, /* joins the one that waits; while one only runs, one more may wait */
    JOB_SECOND_QUEUE,        /* waits in the queue, up to max_waiting */
    JOB_SECOND_REFUSE,       /* is refused while one waits or runs */
};

struct job;

struct job_kind {
    const char *name;
    int priority;         /* larger goes first */
    unsigned max_running; /* >= 1 */
    unsigned max_waiting; /* its share of the queue, >= 1 */
    unsigned max_waiters; /* callers that may wait for one job, >= 1 */
    enum job_second second;
    int64_t deadline_ms; /* from submission to the end; > 0 */
    bool while_draining; /* may be submitted, and goes on, while draining */
    bool reserved;       /* its first running job always finds a worker, see job_queue_new() */
    /* Does the work on a worker's thread. Must end by job_deadline_ms() and soon after job_should_stop().
     * context is the queue's. Returns 0 or a negative errno with err set. */
    int (*run)(struct job *job, void *context, struct error *err);
};

enum { JOB_SUMMARY_SIZE = 512 };

struct job_result {
    int code;         /* 0; what run() returned; -ECANCELED (stopped before it began); -ETIMEDOUT (too late to begin) */
    const char *text; /* the error's text, "" for success; valid during the call */
    const char *summary; /* what run() said of its work with job_set_summary(), also of one that failed; else "" */
    int64_t waited_ms;   /* submission to begin */
    int64_t duration_ms; /* begin to end; 0 when it never began */
    int64_t again_ms;    /* what run() asked for with job_again_in(); 0 = nothing */
};

/* Called once for each accepted submission that gave one, when the job no longer counts as running: it may submit
 * again. On a worker's thread, or for jobs that never begin on the sweeper's or the one that calls job_queue_stop() or
 * job_queue_set_draining(). Must not block. */
typedef void job_done_fn(void *arg, const struct job_result *result);

/* How far a running job is. */
struct job_progress {
    const char *text; /* what it does now, one line, or "" */
    uint64_t done;    /* so many units */
    uint64_t total;   /* of so many; 0 = not known */
    const char *unit; /* "rows", "clients"; "" when nothing is counted */
};

/* Called on the worker's thread while the job runs, before its done callback and never after it. The texts are valid
 * during the call. Must not block. */
typedef void job_progress_fn(void *arg, const struct job_progress *progress);

/* One request for a job. Zero means: nothing special. */
struct job_submission {
    size_t kind;
    job_done_fn *done;                 /* may be NULL */
    job_progress_fn *progress;         /* may be NULL; only for those who also give done */
    void *arg;                         /* of done and progress */
    void *params;                      /* what the job shall do, for job_params(); NULL = the usual */
    void (*params_free)(void *params); /* NULL: params needs no freeing, it outlives the queue */
    int64_t deadline_ms;               /* from now to the end of the job; 0 = the kind's */
};

struct job_kind_stats {
    unsigned waiting;
    unsigned running;
    uint64_t succeeded;
    uint64_t failed;     /* run() returned an error, or it came too late to begin */
    uint64_t joined;     /* submissions that joined another's job */
    uint64_t refused;    /* share full, refused as a second one, too many waiters, draining, stopping */
    uint64_t cancelled;  /* never begun, or ended with -ECANCELED, because of draining or stopping */
    int last_code;       /* of the last one that ran or came too late to begin, like the two below */
    int64_t last_end_ms; /* monotonic; 0 = none has ended */
    int64_t last_duration_ms;
};

struct job_queue;

/* kinds (kept by pointer, must outlive the queue) are addressed by their index. workers is how many threads will take
 * jobs (>= 1). One worker is kept free for each reserved kind; the other kinds, and second running jobs of a reserved
 * one, share the rest, at least 1 (with workers <= reserved kinds nothing can be kept free for all of them).
 * context is handed to every run(). Never fails. */
struct job_queue *job_queue_new(const struct job_kind *kinds, size_t count, unsigned workers, void *context);

/* For what belongs around every job: it has to call kind->run() once and return what that returned. */
typedef int job_runner_fn(const struct job_kind *kind, struct job *job, void *context, struct error *err);

/* Run every job by runner. Before the first worker; not thread-safe. */
void job_queue_set_runner(struct job_queue *queue, job_runner_fn *runner);

/* After job_queue_stop() and after every worker was joined. NULL is fine. */
void job_queue_free(struct job_queue *queue);

/* Submit a job of one kind. done may be NULL. Returns 0 when accepted or joined (done will be called exactly once),
 * -EBUSY (share full, refused as a second one, too many waiters), -ESHUTDOWN (stopping, or draining and the kind may
 * not); then done is never called. Who joins shares the first one's deadline; nobody joins a job that was asked to
 * stop. done is never called from within. */
MUST_CHECK int job_queue_submit(struct job_queue *queue, size_t kind, job_done_fn *done, void *arg, struct error *err);

/* The same with everything that a submission can say. params are the queue's afterwards, also on failure. Who joins
 * joins the job as it is: the deadline and the params are the first one's, those of the one that joins are freed. */
MUST_CHECK int job_queue_submit_with(struct job_queue *queue, const struct job_submission *submission,
                                     struct error *err);

/* From now on kinds without while_draining are refused; waiting ones are cancelled, running ones are asked to stop.
 * Turning it off accepts them again. */
void job_queue_set_draining(struct job_queue *queue, bool draining);

/* Refuse everything, cancel what waits, ask what runs to stop, let workers go. Idempotent; does not wait. */
void job_queue_stop(struct job_queue *queue);

void job_queue_stats(struct job_queue *queue, size_t kind, struct job_kind_stats *ret_stats);

/* For workers: take the next job that may run, waiting for one; NULL when the queue stops. Then run it to its end
 * (run(), bookkeeping, done callbacks); the job is gone after that. */
struct job *job_queue_pop(struct job_queue *queue);
void job_queue_run(struct job_queue *queue, struct job *job);

/* For one thread beside the workers: end waiting jobs as soon as their deadline has passed, also while every worker is
 * busy. Returns when the queue stops. */
void job_queue_sweep(struct job_queue *queue);

/* For run(): when the job must have ended (monotonic ms), and whether it should end now because the agent stops or
 * drains. */
int64_t job_deadline_ms(const struct job *job);
bool job_should_stop(struct job *job);

/* For run(): what the submission asks for, NULL = the usual. */
const void *job_params(const struct job *job);

/* For run(): tell everybody who waits for the job how far it is. Nothing is kept: who joins later hears what follows.
 */
void job_report_progress(struct job *job, const struct job_progress *progress);

/* For run(): say in one line what the job did, for job_result; longer text is cut. The last one counts. */
void job_set_summary(struct job *job, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* For run(): ask whoever submits this kind periodically to do so again in again_ms (> 0), whatever the result is. */
void job_again_in(struct job *job, int64_t again_ms);
