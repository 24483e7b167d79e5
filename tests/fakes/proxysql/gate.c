#include "tests/fakes/proxysql/gate.h"

#include "shared/clock.h"

void gate_init(struct gate *g)
{
    *g = (struct gate){.busy = false};
    mutex_init(&g->lock);
    cond_init(&g->changed);
}

void gate_fini(struct gate *g)
{
    cond_fini(&g->changed);
    mutex_fini(&g->lock);
}

bool gate_enter(struct gate *g)
{
    mutex_lock(&g->lock);
    g->waiting++;
    while (!g->stopped && (g->busy || g->wedged)) {
        if (g->waiting > g->waiting_max)
            g->waiting_max = g->waiting;
        (void)cond_wait_until(&g->changed, &g->lock, INT64_MAX);
    }
    g->waiting--;
    bool entered = !g->stopped;
    if (entered)
        g->busy = true;
    mutex_unlock(&g->lock);
    return entered;
}

void gate_leave(struct gate *g)
{
    mutex_lock(&g->lock);
    g->busy = false;
    cond_broadcast(&g->changed);
    mutex_unlock(&g->lock);
}

void gate_stay(struct gate *g, int64_t wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    mutex_lock(&g->lock);
    while (!g->stopped && clock_mono_ms() < until_ms)
        (void)cond_wait_until(&g->changed, &g->lock, until_ms);
    mutex_unlock(&g->lock);
}

void gate_wedge(struct gate *g, bool wedged)
{
    mutex_lock(&g->lock);
    g->wedged = wedged;
    cond_broadcast(&g->changed);
    mutex_unlock(&g->lock);
}

void gate_hold(struct gate *g, int64_t hold_ms)
{
    int64_t deadline_ms = clock_mono_ms() + hold_ms;
    mutex_lock(&g->lock);
    while (!g->stopped && cond_wait_until(&g->changed, &g->lock, deadline_ms))
        continue;
    mutex_unlock(&g->lock);
}

void gate_stop(struct gate *g)
{
    mutex_lock(&g->lock);
    g->stopped = true;
    cond_broadcast(&g->changed);
    mutex_unlock(&g->lock);
}

void gate_count(struct gate *g, unsigned *ret_waiting, unsigned *ret_waiting_max)
{
    mutex_lock(&g->lock);
    *ret_waiting = g->waiting;
    *ret_waiting_max = g->waiting_max;
    mutex_unlock(&g->lock);
}
