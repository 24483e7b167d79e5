#include "daemon/queue/job_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

/*
 * wake_note: a job may begin (is "ready") when its kind runs fewer than max_running and a worker may be used for it.
 * Only a submission, the end of a job, or room made by late jobs can make one ready, and each of them calls
 * wake_locked(): one signal to one worker. A worker that takes a job, or turns to late ones first, passes the signal on
 * while ready jobs are left: so nobody has to prove how many jobs one event makes ready, and none of them waits beside
 * an idle worker.
 *
 * owner_note: a job is in its kind's list of waiting or of running ones, under the lock. Whoever takes it out of these
 * lists under the lock owns it alone: nobody can join it any more, and the owner calls the callbacks unlocked and frees
 * it. So each callback runs exactly once.
 *
 * progress_note: while a job runs others may still join it, under the lock, by appending to its waiters; an entry is
 * never changed after that. So who has read the count under the lock may call that many without it.
 *
 * Every wait ends by itself after this long at the latest, and looks again.
 */
enum { wait_max_ms = 60000 };

struct waiter {
    job_done_fn *done;
    job_progress_fn *progress; /* or NULL */
    void *arg;
};

struct job {
    TAILQ_ENTRY(job) link;
    struct job_queue *queue;
    const struct job_kind *kind;
    size_t index; /* of the kind */
    uint64_t sequence;
    int64_t submitted_ms;
    int64_t deadline_ms;
    bool should_stop GUARDED;
    void *params; /* owned with params_free */
    void (*params_free)(void *params);
    int64_t again_ms; /* written by run() only, like the summary */
    char summary[JOB_SUMMARY_SIZE];
    unsigned waiter_count;   /* see owner_note */
    struct waiter waiters[]; /* kind->max_waiters */
};

TAILQ_HEAD(job_list, job);

struct kind_state {
    struct job_list waiting; /* oldest first */
    struct job_list running;
    struct job_kind_stats stats;
};

struct job_queue {
    struct mutex lock;
    struct cond work;     /* for workers: a job is ready, or stopping */
    struct cond deadline; /* for the sweeper: a deadline before sweep_at_ms, or stopping */
    const struct job_kind *kinds;
    size_t count;
    unsigned shared_workers; /* those not kept free for a reserved kind */
    void *context;
    job_runner_fn *runner;
    bool draining GUARDED;
    bool stopping GUARDED;
    uint64_t sequence GUARDED;
    int64_t sweep_at_ms GUARDED;
    struct kind_state *states GUARDED; /* one a kind */
};

static unsigned shared_workers(const struct job_kind *kinds, size_t count, unsigned workers)
{
    unsigned reserved = 0;
    for (size_t i = 0; i < count; i++)
        reserved += kinds[i].reserved ? 1 : 0;
    return workers > reserved ? workers - reserved : 1;
}

static int run_plainly(const struct job_kind *kind, struct job *job, void *context, struct error *err)
{
    return kind->run(job, context, err);
}

struct job_queue *job_queue_new(const struct job_kind *kinds, size_t count, unsigned workers, void *context)
{
    assert(workers >= 1);
    struct job_queue *q = xcalloc(1, sizeof(*q));
    mutex_init(&q->lock);
    cond_init(&q->work);
    cond_init(&q->deadline);
    q->kinds = kinds;
    q->count = count;
    q->shared_workers = shared_workers(kinds, count, workers);
    q->context = context;
    q->runner = run_plainly;
    struct kind_state *states = xcalloc(count, sizeof(*states));
    for (size_t i = 0; i < count; i++) {
        const struct job_kind *k = &kinds[i];
        assert(k->run != NULL && k->deadline_ms > 0);
        assert(k->max_running >= 1 && k->max_waiting >= 1 && k->max_waiters >= 1);
        TAILQ_INIT(&states[i].waiting);
        TAILQ_INIT(&states[i].running);
    }
    mutex_lock(&q->lock);
    q->states = states;
    q->sweep_at_ms = INT64_MAX;
    mutex_unlock(&q->lock);
    return q;
}

void job_queue_set_runner(struct job_queue *q, job_runner_fn *runner)
{
    q->runner = runner;
}

void job_queue_free(struct job_queue *q)
{
    if (q == NULL)
        return;
    mutex_lock(&q->lock);
    struct kind_state *states = q->states;
    mutex_unlock(&q->lock);
    for (size_t i = 0; i < q->count; i++)
        assert(TAILQ_EMPTY(&states[i].waiting) && TAILQ_EMPTY(&states[i].running));
    free(states);
    cond_fini(&q->deadline);
    cond_fini(&q->work);
    mutex_fini(&q->lock);
    free(q);
}

