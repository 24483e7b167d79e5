#include "daemon/queue/scheduler.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/backoff.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

enum {
    wait_max_ms = 60000, /* every wait ends by itself after this long, and looks again */
};

struct entry {
    struct scheduler *scheduler;
    struct schedule schedule; /* interval_ms under the lock, the rest never changes */
    struct backoff backoff GUARDED;
    int64_t due_ms GUARDED;       /* monotonic; of no use while submitted */
    bool submitted GUARDED;       /* its job has not ended yet */
    int64_t submitted_ms GUARDED; /* monotonic, of the last one; 0 = none yet */
    int64_t gap_ms GUARDED;       /* after submitted_ms, before a hastened one */
    bool hastened GUARDED;        /* asked for while submitted */
};

struct scheduler {
    struct job_queue *queue;
    pthread_t thread;
    struct mutex lock;
    struct cond changed; /* an entry has a new due time, or stopping */
    bool stopping GUARDED;
    size_t count;
    struct entry entries[SCHEDULER_ENTRIES_MAX];
};

/* When a hastened one may be submitted. */
static int64_t hastened_due_ms(const struct scheduler *s, const struct entry *e) REQUIRES(&s->lock)
{
    (void)s;
    int64_t now_ms = clock_mono_ms();
    int64_t due_ms = e->submitted_ms + e->gap_ms;
    return due_ms > now_ms ? due_ms : now_ms;
}

/* Its job ended with code, or was refused with it. again_ms: what the job asked for, 0 = nothing. */
static void plan_next(struct entry *e, int code, int64_t again_ms)
{
    struct scheduler *s = e->scheduler;
    mutex_lock(&s->lock);
    int64_t wait_ms;
    if (code == 0) {
        backoff_reset(&e->backoff);
        wait_ms = e->schedule.interval_ms + backoff_jitter_ms(&e->backoff, e->schedule.interval_ms / 10);
    } else {
        wait_ms = backoff_next_ms(&e->backoff);
    }
    if (again_ms > 0 && again_ms < wait_ms)
        wait_ms = again_ms;
    e->due_ms = clock_mono_ms() + wait_ms;
    e->submitted = false;
    e->gap_ms = code == 0 ? e->schedule.min_gap_ms : 0; /* who did nothing yet need not be waited for */
    if (e->hastened && hastened_due_ms(s, e) < e->due_ms)
        e->due_ms = hastened_due_ms(s, e);
    e->hastened = false;
    cond_signal(&s->changed);
    mutex_unlock(&s->lock);
}

/* On a worker's thread. */
static void job_done(void *arg, const struct job_result *result)
{
    plan_next(arg, result->code, result->again_ms);
}

/* The entry that waits for its time and whose time comes first; NULL when all are submitted. */
static struct entry *earliest_locked(struct scheduler *s) REQUIRES(&s->lock)
{
    struct entry *earliest = NULL;
    for (size_t i = 0; i < s->count; i++) {
        struct entry *e = &s->entries[i];
        if (!e->submitted && (earliest == NULL || e->due_ms < earliest->due_ms))
            earliest = e;
    }
    return earliest;
}

/* Lets the lock go in between: the queue's lock is never taken under ours. */
static void submit_locked(struct scheduler *s, struct entry *e) REQUIRES(&s->lock)
{
    e->submitted = true;
    e->submitted_ms = clock_mono_ms();
    mutex_unlock(&s->lock);
    int rc = job_queue_submit(s->queue, e->schedule.kind, job_done, e, NULL);
    if (rc < 0)
        plan_next(e, rc, 0);
    mutex_lock(&s->lock);
}

static void *scheduler_main(void *arg)
{
    struct scheduler *s = arg;
    mutex_lock(&s->lock);
    while (!s->stopping) {
        int64_t now_ms = clock_mono_ms();
        struct entry *e = earliest_locked(s);
        if (e != NULL && e->due_ms <= now_ms) {
            submit_locked(s, e);
            continue;
        }
        int64_t until_ms = now_ms + wait_max_ms;
        if (e != NULL && e->due_ms < until_ms)
            until_ms = e->due_ms;
        (void)cond_wait_until(&s->changed, &s->lock, until_ms);
    }
    mutex_unlock(&s->lock);
    return NULL;
}

static void init_entry_locked(struct scheduler *s, struct entry *e, const struct schedule *schedule) REQUIRES(&s->lock)
{
    assert(schedule->interval_ms > 0 && schedule->delay_ms >= 0);
    e->scheduler = s;
    e->schedule = *schedule;
    e->due_ms = clock_mono_ms() + schedule->delay_ms;
    backoff_init(&e->backoff, schedule->retry_ms, schedule->interval_ms);
}

int scheduler_start(struct scheduler **ret_scheduler, struct job_queue *queue, const struct schedule *entries,
                    size_t count, struct error *err)
{
    assert(count <= SCHEDULER_ENTRIES_MAX);
    struct scheduler *s = xcalloc(1, sizeof(*s));
    s->queue = queue;
    s->count = count;
    mutex_init(&s->lock);
    cond_init(&s->changed);
    mutex_lock(&s->lock);
    for (size_t i = 0; i < count; i++)
        init_entry_locked(s, &s->entries[i], &entries[i]);
    mutex_unlock(&s->lock);
    int rc = thread_start(&s->thread, "scheduler", scheduler_main, s, err);
    if (rc < 0) {
        scheduler_free(s);
        return rc;
    }
    *ret_scheduler = s;
    return 0;
}

static void hasten_locked(struct scheduler *s, struct entry *e) REQUIRES(&s->lock)
{
    if (e->submitted) {
        e->hastened = true;
        return;
    }
    if (e->submitted_ms == 0)
        return; /* its delay is not over, or its first one comes at once */
    if (hastened_due_ms(s, e) < e->due_ms) {
        e->due_ms = hastened_due_ms(s, e);
        cond_signal(&s->changed);
    }
}

void scheduler_hasten(struct scheduler *s, size_t kind)
{
    mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].schedule.kind == kind)
            hasten_locked(s, &s->entries[i]);
    mutex_unlock(&s->lock);
}

static void set_interval_locked(struct scheduler *s, struct entry *e, int64_t interval_ms) REQUIRES(&s->lock)
{
    assert(interval_ms >= e->schedule.retry_ms);
    if (interval_ms == e->schedule.interval_ms)
        return;
    e->schedule.interval_ms = interval_ms;
    e->backoff.cap_ms = interval_ms;
    int64_t latest_ms = clock_mono_ms() + interval_ms;
    if (!e->submitted && e->submitted_ms != 0 && e->due_ms > latest_ms) {
        e->due_ms = latest_ms;
        cond_signal(&s->changed);
    }
}

void scheduler_set_interval(struct scheduler *s, size_t kind, int64_t interval_ms)
{
    mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].schedule.kind == kind)
            set_interval_locked(s, &s->entries[i], interval_ms);
    mutex_unlock(&s->lock);
}

void scheduler_stop(struct scheduler *s)
{
    mutex_lock(&s->lock);
    s->stopping = true;
    cond_signal(&s->changed);
    mutex_unlock(&s->lock);
    thread_join(s->thread);
}

void scheduler_free(struct scheduler *s)
{
    if (s == NULL)
        return;
    cond_fini(&s->changed);
    mutex_fini(&s->lock);
    free(s);
}
