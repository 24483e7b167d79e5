#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/jobs/drain.h"
#include "daemon/jobs/job_table.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

/* One who waits for what he asked for. */
struct asker {
    const struct job_context *c;
    enum drain_target target;
    job_progress_fn *progress;
    job_done_fn *done;
    void *arg;
};

static int submit(struct asker *asker, struct error *err);

static void report_progress(void *arg, const struct job_progress *progress)
{
    const struct asker *asker = arg;
    if (asker->progress != NULL)
        asker->progress(asker->arg, progress);
}

/* Who asked while a job was ending has joined that one, although it did not do what he wants: it is submitted again. */
static void drain_ended(void *arg, const struct job_result *result)
{
    struct asker *asker = arg;
    struct job_result own = *result;
    struct drain_order order;
    drain_state_order(asker->c->drain, &order);
    bool reached = drain_state_reached(asker->c->drain) == asker->target;
    if (!reached && own.code == 0 && order.target == asker->target && submit(asker, NULL) == 0)
        return;
    if (!reached && order.target != asker->target) {
        own.code = -ECANCELED;
        own.text = "something else was asked for meanwhile";
    }
    asker->done(asker->arg, &own);
    (void)atomic_fetch_sub(&asker->c->drain_memory->askers, 1);
    free(asker);
}

static int64_t budget_ms(const struct job_context *c, enum drain_target target)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    int64_t drain_s = config->shutdown.drain_timeout + config->shutdown.maintenance_delay;
    if (target == DRAIN_STOPPED)
        return config->shutdown.shutdown_timeout * 1000 + DRAIN_DEADLINE_MS;
    return target == DRAIN_MAINTENANCE ? drain_s * 1000 + DRAIN_DEADLINE_MS : DRAIN_DEADLINE_MS;
}

static int submit(struct asker *asker, struct error *err)
{
    const struct job_submission submission = {.kind = JOB_DRAIN,
                                              .done = drain_ended,
                                              .progress = report_progress,
                                              .arg = asker,
                                              .deadline_ms = budget_ms(asker->c, asker->target)};
    return job_queue_submit_with(asker->c->queue, &submission, err);
}

static int submit_kept(const struct job_context *c, struct error *err);

/* The place is given back before the order is looked at: who asks from now on takes it. */
static void kept_ended(void *arg, const struct job_result *result)
{
    struct asker *asker = arg;
    const struct job_context *c = asker->c;
    struct drain_order order;
    (void)result;
    free(asker);
    atomic_store(&c->drain_memory->kept, false);
    drain_state_order(c->drain, &order);
    if (drain_state_reached(c->drain) != order.target && submit_kept(c, NULL) < 0)
        log_debug("the drain's job is not submitted again: the agent stops");
}

/* Those who do not wait share one place, which is theirs however many wait: who has it sees to it that what was asked
 * for last is done. */
static int submit_kept(const struct job_context *c, struct error *err)
{
    struct drain_order order;
    if (atomic_exchange(&c->drain_memory->kept, true))
        return 0;
    drain_state_order(c->drain, &order);
    struct asker *asker = xcalloc(1, sizeof(*asker));
    asker->c = c;
    const struct job_submission submission = {
        .kind = JOB_DRAIN, .done = kept_ended, .arg = asker, .deadline_ms = budget_ms(c, order.target)};
    int rc = job_queue_submit_with(c->queue, &submission, err);
    if (rc < 0) {
        atomic_store(&c->drain_memory->kept, false);
        free(asker);
    }
    return rc;
}

static int submit_waiting(const struct job_context *c, const struct drain_request *request, struct error *err)
{
    struct asker *asker = xcalloc(1, sizeof(*asker));
    *asker = (struct asker){
        .c = c, .target = request->target, .progress = request->progress, .done = request->done, .arg = request->arg};
    int rc = submit(asker, err);
    if (rc < 0)
        free(asker);
    return rc;
}

/* Before anything is asked for: who is refused has changed nothing. */
static int take_place(const struct job_context *c, const struct drain_request *request, struct error *err)
{
    if (request->done == NULL || atomic_fetch_add(&c->drain_memory->askers, 1) < DRAIN_ASKERS_MAX)
        return 0;
    (void)atomic_fetch_sub(&c->drain_memory->askers, 1);
    return error_set(err, -EBUSY, "drain refused: %d callers wait for it", DRAIN_ASKERS_MAX);
}

static int ask(const struct job_context *c, const struct drain_request *request, struct error *err)
{
    struct drain_stats stats;
    int rc = drain_state_ask(c->drain, request->target, request->now, request->delay_ms, err);
    if (rc < 0)
        return rc;
    drain_get_stats(c->drain, &stats);
    log_info("drain asked for", LOG_STR("by", request->by), LOG_STR("until", drain_target_name(request->target)),
             LOG_STR("step", drain_step_name(stats.step)));
    return request->done == NULL ? submit_kept(c, err) : submit_waiting(c, request, err);
}