/* How many workers run jobs that no reserved kind has a right to. */
static unsigned shared_running_locked(struct job_queue *q) REQUIRES(&q->lock)
{
    unsigned sum = 0;
    for (size_t i = 0; i < q->count; i++) {
        unsigned running = q->states[i].stats.running;
        sum += q->kinds[i].reserved && running > 0 ? running - 1 : running;
    }
    return sum;
}

/* The job that should begin now: highest priority, then oldest; NULL when none is ready. */
static struct job *ready_locked(struct job_queue *q) REQUIRES(&q->lock)
{
    bool shared_full = shared_running_locked(q) >= q->shared_workers;
    struct job *best = NULL;
    for (size_t i = 0; i < q->count; i++) {
        const struct job_kind *k = &q->kinds[i];
        struct job *job = TAILQ_FIRST(&q->states[i].waiting);
        unsigned running = q->states[i].stats.running;
        bool own_worker = k->reserved && running == 0;
        if (job == NULL || running >= k->max_running || (shared_full && !own_worker))
            continue;
        if (best == NULL || k->priority > best->kind->priority ||
            (k->priority == best->kind->priority && job->sequence < best->sequence))
            best = job;
    }
    return best;
}

/* See wake_note. */
static void wake_locked(struct job_queue *q) REQUIRES(&q->lock)
{
    if (ready_locked(q) != NULL)
        cond_signal(&q->work);
}

static void params_drop(void *params, void (*params_free)(void *params))
{
    if (params_free != NULL)
        params_free(params);
}

/* Tell everybody who waits for a job that its caller owns, and free it. */
static void finish(struct job *job, const struct job_result *result)
{
    for (unsigned i = 0; i < job->waiter_count; i++)
        job->waiters[i].done(job->waiters[i].arg, result);
    params_drop(job->params, job->params_free);
    free(job);
}

static void finish_unbegun(struct job_list *jobs, int code, const char *text)
{
    struct job *job;
    while ((job = TAILQ_FIRST(jobs)) != NULL) {
        TAILQ_REMOVE(jobs, job, link);
        struct job_result result = {
            .code = code,
            .text = text,
            .summary = "",
            .waited_ms = clock_mono_ms() - job->submitted_ms,
        };
        finish(job, &result);
    }
}

static void add_waiter(struct job *job, const struct job_submission *s)
{
    if (s->done != NULL)
        job->waiters[job->waiter_count++] = (struct waiter){.done = s->done, .progress = s->progress, .arg = s->arg};
}

/* The job that a new submission joins, NULL for none. */
static struct job *joinable_locked(struct job_queue *q, size_t kind) REQUIRES(&q->lock)
{
    enum job_second second = q->kinds[kind].second;
    if (second != JOB_SECOND_JOIN && second != JOB_SECOND_JOIN_WAITING)
        return NULL;
    struct job *job = TAILQ_FIRST(&q->states[kind].waiting);
    if (job != NULL || second == JOB_SECOND_JOIN_WAITING)
        return job;
    TAILQ_FOREACH(job, &q->states[kind].running, link)
    {
        if (!job->should_stop)
            return job;
    }
    return NULL;
}

static void push_locked(struct job_queue *q, const struct job_submission *s) REQUIRES(&q->lock)
{
    const struct job_kind *k = &q->kinds[s->kind];
    struct job *job = xcalloc(1, sizeof(*job) + k->max_waiters * sizeof(job->waiters[0]));
    job->queue = q;
    job->kind = k;
    job->index = s->kind;
    job->sequence = q->sequence++;
    job->submitted_ms = clock_mono_ms();
    job->deadline_ms = job->submitted_ms + (s->deadline_ms > 0 ? s->deadline_ms : k->deadline_ms);
    job->params = s->params;
    job->params_free = s->params_free;
    add_waiter(job, s);
    TAILQ_INSERT_TAIL(&q->states[s->kind].waiting, job, link);
    q->states[s->kind].stats.waiting++;
    wake_locked(q);
    if (job->deadline_ms < q->sweep_at_ms) {
        q->sweep_at_ms = job->deadline_ms;
        cond_signal(&q->deadline);
    }
}

