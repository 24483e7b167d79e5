#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * What is wanted of this node and how far the drain is. Whoever asks for a drain (a signal, HTTP, the control command)
 * sets the target; the one drain job brings the node there, and looks here between its steps whether the target has
 * changed meanwhile. Status and metrics read the statistics. Thread-safe.
 */
enum drain_target {
    DRAIN_RUNNING,     /* serve: the undo of a maintenance */
    DRAIN_MAINTENANCE, /* no client, not ready, ProxySQL stays */
    DRAIN_STOPPED,     /* no client, ProxySQL stopped, the agent ends; there is no way back */
};

enum drain_step {
    DRAIN_STEP_NONE,      /* running */
    DRAIN_STEP_ACCEPTING, /* not ready; new connections are still accepted while the balancers learn */
    DRAIN_STEP_PAUSING,   /* PROXYSQL PAUSE */
    DRAIN_STEP_EMPTYING,  /* clients leave */
    DRAIN_STEP_DRAINED,   /* a maintenance has reached its end and stays */
    DRAIN_STEP_STOPPING,  /* PROXYSQL SHUTDOWN */
    DRAIN_STEP_STOPPED,
    DRAIN_STEP_UNDOING, /* back from a maintenance */
    DRAIN_STEPS
};

struct drain_stats {
    enum drain_target target;
    enum drain_step step;
    int64_t began_ms;                  /* monotonic, of the last drain; 0 = there was none */
    int64_t step_began_ms;             /* monotonic */
    int64_t durations_ms[DRAIN_STEPS]; /* of the last drain's steps, all times they came; of the present one so far */
    int64_t clients;                   /* when last counted; -1 = not known */
    int64_t clients_at_pause;          /* when emptying began the last time; -1 = not known */
    int64_t cut;                       /* clients that were left when it went on; -1 = not known */
    int64_t cut_in_transaction;        /* of them; -1 = not known */
    uint64_t drains;                   /* begun */
    uint64_t failed;                   /* ended with an error */
};

struct drain_state;

/* on_stopped is called once, from the drain job's thread, when a drain that was to stop the agent has ended; failed: it
 * did not do what it should. Must not block. */
typedef void drain_stopped_fn(void *arg, bool failed);

struct drain_state *drain_state_new(drain_stopped_fn *on_stopped, void *arg);
/* NULL is fine. */
void drain_state_free(struct drain_state *state);

/* Set the target. now: leave out what is left to wait for (SIGQUIT); only with DRAIN_STOPPED. delay_ms: how long to
 * accept at first, -1 = as configured. -EBUSY: the agent is to stop, and that is not undone. */
MUST_CHECK int drain_state_ask(struct drain_state *state, enum drain_target target, bool now, int64_t delay_ms,
                               struct error *err);

/* What was asked for last. */
struct drain_order {
    enum drain_target target;
    bool now;
    int64_t delay_ms;
};
void drain_state_order(struct drain_state *state, struct drain_order *ret_order);

/* Sleep until until_ms (monotonic), or until the order is another one than `order`. True when it is. */
bool drain_state_sleep(struct drain_state *state, const struct drain_order *order, int64_t until_ms);

/* For the job: a drain begins; the next step begins (how long the one before took is returned); what was counted. */
void drain_state_begin(struct drain_state *state);
int64_t drain_state_enter(struct drain_state *state, enum drain_step step);
void drain_state_count(struct drain_state *state, int64_t clients);
void drain_state_cut(struct drain_state *state, int64_t clients, int64_t in_transaction);

/* For the job: it has done what `order` asks for, or has failed. False when the order is another one meanwhile: then
 * nothing has ended. */
bool drain_state_end(struct drain_state *state, const struct drain_order *order, int code, const char *text);

/* What the job that ended last had to do. */
enum drain_target drain_state_reached(struct drain_state *state);

/* For who answers later: the result of the last drain that ended; text is cut to size. */
int drain_state_result(struct drain_state *state, char *ret_text, size_t size);

void drain_get_stats(struct drain_state *state, struct drain_stats *ret_stats);

/* "running", "maintenance", "stopped" */
const char *drain_target_name(enum drain_target target);
/* "none", "accepting", "pausing", "emptying", "drained", "stopping", "stopped", "undoing" */
const char *drain_step_name(enum drain_step step);