int drain_request(const struct job_context *c, const struct drain_request *request, struct error *err)
{
    int rc = take_place(c, request, err);
    if (rc < 0)
        return rc;
    rc = ask(c, request, err);
    if (rc < 0 && request->done != NULL)
        (void)atomic_fetch_sub(&c->drain_memory->askers, 1);
    return rc;
}

/* One that cannot be read is read again when it is to be judged, with each answer of ProxySQL. */
static int read_file(const struct job_context *c, enum draining_owner *ret_owner, struct draining_record *ret_record)
{
    struct drain_memory *m = c->drain_memory;
    cleanup_config const struct config *config = config_live_get(c->live);
    struct error err = ERROR_INIT;
    int rc = draining_file_read(config->shutdown.draining_file, ret_owner, ret_record, &err);
    if (rc < 0 && !m->told_unreadable)
        log_warn("the draining file cannot be read, so it is not known whether a drain was going on; it is tried again "
                 "with each answer of ProxySQL",
                 LOG_STR("error", err.text));
    m->told_unreadable = rc < 0;
    return rc;
}

void drain_recover_at_start(const struct job_context *c)
{
    enum draining_owner owner;
    struct draining_record record;
    int rc = read_file(c, &owner, &record);
    if (rc == 0 && owner == DRAINING_NOBODY)
        return;
    if (rc == 0 && owner == DRAINING_OPERATOR) {
        log_info("a draining file that is the operator's keeps this pod from being ready");
        return;
    }
    if (rc == 0)
        log_info("a drain was going on when the agent ended; waiting for ProxySQL to see whether it goes on",
                 LOG_STR("kind", record.kind == DRAINING_SHUTDOWN ? "shutdown" : "maintenance"));
    job_queue_set_draining(c->queue, true);
    atomic_store(&c->drain_memory->recover, true);
}

void drain_note_answer(const struct job_context *c, bool new_life)
{
    struct drain_order order;
    drain_state_order(c->drain, &order);
    if (new_life && order.target == DRAIN_MAINTENANCE)
        atomic_store(&c->drain_memory->recover, true);
    int64_t again_ms = atomic_load(&c->drain_memory->undo_again_ms);
    bool undo_again = again_ms != 0 && clock_mono_ms() >= again_ms;
    if ((undo_again || atomic_load(&c->drain_memory->recover)) &&
        job_queue_submit(c->queue, JOB_DRAIN, NULL, NULL, NULL) < 0)
        log_debug("the drain's job waits for the next answer of ProxySQL");
}

static bool is_this_life(const struct draining_record *r, const struct health_snapshot *health)
{
    char host[DRAINING_HOST_SIZE];
    draining_host_id(host);
    return r->boot_ms >= 0 && strcmp(host, r->host) == 0 &&
           llabs(r->boot_ms - health->boot_ms) <= HEALTH_BOOT_TOLERANCE_MS;
}

/* What the file asks for, in this life of ProxySQL. */
static enum drain_target target_of(const struct draining_record *r, const struct health_snapshot *health)
{
    if (!is_this_life(r, health))
        return DRAIN_RUNNING;
    if (r->kind == DRAINING_MAINTENANCE)
        return DRAIN_MAINTENANCE;
    return clock_mono_ms() < r->deadline_ms ? DRAIN_STOPPED : DRAIN_RUNNING;
}

void drain_judge_file(const struct job_context *c)
{
    struct drain_memory *m = c->drain_memory;
    struct health_snapshot health;
    enum draining_owner owner;
    struct draining_record record;
    health_state_get(c->health, &health);
    if (!atomic_load(&m->recover) || health.admin != ADMIN_ANSWERS)
        return;
    atomic_store(&m->recover, false);
    if (read_file(c, &owner, &record) < 0) {
        atomic_store(&m->recover, true);
        return;
    }
    if (owner != DRAINING_AGENT) {
        m->own_file = false;
        if (!m->begun)
            job_queue_set_draining(c->queue, false);
        else if (drain_state_ask(c->drain, DRAIN_RUNNING, false, -1, NULL) == 0)
            log_info("a new life of ProxySQL ends the maintenance");
        return;
    }
    enum drain_target target = target_of(&record, &health);
    if (drain_state_ask(c->drain, target, false, -1, NULL) < 0)
        target = DRAIN_STOPPED; /* asked for meanwhile */
    m->record = record;
    m->own_file = true;
    m->stop_by_ms = target == DRAIN_STOPPED && record.kind == DRAINING_SHUTDOWN ? record.deadline_ms : 0;
    if (target == DRAIN_STOPPED && m->stop_by_ms < clock_mono_ms())
        m->stop_by_ms = 0;
    m->accepted = m->stop_by_ms != 0 && record.wait_timeout_ms >= 0; /* clients were on their way out */
    log_info("draining file judged", LOG_STR("until", drain_target_name(target)),
             LOG_BOOL("same_life", is_this_life(&record, &health)));
}
