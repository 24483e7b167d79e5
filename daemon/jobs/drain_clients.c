#include "daemon/jobs/drain_steps.h"

#include <errno.h>

#include "daemon/jobs/drain.h"
#include "daemon/jobs/drain_empty.h"
#include "daemon/jobs/job_table.h"
#include "shared/clock.h"
#include "shared/log.h"

/*
 * Note: slow_pause. Where there is the PostgreSQL module PAUSE takes 6 to 7 s, with the admin mutex held: nobody can
 * count clients meanwhile, nor shed them, nor send SHUTDOWN (docs/proxysql-facts.md). A shutdown of such a node leaves
 * it out when nobody has come any more for a while, and sends it as soon as somebody does: a client that was shed and
 * came back would be shed again. A maintenance always pauses, because it has to stay empty.
 */
enum {
    look_ms = 500,        /* how often the node is looked at while it accepts */
    pause_ms = 10 * 1000, /* PAUSE answers within mysql-poll_timeout (2 s), usually */
    pause_least_ms = 2500,
    slow_pause_ms = 8 * 1000,
    quiet_least_ms = 800, /* before the end of accepting: two looks, a little less */
    somebody_came = 2,    /* beside DRAIN_ORDER_CHANGED */
};

/* --- ProxySQL ended by itself */

/* Was it there when the drain began? Then its clients were cut, in the most common way. */
static void log_gone_early(const struct drain *d)
{
    struct health_snapshot health;
    health_state_get(d->c->health, &health);
    if (health.lives == 0 || health.admin == ADMIN_REFUSED)
        log_info("draining: ProxySQL has ended already, there is nothing to drain");
    else
        log_warn("draining: ProxySQL has ended before it was drained, so its clients were cut; a preStop hook on its "
                 "container that calls /shutdown keeps it until they have left");
}

static void note_gone(struct drain *d)
{
    struct drain_stats stats;
    d->gone = true;
    drain_get_stats(d->node.state, &stats);
    if (stats.step == DRAIN_STEP_ACCEPTING)
        log_gone_early(d);
    else
        log_warn("draining: ProxySQL has ended by itself; clients that were left are cut",
                 LOG_STR("step", drain_step_name(stats.step)), LOG_INT("clients", stats.clients_at_pause));
    if (d->node.order.target == DRAIN_MAINTENANCE)
        drain_keep_problem(d, -ECONNREFUSED, "ProxySQL has ended by itself");
}

/* --- b: the balancers learn */

int drain_accept(struct drain *d)
{
    struct admin_traffic traffic = {0};
    const struct job_progress progress = {.text = "waiting for the balancers", .unit = ""};
    while (!d->m->accepted) {
        struct error ignored = ERROR_INIT;
        if (job_should_stop(d->job))
            return -ECANCELED;
        if (clock_mono_ms() >= d->plan.empty_until_ms)
            break; /* a statement without any time would be left unanswered, and in the way of PAUSE and SHUTDOWN */
        int rc = drain_node_look(&d->node, d->plan.empty_until_ms, &traffic, &ignored);
        if (rc == -ECONNREFUSED && drain_node_gone(&d->node)) {
            note_gone(d);
            return 0;
        }
        int64_t now_ms = clock_mono_ms();
        int64_t left_ms = d->plan.accept_until_ms - now_ms;
        if (left_ms <= 0 || (rc == 0 && traffic.paused))
            break;
        job_report_progress(d->job, &progress);
        if (drain_state_sleep(d->node.state, &d->node.order, now_ms + (left_ms < look_ms ? left_ms : look_ms)))
            return DRAIN_ORDER_CHANGED;
    }
    d->m->accepted = true;
    return 0;
}

/* --- c: no new clients */

/* How long new clients were accepted is known when the step ends in which that was all that happened. */
static void enter_from_accepting(struct drain *d, enum drain_step step)
{
    struct drain_stats stats;
    drain_get_stats(d->node.state, &stats);
    int64_t took_ms = drain_state_enter(d->node.state, step);
    if (stats.step == DRAIN_STEP_ACCEPTING)
        d->accepted_ms = took_ms;
}

/* Also without any time for clients to leave it gets what it needs. */
static int64_t pause_limit_ms(const struct drain *d)
{
    int64_t now_ms = clock_mono_ms();
    int64_t limit_ms = now_ms + pause_ms < d->plan.empty_until_ms ? now_ms + pause_ms : d->plan.empty_until_ms;
    if (limit_ms < now_ms + pause_least_ms)
        limit_ms = now_ms + pause_least_ms;
    return limit_ms < d->plan.stopped_ms ? limit_ms : d->plan.stopped_ms;
}

