#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/clock.h"
#include "shared/thread.h"

/* A counter that threads raise and others wait for: how tests wait instead of sleeping. Thread-safe. */
struct event {
    struct mutex lock;
    struct cond raised;
    unsigned count GUARDED;
};

/* Far more than any event needs: only a broken program waits so long. */
enum { EVENT_WAIT_MS = 20000 };

static inline void event_init(struct event *e)
{
    mutex_init(&e->lock);
    cond_init(&e->raised);
    mutex_lock(&e->lock);
    e->count = 0;
    mutex_unlock(&e->lock);
}

static inline void event_fini(struct event *e)
{
    cond_fini(&e->raised);
    mutex_fini(&e->lock);
}

static inline void event_raise(struct event *e)
{
    mutex_lock(&e->lock);
    e->count++;
    cond_broadcast(&e->raised);
    mutex_unlock(&e->lock);
}

static inline unsigned event_count(struct event *e)
{
    mutex_lock(&e->lock);
    unsigned count = e->count;
    mutex_unlock(&e->lock);
    return count;
}

/* Wait until it was raised `count` times. False when that took longer than wait_ms. */
static inline bool event_wait_for(struct event *e, unsigned count, int64_t wait_ms)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    mutex_lock(&e->lock);
    bool in_time = true;
    while (e->count < count && in_time)
        in_time = cond_wait_until(&e->raised, &e->lock, deadline_ms);
    bool reached = e->count >= count;
    mutex_unlock(&e->lock);
    return reached;
}

static inline bool event_wait(struct event *e, unsigned count)
{
    return event_wait_for(e, count, EVENT_WAIT_MS);
}
