#include "daemon/drain/drain_state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

struct drain_state {
    struct mutex lock;
    struct cond changed; /* the order is another one */
    drain_stopped_fn *on_stopped;
    void *arg;
    struct drain_order order GUARDED;
    struct drain_stats stats GUARDED;
    struct error result GUARDED;
    enum drain_target reached GUARDED;
};

struct drain_state *drain_state_new(drain_stopped_fn *on_stopped, void *arg)
{
    struct drain_state *s = xcalloc(1, sizeof(*s));
    mutex_init(&s->lock);
    cond_init(&s->changed);
    s->on_stopped = on_stopped;
    s->arg = arg;
    mutex_lock(&s->lock);
    s->order = (struct drain_order){.target = DRAIN_RUNNING, .delay_ms = -1};
    s->stats = (struct drain_stats){.clients = -1, .clients_at_pause = -1, .cut = -1, .cut_in_transaction = -1};
    mutex_unlock(&s->lock);
    return s;
}

void drain_state_free(struct drain_state *s)
{
    if (s == NULL)
        return;
    cond_fini(&s->changed);
    mutex_fini(&s->lock);
    free(s);
}

/* There is no way back from a stop, and who is to stop at once does not wait again. */
static int ask_locked(struct drain_state *s, enum drain_target target, bool now, int64_t delay_ms, struct error *err)
    REQUIRES(&s->lock)
{
    if (s->order.target == DRAIN_STOPPED && target != DRAIN_STOPPED)
        return error_set(err, -EBUSY, "the agent is stopping, which is not undone");
    if (target == s->order.target && (now == s->order.now || !now))
        return 0;
    s->order = (struct drain_order){.target = target, .now = now, .delay_ms = delay_ms};
    cond_broadcast(&s->changed);
    return 0;
}

int drain_state_ask(struct drain_state *s, enum drain_target target, bool now, int64_t delay_ms, struct error *err)
{
    assert(!now || target == DRAIN_STOPPED);
    mutex_lock(&s->lock);
    int rc = ask_locked(s, target, now, delay_ms, err);
    mutex_unlock(&s->lock);
    return rc;
}

void drain_state_order(struct drain_state *s, struct drain_order *ret_order)
{
    mutex_lock(&s->lock);
    *ret_order = s->order;
    mutex_unlock(&s->lock);
}

static bool differs_locked(struct drain_state *s, const struct drain_order *order) REQUIRES(&s->lock)
{
    return s->order.target != order->target || s->order.now != order->now;
}

bool drain_state_sleep(struct drain_state *s, const struct drain_order *order, int64_t until_ms)
{
    mutex_lock(&s->lock);
    bool in_time = true;
    while (in_time && !differs_locked(s, order))
        in_time = cond_wait_until(&s->changed, &s->lock, until_ms);
    bool differs = differs_locked(s, order);
    mutex_unlock(&s->lock);
    return differs;
}

void drain_state_begin(struct drain_state *s)
{
    mutex_lock(&s->lock);
    s->stats = (struct drain_stats){.step = s->stats.step,
                                    .began_ms = clock_mono_ms(),
                                    .step_began_ms = clock_mono_ms(),
                                    .clients = -1,
                                    .clients_at_pause = -1,
                                    .cut = -1,
                                    .cut_in_transaction = -1,
                                    .drains = s->stats.drains + 1,
                                    .failed = s->stats.failed};
    mutex_unlock(&s->lock);
}

int64_t drain_state_enter(struct drain_state *s, enum drain_step step)
{
    mutex_lock(&s->lock);
    struct drain_stats *stats = &s->stats;
    int64_t now_ms = clock_mono_ms();
    int64_t took_ms = stats->step_began_ms == 0 ? 0 : now_ms - stats->step_began_ms;
    stats->durations_ms[stats->step] += took_ms;
    if (step == DRAIN_STEP_EMPTYING)
        stats->clients_at_pause = -1;
    stats->step = step;
    stats->step_began_ms = now_ms;
    mutex_unlock(&s->lock);
    return took_ms;
}

void drain_state_count(struct drain_state *s, int64_t clients)
{
    mutex_lock(&s->lock);
    s->stats.clients = clients;
    if (s->stats.step == DRAIN_STEP_EMPTYING && s->stats.clients_at_pause < 0)
        s->stats.clients_at_pause = clients;
    mutex_unlock(&s->lock);
}

void drain_state_cut(struct drain_state *s, int64_t clients, int64_t in_transaction)
{
    mutex_lock(&s->lock);
    s->stats.cut = clients;
    s->stats.cut_in_transaction = in_transaction;
    mutex_unlock(&s->lock);
}

bool drain_state_end(struct drain_state *s, const struct drain_order *order, int code, const char *text)
{
    mutex_lock(&s->lock);
    bool ends = !differs_locked(s, order);
    if (ends) {
        s->result.code = code;
        (void)snprintf(s->result.text, sizeof(s->result.text), "%s", text);
        s->reached = order->target;
        s->stats.failed += code < 0 ? 1 : 0;
    }
    mutex_unlock(&s->lock);
    if (ends && order->target == DRAIN_STOPPED)
        s->on_stopped(s->arg, code < 0);
    return ends;
}

enum drain_target drain_state_reached(struct drain_state *s)
{
    mutex_lock(&s->lock);
    enum drain_target reached = s->reached;
    mutex_unlock(&s->lock);
    return reached;
}

int drain_state_result(struct drain_state *s, char *ret_text, size_t size)
{
    mutex_lock(&s->lock);
    int code = s->result.code;
    (void)snprintf(ret_text, size, "%s", s->result.text);
    mutex_unlock(&s->lock);
    return code;
}

void drain_get_stats(struct drain_state *s, struct drain_stats *ret_stats)
{
    mutex_lock(&s->lock);
    *ret_stats = s->stats;
    ret_stats->target = s->order.target;
    if (s->stats.step_began_ms != 0)
        ret_stats->durations_ms[s->stats.step] += clock_mono_ms() - s->stats.step_began_ms;
    mutex_unlock(&s->lock);
}

const char *drain_target_name(enum drain_target target)
{
    static const char *const names[] = {"running", "maintenance", "stopped"};
    assert((size_t)target < ARRAY_LEN(names));
    return names[target];
}

const char *drain_step_name(enum drain_step step)
{
    static const char *const names[] = {"none",    "accepting", "pausing", "emptying",
                                        "drained", "stopping",  "stopped", "undoing"};
    assert((size_t)step < ARRAY_LEN(names));
    return names[step];
}
