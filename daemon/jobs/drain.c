#include "daemon/jobs/drain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/jobs/drain_empty.h"
#include "daemon/jobs/drain_grace.h"
#include "daemon/jobs/drain_steps.h"
#include "daemon/jobs/job_table.h"
#include "shared/clock.h"
#include "shared/log.h"

/*
 * Note: steps. The job looks what is wanted (the order), plans from what it has done already (the memory) and goes on
 * from there; when the order changes in the middle of a wait it begins to plan again. A step that fails is kept as the
 * drain's result, and the next one is taken all the same: what still works goes on.
 */
enum {
    undo_ms = 15 * 1000,  /* RESUME answers within milliseconds, or never */
    undo_again_ms = 5000, /* after a failed undo; doubles with each one more */
    undo_again_max_ms = 60 * 1000,
};

static int64_t delay_ms(const struct drain *d)
{
    const struct config *config = d->c->config;
    if (d->m->accepted)
        return 0;
    if (d->node.order.delay_ms >= 0)
        return d->node.order.delay_ms;
    return 1000 *
           (d->node.order.target == DRAIN_STOPPED ? config->shutdown.pause_delay : config->shutdown.maintenance_delay);
}

static void make_plan(struct drain *d)
{
    const struct config *config = d->c->config;
    struct drain_memory *m = d->m;
    bool stop = d->node.order.target == DRAIN_STOPPED;
    if (!m->begun || m->target != d->node.order.target)
        m->target_ms = clock_mono_ms();
    struct drain_plan_question question = {.stop = stop,
                                           .begin_ms = m->target_ms,
                                           .delay_ms = delay_ms(d),
                                           .drain_ms = config->shutdown.drain_timeout * 1000,
                                           .stop_ms = config->shutdown.shutdown_timeout * 1000,
                                           .grace_ms = drain_own_grace_ms(d->c)};
    if (m->stop_by_ms != 0 && m->stop_by_ms - m->target_ms < question.stop_ms)
        question.stop_ms = m->stop_by_ms - m->target_ms;
    drain_plan_make(&question, &d->plan);
    if (d->plan.cut_by_grace)
        log_warn("draining: the grace period of this pod ends before shutdown.shutdown_timeout, so it is what counts",
                 LOG_INT("grace_s", question.grace_ms / 1000), LOG_INT("budget_ms", d->plan.end_ms - m->target_ms));
    m->target = d->node.order.target;
}

void drain_keep_problem(struct drain *d, int code, const char *text)
{
    (void)error_set(&d->problem, code, "%s", text);
}

/* --- the draining file */

static int put_file(struct drain *d, struct error *err)
{
    const char *path = d->c->config->shutdown.draining_file;
    if (d->m->own_file)
        return draining_file_update(path, &d->m->record, err);
    int rc = draining_file_create(path, &d->m->record, err);
    if (rc == -EEXIST) {
        error_clear(err); /* one of an agent before us, or the operator's */
        rc = draining_file_update(path, &d->m->record, err);
    }
    d->m->own_file = rc == 0;
    return rc;
}

/* Without the file the drain goes on: readiness does not need it, only an agent that comes back does. */
static void write_file(struct drain *d)
{
    struct error err = ERROR_INIT;
    int rc = put_file(d, &err);
    if (rc == -EPERM)
        log_info("draining: the draining file is the operator's and stays as it is",
                 LOG_STR("file", d->c->config->shutdown.draining_file));
    else if (rc < 0)
        log_warn("draining: without a draining file an agent that is restarted meanwhile does not go on",
                 LOG_STR("error", err.text));
    if (rc < 0)
        d->m->own_file = false;
}

/* first: this drain begins; in the next part of it what is remembered stays. */
static void fill_record(struct drain *d, bool first)
{
    struct draining_record *r = &d->m->record;
    struct health_snapshot health;
    health_state_get(d->c->health, &health);
    bool stop = d->node.order.target == DRAIN_STOPPED;
    r->kind = stop ? DRAINING_SHUTDOWN : DRAINING_MAINTENANCE;
    r->deadline_ms = stop ? d->plan.end_ms : 0;
    if (d->m->own_file || !first)
        return;
    draining_host_id(r->host);
    r->boot_ms = health.lives > 0 && health.boot_ms >= 0 ? health.boot_ms : -1;
    r->wait_timeout_ms = -1;
    r->session_idle_ms = -1;
    r->began_ms = clock_real_ms();
}