/* *ret_joined: accepted, but the params of this submission are not needed. */
static int submit_locked(struct job_queue *q, const struct job_submission *s, bool *ret_joined, struct error *err)
    REQUIRES(&q->lock)
{
    const struct job_kind *k = &q->kinds[s->kind];
    struct job_kind_stats *stats = &q->states[s->kind].stats;
    if (q->stopping || (q->draining && !k->while_draining))
        return error_set(err, -ESHUTDOWN, "%s refused: %s", k->name, q->stopping ? "stopping" : "draining");
    struct job *first = joinable_locked(q, s->kind);
    if (first != NULL && s->done != NULL && first->waiter_count >= k->max_waiters)
        return error_set(err, -EBUSY, "%s refused: %u callers wait for it", k->name, first->waiter_count);
    if (first != NULL) {
        add_waiter(first, s);
        stats->joined++;
        *ret_joined = true;
        return 0;
    }
    if (k->second == JOB_SECOND_REFUSE && stats->waiting + stats->running > 0)
        return error_set(err, -EBUSY, "%s refused: one %s", k->name, stats->running > 0 ? "runs" : "waits");
    if (stats->waiting >= k->max_waiting)
        return error_set(err, -EBUSY, "%s refused: %u wait in the queue", k->name, stats->waiting);
    push_locked(q, s);
    return 0;
}

int job_queue_submit_with(struct job_queue *q, const struct job_submission *submission, struct error *err)
{
    assert(submission->kind < q->count);
    assert(submission->progress == NULL || submission->done != NULL);
    bool joined = false;
    mutex_lock(&q->lock);
    int rc = submit_locked(q, submission, &joined, err);
    if (rc < 0)
        q->states[submission->kind].stats.refused++;
    mutex_unlock(&q->lock);
    if (rc < 0 || joined)
        params_drop(submission->params, submission->params_free);
    return rc;
}

int job_queue_submit(struct job_queue *q, size_t kind, job_done_fn *done, void *arg, struct error *err)
{
    const struct job_submission submission = {.kind = kind, .done = done, .arg = arg};
    return job_queue_submit_with(q, &submission, err);
}

/* Move the waiting jobs of one kind to ret_jobs, ask the running ones to stop. */
static void cancel_locked(struct job_queue *q, size_t kind, struct job_list *ret_jobs) REQUIRES(&q->lock)
{
    struct kind_state *state = &q->states[kind];
    TAILQ_CONCAT(ret_jobs, &state->waiting, link);
    state->stats.cancelled += state->stats.waiting;
    state->stats.waiting = 0;
    struct job *job;
    TAILQ_FOREACH(job, &state->running, link)
    {
        job->should_stop = true;
    }
}

void job_queue_set_draining(struct job_queue *q, bool draining)
{
    struct job_list cancelled = TAILQ_HEAD_INITIALIZER(cancelled);
    mutex_lock(&q->lock);
    q->draining = draining;
    for (size_t i = 0; draining && i < q->count; i++)
        if (!q->kinds[i].while_draining)
            cancel_locked(q, i, &cancelled);
    mutex_unlock(&q->lock);
    finish_unbegun(&cancelled, -ECANCELED, "draining");
}

void job_queue_stop(struct job_queue *q)
{
    struct job_list cancelled = TAILQ_HEAD_INITIALIZER(cancelled);
    mutex_lock(&q->lock);
    q->stopping = true;
    for (size_t i = 0; i < q->count; i++)
        cancel_locked(q, i, &cancelled);
    cond_broadcast(&q->work);
    cond_broadcast(&q->deadline);
    mutex_unlock(&q->lock);
    finish_unbegun(&cancelled, -ECANCELED, "stopping");
}

void job_queue_stats(struct job_queue *q, size_t kind, struct job_kind_stats *ret_stats)
{
    assert(kind < q->count);
    mutex_lock(&q->lock);
    *ret_stats = q->states[kind].stats;
    mutex_unlock(&q->lock);
}

static void take_late_of_locked(struct kind_state *state, int64_t now_ms, struct job_list *ret_jobs)
{
    struct job *job = TAILQ_FIRST(&state->waiting);
    while (job != NULL) {
        struct job *next = TAILQ_NEXT(job, link);
        if (job->deadline_ms <= now_ms) {
            TAILQ_REMOVE(&state->waiting, job, link);
            TAILQ_INSERT_TAIL(ret_jobs, job, link);
            state->stats.waiting--;
            state->stats.failed++;
            state->stats.last_code = -ETIMEDOUT;
            state->stats.last_end_ms = now_ms;
            state->stats.last_duration_ms = 0;
        }
        job = next;
    }
}

/* Move the waiting jobs whose deadline has passed to ret_jobs. */
static void take_late_locked(struct job_queue *q, struct job_list *ret_jobs) REQUIRES(&q->lock)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t i = 0; i < q->count; i++)
        take_late_of_locked(&q->states[i], now_ms, ret_jobs);
}

/* End the waiting jobs whose deadline has passed. True when there were any: then the lock was let go in between. */
static bool finish_late_locked(struct job_queue *q) REQUIRES(&q->lock)
{
    struct job_list late = TAILQ_HEAD_INITIALIZER(late);
    take_late_locked(q, &late);
    if (TAILQ_EMPTY(&late))
        return false;
    wake_locked(q);
    mutex_unlock(&q->lock);
    finish_unbegun(&late, -ETIMEDOUT, "waited too long to begin");
    mutex_lock(&q->lock);
    return true;
}