static int pause_node(struct drain *d)
{
    struct error err = ERROR_INIT;
    enter_from_accepting(d, DRAIN_STEP_PAUSING);
    int rc = drain_node_pause(&d->node, pause_limit_ms(d), &err);
    if (rc == DRAIN_ORDER_CHANGED)
        return rc;
    int64_t paused_ms = drain_state_enter(d->node.state, DRAIN_STEP_EMPTYING);
    if (rc == 0) {
        log_info("draining: new clients are refused", LOG_INT("accepted_ms", d->accepted_ms),
                 LOG_INT("pause_ms", paused_ms));
        return 0;
    }
    if (drain_node_gone(&d->node)) {
        note_gone(d);
        return 0;
    }
    drain_keep_problem(d, rc, err.text);
    log_warn("draining: PROXYSQL PAUSE did not work; new clients may still come", LOG_STR("error", err.text),
             LOG_INT("pause_ms", paused_ms));
    return 0;
}

/* --- d, e: clients leave */

static void log_left(struct drain *d, const struct drain_emptied_result *r, int64_t took_ms)
{
    drain_state_cut(d->node.state, r->clients, r->transactions);
    if (r->clients < 0) {
        drain_keep_problem(d, r->problem.code < 0 ? r->problem.code : -ETIMEDOUT, r->problem.text);
        log_warn("draining: time is up, and how many clients are left is not known", LOG_STR("error", r->problem.text),
                 LOG_INT("emptying_ms", took_ms));
        return;
    }
    log_warn("draining: time is up, clients are left", LOG_INT("clients", r->clients),
             LOG_INT("in_transaction", r->transactions), LOG_INT("clients_at_pause", r->at_first),
             LOG_INT("emptying_ms", took_ms), LOG_STR("error", r->problem.text));
}

static void log_empty(struct drain *d, const struct drain_emptied_result *r, int64_t took_ms)
{
    drain_state_cut(d->node.state, 0, 0);
    log_info("draining: no client is left", LOG_INT("clients_at_pause", r->at_first), LOG_INT("emptying_ms", took_ms));
}

/* pause_by_ms: so long somebody who comes is a reason to return somebody_came; 0 = nobody can. */
static int empty_node(struct drain *d, int64_t pause_by_ms)
{
    struct drain_emptied_result result;
    bool satellite = d->c->config->run_mode == RUN_MODE_SATELLITE;
    const struct drain_emptying how = {.close_idle = d->c->config->shutdown.close_idle,
                                       .may_touch_variables = satellite,
                                       .leaves_for_good = !satellite && d->node.order.target == DRAIN_STOPPED,
                                       .holders_until_ms = d->plan.holders_until_ms,
                                       .until_ms = d->plan.empty_until_ms,
                                       .pause_by_ms = pause_by_ms,
                                       .old_wait_timeout_ms = d->m->record.wait_timeout_ms,
                                       .old_session_idle_ms = d->m->record.session_idle_ms,
                                       .before_touch = drain_remember_variables,
                                       .arg = d};
    int64_t began_ms = clock_mono_ms();
    enum drain_emptied emptied = drain_empty(&d->node, d->job, &how, &result);
    int64_t took_ms = clock_mono_ms() - began_ms;
    if (emptied == DRAIN_INTERRUPTED)
        return job_should_stop(d->job) ? -ECANCELED : DRAIN_ORDER_CHANGED;
    if (emptied == DRAIN_SOMEBODY_CAME) {
        log_info("draining: new clients still come", LOG_INT("new_clients", d->node.new_clients),
                 LOG_INT("clients", result.clients), LOG_INT("emptying_ms", took_ms));
        return somebody_came;
    }
    if (emptied == DRAIN_NODE_GONE)
        note_gone(d);
    else if (emptied == DRAIN_TIME_UP)
        log_left(d, &result, took_ms);
    else
        log_empty(d, &result, took_ms);
    d->m->emptied = true;
    return 0;
}

/* --- c to e, one way or the other */

/* An agent that was killed in the middle had come so far before. */
static bool was_emptying(const struct drain *d)
{
    return d->m->stop_by_ms != 0 && d->m->record.wait_timeout_ms >= 0;
}

/* Whether PAUSE may be left out, see slow_pause. */
static bool may_stay_open(struct drain *d)
{
    struct error ignored = ERROR_INIT;
    struct admin_traffic traffic;
    if (d->node.order.target != DRAIN_STOPPED || !d->node.pgsql || clock_mono_ms() >= d->plan.empty_until_ms ||
        drain_node_look(&d->node, d->plan.empty_until_ms, &traffic, &ignored) < 0 || traffic.paused)
        return false;
    return was_emptying(d) || drain_node_quiet_ms(&d->node) >= quiet_least_ms;
}

static int empty_open_node(struct drain *d)
{
    enter_from_accepting(d, DRAIN_STEP_EMPTYING);
    log_info("draining: no new clients come, so PROXYSQL PAUSE, which takes seconds in this version, is left out",
             LOG_INT("accepted_ms", d->accepted_ms));
    return empty_node(d, d->plan.empty_until_ms - slow_pause_ms);
}

int drain_clients(struct drain *d)
{
    int rc = may_stay_open(d) ? empty_open_node(d) : somebody_came;
    if (rc != somebody_came)
        return rc;
    rc = pause_node(d);
    return rc == 0 && !d->gone ? empty_node(d, 0) : rc;
}