void drain_remember_variables(void *arg, int64_t wait_timeout_ms, int64_t session_idle_ms)
{
    struct drain *d = arg;
    d->m->record.wait_timeout_ms = wait_timeout_ms;
    d->m->record.session_idle_ms = session_idle_ms;
    if (d->m->own_file)
        write_file(d);
}

/* --- a: not ready */

static void begin(struct drain *d)
{
    job_queue_set_draining(d->c->queue, true);
    (void)phase_advance(d->c->phase, PHASE_DRAINING);
    bool first = !d->m->begun;
    if (first) {
        drain_state_begin(d->node.state);
        (void)drain_state_enter(d->node.state, DRAIN_STEP_ACCEPTING);
    }
    d->m->begun = true;
    log_info("draining: not ready any more", LOG_STR("until", drain_target_name(d->node.order.target)),
             LOG_INT("accept_ms", d->plan.accept_until_ms - d->m->target_ms),
             LOG_INT("drain_ms", d->plan.empty_until_ms - d->m->target_ms),
             LOG_INT("end_ms", d->plan.end_ms - d->m->target_ms));
    fill_record(d, first);
    write_file(d);
}

/* --- f: the end */

static void stop_node(struct drain *d)
{
    struct error err = ERROR_INIT;
    (void)phase_advance(d->c->phase, PHASE_STOPPING);
    (void)drain_state_enter(d->node.state, DRAIN_STEP_STOPPING);
    int rc = d->gone ? 0 : drain_node_stop(&d->node, d->plan.stopped_ms, &err);
    int64_t took_ms = drain_state_enter(d->node.state, DRAIN_STEP_STOPPED);
    if (rc < 0)
        drain_keep_problem(d, rc, err.text);
    else if (rc == 0 && !d->gone)
        log_info("draining: ProxySQL has stopped", LOG_INT("shutdown_ms", took_ms));
}

/* --- the way back */

/* Only what is still as the drain set it. */
static int restore_variables(struct drain *d, int64_t limit_ms, struct error *err)
{
    struct admin_traffic traffic;
    const struct draining_record *r = &d->m->record;
    int rc = drain_node_look(&d->node, limit_ms, &traffic, err);
    if (rc < 0)
        return rc;
    bool wait_timeout = r->wait_timeout_ms >= 0 && drain_wait_timeout_is_ours(traffic.wait_timeout_ms);
    bool session_idle = r->session_idle_ms >= 0 && traffic.session_idle_ms == ADMIN_SESSION_IDLE_MAX_MS;
    int64_t deadline_ms = drain_node_deadline_ms(&d->node, limit_ms);
    d->restored = wait_timeout || session_idle;
    if (session_idle)
        rc = admin_set_session_idle(d->node.conn, r->session_idle_ms, deadline_ms, err);
    if (rc == 0 && (wait_timeout || session_idle))
        rc = admin_set_wait_timeout(d->node.conn, wait_timeout ? r->wait_timeout_ms : traffic.wait_timeout_ms,
                                    deadline_ms, err);
    return drain_node_settle(&d->node, rc);
}

static void forget(struct drain *d)
{
    struct error err = ERROR_INIT;
    if (d->m->own_file && draining_file_remove(d->c->config->shutdown.draining_file, &err) < 0)
        log_warn("the draining file stays, and with it this pod is not ready", LOG_STR("error", err.text));
    d->m->own_file = d->m->begun = d->m->accepted = d->m->emptied = false;
    d->m->stop_by_ms = 0;
    (void)drain_state_enter(d->node.state, DRAIN_STEP_NONE);
    job_queue_set_draining(d->c->queue, false);
    (void)phase_return(d->c->phase);
    if (d->c->scheduler != NULL) {
        scheduler_hasten(d->c->scheduler, JOB_RECONCILE);
        scheduler_hasten(d->c->scheduler, JOB_RESYNC);
        scheduler_hasten(d->c->scheduler, JOB_STAMP);
    }
}

static void summarise_undo(const struct drain *d, bool resumed)
{
    struct drain_stats s;
    drain_get_stats(d->node.state, &s);
    job_set_summary(d->job, "serving again after %lld s: %s, %s",
                    (long long)(s.began_ms == 0 ? 0 : clock_mono_ms() - s.began_ms) / 1000,
                    resumed ? "PROXYSQL RESUME" : "new clients were accepted all the time",
                    d->restored ? "timeouts restored" : "timeouts as they were");
}

