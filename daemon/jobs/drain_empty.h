#pragma once

#include "daemon/jobs/drain_node.h"

/*
 * Emptying a node without cutting a transaction (docs/drain.md). Runs on the drain job's thread.
 *
 * By wait_timeout: a low mysql-wait_timeout makes ProxySQL itself close sessions that are idle and in no transaction,
 * in the worker that owns them, so that no query races with it; its workers look only when they wake up, so they are
 * woken all the time. It changes a module that the cluster copies: satellites may, and a core that leaves for good and
 * that nobody polls. By KILL: a core ends sessions that are seen idle, a few at a time.
 */
struct drain_emptying {
    bool close_idle;          /* else clients are only waited for */
    bool may_touch_variables; /* nobody ever copies this node's variables */
    bool leaves_for_good;     /* else: they may be touched as long as nobody polls it */
    int64_t holders_until_ms; /* so long sessions that hold a lock or a temporary table are waited for */
    int64_t until_ms;
    int64_t pause_by_ms;         /* the node is not paused: so long somebody who comes is told; 0 = nobody is */
    int64_t old_wait_timeout_ms; /* from before it was lowered the last time; -1 = it never was */
    int64_t old_session_idle_ms; /* from before it was raised; -1 = it never was */
    /* Called before mysql-wait_timeout is lowered or mysql-session_idle_ms raised, with what the next one that undoes
     * it must know; -1 = not touched. */
    void (*before_touch)(void *arg, int64_t wait_timeout_ms, int64_t session_idle_ms);
    void *arg;
};

enum drain_emptied {
    DRAIN_EMPTY,         /* no client is left */
    DRAIN_TIME_UP,       /* some are, or it is not known */
    DRAIN_NODE_GONE,     /* ProxySQL has ended */
    DRAIN_INTERRUPTED,   /* what is wanted has changed, or the agent stops at once */
    DRAIN_SOMEBODY_CAME, /* before pause_by_ms; the old wait_timeout counts again */
};

struct drain_emptied_result {
    int64_t at_first;     /* clients when first counted; -1 = never */
    int64_t clients;      /* that are left; -1 = not known */
    int64_t transactions; /* of them in a transaction; -1 = not known */
    int64_t holders;      /* sessions that held something when they were waited for no longer */
    struct error problem; /* the last reason why the node could not be asked; code 0 = none */
};

enum drain_emptied drain_empty(struct drain_node *node, struct job *job, const struct drain_emptying *how,
                               struct drain_emptied_result *ret_result);

/* A wait_timeout that a drain has set. */
bool drain_wait_timeout_is_ours(int64_t wait_timeout_ms);