static void begin_locked(struct job_queue *q, struct job *job) REQUIRES(&q->lock)
{
    struct kind_state *state = &q->states[job->index];
    TAILQ_REMOVE(&state->waiting, job, link);
    TAILQ_INSERT_TAIL(&state->running, job, link);
    state->stats.waiting--;
    state->stats.running++;
    wake_locked(q);
}

struct job *job_queue_pop(struct job_queue *q)
{
    struct job *job = NULL;
    mutex_lock(&q->lock);
    while (!q->stopping) {
        if (finish_late_locked(q))
            continue;
        job = ready_locked(q);
        if (job != NULL) {
            begin_locked(q, job);
            break;
        }
        (void)cond_wait_until(&q->work, &q->lock, clock_mono_ms() + wait_max_ms);
    }
    mutex_unlock(&q->lock);
    return job;
}

static int run_unless_stopped(struct job_queue *q, struct job *job, struct error *err)
{
    if (job_should_stop(job))
        return error_set(err, -ECANCELED, "stopped before it began");
    int code = q->runner(job->kind, job, q->context, err);
    assert(code <= 0);
    if (code < 0)
        (void)error_set(err, code, "%s failed with code %d", job->kind->name, code);
    return code;
}

static void end_locked(struct job_queue *q, struct job *job, int code, int64_t begin_ms, int64_t end_ms)
    REQUIRES(&q->lock)
{
    struct kind_state *state = &q->states[job->index];
    TAILQ_REMOVE(&state->running, job, link);
    state->stats.running--;
    if (code == 0)
        state->stats.succeeded++;
    else if (code == -ECANCELED && job->should_stop)
        state->stats.cancelled++;
    else
        state->stats.failed++;
    state->stats.last_code = code;
    state->stats.last_end_ms = end_ms;
    state->stats.last_duration_ms = end_ms - begin_ms;
    wake_locked(q);
}

void job_queue_run(struct job_queue *q, struct job *job)
{
    struct error err = ERROR_INIT;
    int64_t begin_ms = clock_mono_ms();
    int code = run_unless_stopped(q, job, &err);
    int64_t end_ms = clock_mono_ms();
    mutex_lock(&q->lock);
    end_locked(q, job, code, begin_ms, end_ms);
    mutex_unlock(&q->lock);
    struct job_result result = {
        .code = code,
        .text = code == 0 ? "" : err.text,
        .summary = job->summary,
        .waited_ms = begin_ms - job->submitted_ms,
        .duration_ms = end_ms - begin_ms,
        .again_ms = job->again_ms,
    };
    finish(job, &result);
}

static int64_t earliest_deadline_locked(struct job_queue *q) REQUIRES(&q->lock)
{
    int64_t earliest = clock_mono_ms() + wait_max_ms;
    for (size_t i = 0; i < q->count; i++) {
        const struct job *job;
        TAILQ_FOREACH(job, &q->states[i].waiting, link)
        {
            if (job->deadline_ms < earliest)
                earliest = job->deadline_ms;
        }
    }
    return earliest;
}

void job_queue_sweep(struct job_queue *q)
{
    mutex_lock(&q->lock);
    while (!q->stopping) {
        if (finish_late_locked(q))
            continue;
        q->sweep_at_ms = earliest_deadline_locked(q);
        (void)cond_wait_until(&q->deadline, &q->lock, q->sweep_at_ms);
    }
    mutex_unlock(&q->lock);
}

int64_t job_deadline_ms(const struct job *job)
{
    return job->deadline_ms;
}

const void *job_params(const struct job *job)
{
    return job->params;
}

/* See progress_note. */
void job_report_progress(struct job *job, const struct job_progress *progress)
{
    struct job_queue *q = job->queue;
    mutex_lock(&q->lock);
    unsigned count = job->waiter_count;
    mutex_unlock(&q->lock);
    for (unsigned i = 0; i < count; i++)
        if (job->waiters[i].progress != NULL)
            job->waiters[i].progress(job->waiters[i].arg, progress);
}

void job_set_summary(struct job *job, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(job->summary, sizeof(job->summary), fmt, args);
    va_end(args);
}

void job_again_in(struct job *job, int64_t again_ms)
{
    assert(again_ms > 0);
    job->again_ms = again_ms;
}

bool job_should_stop(struct job *job)
{
    struct job_queue *q = job->queue;
    mutex_lock(&q->lock);
    bool stop = job->should_stop;
    mutex_unlock(&q->lock);
    return stop;
}
