#include "daemon/jobs/health_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Two health jobs, each with the pause before it. */
enum { stuck_max_age_ms = 2000 };

void health_state_init(struct health_state *state)
{
    memset(state, 0, sizeof(*state));
    mutex_init(&state->lock);
}

void health_state_fini(struct health_state *state)
{
    mutex_fini(&state->lock);
}

void health_state_get(struct health_state *state, struct health_snapshot *ret_snapshot)
{
    mutex_lock(&state->lock);
    *ret_snapshot = state->snapshot;
    mutex_unlock(&state->lock);
}

bool health_snapshot_is_fresh(const struct health_snapshot *s, int64_t max_age_ms, int64_t now_ms)
{
    return s->at_ms != 0 && now_ms - s->at_ms <= max_age_ms;
}

bool health_snapshot_is_stuck(const struct health_snapshot *s, int64_t now_ms)
{
    return s->admin == ADMIN_STUCK && health_snapshot_is_fresh(s, stuck_max_age_ms, now_ms);
}

unsigned health_state_record(struct health_state *state, const struct health_observation *seen)
{
    mutex_lock(&state->lock);
    unsigned changes = health_snapshot_apply(&state->snapshot, seen);
    mutex_unlock(&state->lock);
    return changes;
}

void health_state_begin_probe(struct health_state *state)
{
    mutex_lock(&state->lock);
    state->snapshot.probes_begun++;
    mutex_unlock(&state->lock);
}

void health_state_end_probe(struct health_state *state, bool refused)
{
    mutex_lock(&state->lock);
    state->snapshot.probes_begun -= refused ? 1 : 0;
    state->snapshot.probes_ended += refused ? 0 : 1;
    mutex_unlock(&state->lock);
}

/* This life is over: what belonged to it is no longer known. */
static void end_life(struct health_snapshot *s)
{
    s->started = false;
    s->gate = SYNC_GATE_NOT_ASKED;
    s->node_at_ms = 0;
    memset(&s->node, 0, sizeof(s->node));
    memset(&s->backends, 0, sizeof(s->backends));
}

static unsigned apply_node(struct health_snapshot *s, const struct health_observation *seen)
{
    int64_t boot_ms = seen->end_ms - seen->node.uptime_s * 1000;
    bool new_life = s->lives == 0 || llabs(boot_ms - s->boot_ms) > HEALTH_BOOT_TOLERANCE_MS;
    if (new_life) {
        s->lives++;
        s->boot_ms = boot_ms;
    }
    s->node = seen->node;
    s->node_at_ms = seen->end_ms;
    return new_life ? HEALTH_NEW_LIFE : 0;
}

static unsigned apply_answer(struct health_snapshot *s, const struct health_observation *seen)
{
    s->started = true;
    s->backends = seen->backends;
    unsigned changes = seen->has_node ? apply_node(s, seen) : 0;
    if (s->gate != SYNC_GATE_OPEN || changes != 0) {
        changes |= s->gate != seen->gate ? HEALTH_GATE_CHANGED : 0U;
        s->gate = seen->gate;
    }
    return changes;
}

unsigned health_snapshot_apply(struct health_snapshot *s, const struct health_observation *seen)
{
    unsigned changes = 0;
    if (s->admin != seen->admin) {
        changes |= HEALTH_ADMIN_CHANGED;
        s->admin_since_ms = seen->begin_ms;
        s->dump_ms = 0;
    }
    if (s->traffic != seen->traffic)
        changes |= HEALTH_TRAFFIC_CHANGED;
    s->admin = seen->admin;
    s->traffic = seen->traffic;
    s->at_ms = seen->end_ms;
    memcpy(s->reason, seen->reason, sizeof(s->reason));
    if (seen->admin == ADMIN_ANSWERS)
        changes |= apply_answer(s, seen);
    else if (seen->admin == ADMIN_REFUSED)
        end_life(s);
    else if (seen->losses != s->losses)
        s->started = false; /* a connection was lost before it got stuck: this may be another life */
    s->losses = seen->losses;
    return changes;
}

/* How long the dump that goes on has explained the present verdict. */
static int64_t running_dump_ms(const struct health_snapshot *s, int64_t now_ms)
{
    if (s->dump_since_ms == 0)
        return 0;
    return now_ms - (s->dump_since_ms > s->admin_since_ms ? s->dump_since_ms : s->admin_since_ms);
}

void health_snapshot_begin_dump(struct health_snapshot *s, int64_t now_ms)
{
    s->dump_since_ms = now_ms;
}

void health_snapshot_end_dump(struct health_snapshot *s, int64_t now_ms)
{
    s->dump_ms += running_dump_ms(s, now_ms);
    s->dump_since_ms = 0;
}

int64_t health_snapshot_unexplained_ms(const struct health_snapshot *s, int64_t now_ms)
{
    return now_ms - s->admin_since_ms - s->dump_ms - running_dump_ms(s, now_ms);
}

void health_state_begin_dump(struct health_state *state, int64_t now_ms)
{
    mutex_lock(&state->lock);
    health_snapshot_begin_dump(&state->snapshot, now_ms);
    mutex_unlock(&state->lock);
}

void health_state_end_dump(struct health_state *state, int64_t now_ms)
{
    mutex_lock(&state->lock);
    health_snapshot_end_dump(&state->snapshot, now_ms);
    mutex_unlock(&state->lock);
}

const char *admin_verdict_name(enum admin_verdict verdict)
{
    static const char *const names[] = {"unknown", "answers", "stuck", "refused"};
    assert((size_t)verdict < ARRAY_LEN(names));
    return names[verdict];
}