/* The variables first: who comes in must not be thrown out. */
static int undo(struct drain *d, struct error *err)
{
    int64_t limit_ms = clock_mono_ms() + undo_ms;
    if (!d->m->begun && !d->m->own_file) {
        job_set_summary(d->job, "nothing to undo: this node does not drain");
        return 0;
    }
    (void)drain_state_enter(d->node.state, DRAIN_STEP_UNDOING);
    d->m->target = DRAIN_RUNNING;
    d->m->accepted = d->m->emptied = false;
    int rc = restore_variables(d, limit_ms, err);
    bool refuses = rc == 0 && drain_node_refuses_clients(&d->node);
    if (refuses)
        rc = drain_node_resume(&d->node, limit_ms, err);
    if (rc != 0)
        return rc;
    summarise_undo(d, refuses);
    forget(d);
    log_info("not draining any more: serving again");
    return 0;
}

/* --- all of it */

static int drain(struct drain *d)
{
    if (!d->m->begun || d->m->target != d->node.order.target) {
        make_plan(d);
        begin(d);
    } else {
        make_plan(d);
    }
    if (d->node.order.now || d->m->emptied)
        return 0;
    int rc = drain_accept(d);
    return rc == 0 && !d->gone ? drain_clients(d) : rc;
}

static void summarise(const struct drain *d)
{
    struct drain_stats s;
    drain_get_stats(d->node.state, &s);
    job_set_summary(d->job, "%s after %lld ms: %lld clients when emptying began, %lld left at the end",
                    drain_step_name(s.step), (long long)(clock_mono_ms() - s.began_ms), (long long)s.clients_at_pause,
                    (long long)s.cut);
}

static int undo_or_again(struct drain *d, struct error *err)
{
    int rc = undo(d, err);
    if (rc >= 0) {
        d->m->undo_failures = 0;
        return rc;
    }
    int64_t wait_ms = undo_again_ms;
    for (unsigned i = 0; i < d->m->undo_failures && wait_ms < undo_again_max_ms; i++)
        wait_ms *= 2;
    d->m->undo_failures++;
    atomic_store(&d->m->undo_again_ms, clock_mono_ms() + (wait_ms < undo_again_max_ms ? wait_ms : undo_again_max_ms));
    return rc;
}

/* Towards what is wanted now: 0, DRAIN_ORDER_CHANGED, or why it is not reached. */
static int follow(struct drain *d, struct error *err)
{
    atomic_store(&d->m->undo_again_ms, 0);
    if (d->node.order.target == DRAIN_RUNNING)
        return undo_or_again(d, err);
    d->m->undo_failures = 0;
    int rc = drain(d);
    if (rc != 0)
        return rc == DRAIN_ORDER_CHANGED ? rc : error_set(err, rc, "the agent stops");
    if (d->node.order.target == DRAIN_STOPPED)
        stop_node(d);
    else
        (void)drain_state_enter(d->node.state, DRAIN_STEP_DRAINED);
    summarise(d);
    return d->problem.code < 0 ? error_set(err, d->problem.code, "%s", d->problem.text) : 0;
}

/* An undo that goes on failing is said once: whoever asks for it again is told anyway. */
static void log_failure(const struct drain *d, const struct error *err)
{
    if (d->m->undo_failures > 1)
        log_debug("undoing the drain still fails", LOG_STR("error", err->text),
                  LOG_INT("again_in_ms", atomic_load(&d->m->undo_again_ms) - clock_mono_ms()));
    else
        log_error("draining failed", LOG_STR("until", drain_target_name(d->node.order.target)),
                  LOG_STR("error", err->text));
}

int drain_run(struct job *job, void *context, struct error *err)
{
    struct job_context *c = context;
    struct drain d = {.job = job, .c = c, .m = c->drain_memory, .problem = ERROR_INIT};
    int rc;
    drain_node_init(&d.node, c, c->drain);
    drain_judge_file(c);
    do {
        drain_state_order(c->drain, &d.node.order);
        error_clear(err);
        error_clear(&d.problem); /* what went wrong on the way to another end */
        d.gone = false;
        rc = follow(&d, err);
    } while (rc == DRAIN_ORDER_CHANGED || !drain_state_end(c->drain, &d.node.order, rc, err->text));
    drain_node_fini(&d.node);
    if (rc < 0)
        log_failure(&d, err);
    return rc;
}
