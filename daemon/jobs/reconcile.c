#include "daemon/jobs/reconcile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cluster/departures.h"
#include "daemon/cluster/wanted.h"
#include "daemon/discovery/member_source.h"
#include "daemon/discovery/own_pod.h"
#include "daemon/jobs/drain_grace.h"
#include "daemon/jobs/reconcile_pass.h"
#include "daemon/proxysql/admin_cluster.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum {
    look_ms = 3000,           /* for the source to say who the cores are */
    confirm_ms = 5000,        /* a fresh list of the core pods must come within this time */
    event_explains_ms = 5000, /* so long after it; a watch can be dead for longer without a word */
    passes_max = 2,           /* writes in one job: the read-back may differ once */
};

struct reconcile_state *reconcile_state_new(void)
{
    struct reconcile_state *state = xcalloc(1, sizeof(*state));
    state->departures = departures_new();
    own_pod_detect(&state->own);
    return state;
}

void reconcile_state_free(struct reconcile_state *state)
{
    if (state == NULL)
        return;
    departures_free(state->departures);
    own_pod_fini(&state->own);
    free(state);
}

/* Also while ProxySQL does not answer: what is new then is not new any more when it does. */
static void notice(struct reconcile_state *s, const struct pod_view *view)
{
    int64_t now_ms = clock_mono_ms();
    if (s->noticed_ms == 0 || s->noticed_version != view->core_version)
        s->noticed_ms = s->noticed_ms == 0 ? view->listed_ms : now_ms;
    s->noticed_version = view->core_version;
    if (s->accept_from_ms == 0 && view->others_complete)
        s->accept_from_ms = now_ms;
}

static void notice_answer(struct reconcile_state *s, const struct pod_view *view, uint16_t port)
{
    if (!view->confirmed || view->confirmed_ms == s->answered_ms)
        return;
    s->answered_ms = view->confirmed_ms;
    departures_answer(s->departures, view->pods, view->count, port, clock_mono_ms());
}

static int take_view(struct pass *p, struct error *err)
{
    const struct member_source *source = p->context->members;
    pod_view_free(p->view);
    p->view = source->look(source->arg, clock_mono_ms() + look_ms);
    if (!p->view->complete)
        return error_set(err, -EAGAIN, "the cores are not known yet");
    notice(p->state, p->view);
    notice_answer(p->state, p->view, p->context->admin_port);
    return 0;
}

/* Rows that the source does not name are kept for a while when it knows addresses alone. */
static int keep_for_now(struct pass *p, struct error *err)
{
    struct reconcile_state *s = p->state;
    int rc = departures_keep(s->departures, &p->runtime, clock_mono_ms(), &p->wanted, err);
    if (departures_returns(s->departures) > s->returns)
        log_warn("a row that was removed or corrected has come back: another core is told of other members, or writes "
                 "other comments; it is waited longer each time. All cores need the same core.discovery and the same "
                 "view",
                 LOG_STR("discovery", p->context->members->name));
    s->returns = departures_returns(s->departures);
    return rc;
}

static int want(struct pass *p, struct error *err)
{
    const struct wanted_question question = {.pods = p->view->pods,
                                             .pod_count = p->view->count,
                                             .port = p->context->admin_port,
                                             .runtime = &p->runtime,
                                             .own = &p->state->own};
    member_list_fini(&p->wanted);
    int rc = wanted_members(&question, &p->wanted, err);
    return rc < 0 || p->context->members->knows_pods ? rc : keep_for_now(p, err);
}

static int read_runtime(struct pass *p, struct error *err)
{
    member_list_fini(&p->runtime);
    int rc = admin_read_members(p->to.conn, publisher_deadline_ms(&p->to), &p->runtime, err);
    p->node_failed = p->node_failed || rc < 0;
    p->node_took = p->node_took || rc == 0;
    return rc;
}

bool pass_is_settled(const struct pass *p)
{
    return member_list_equal(&p->runtime, &p->wanted);
}

bool pass_is_explained(const struct pass *p)
{
    const struct reconcile_state *s = p->state;
    bool is_new = !s->settled || s->settled_version != p->view->core_version;
    return p->view->confirmed && is_new && clock_mono_ms() - s->noticed_ms <= event_explains_ms;
}

int pass_confirm(struct pass *p, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    const struct member_source *source = p->context->members;
    int rc = source->confirm(source->arg, now_ms, now_ms + confirm_ms, err);
    if (rc < 0)
        return error_wrap(err, "no fresh list of the core pods, so nothing is written");
    rc = take_view(p, err);
    return rc == 0 ? want(p, err) : rc;
}

bool pass_must_wait(struct pass *p)
{
    int64_t next_ms = p->state->last_write_ms + p->context->config->core.publish_interval_ms;
    int64_t wait_ms = next_ms - clock_mono_ms();
    if (p->state->last_write_ms == 0 || wait_ms <= 0)
        return false;
    job_again_in(p->to.job, wait_ms);
    return true;
}

/* Memory is brought to the wanted rows also when only the LOAD is asked for: it would publish whatever is there. */
static int write_once(struct pass *p, enum load_reason why, struct error *err)
{
    int64_t began_ms = clock_mono_ms();
    int rc = publisher_write(&p->to, &p->wanted, why, err);
    if (rc == 0)
        p->state->last_load_ms = began_ms;
    p->node_failed = p->node_failed || (rc < 0 && rc != -ECANCELED);
    return rc;
}

int pass_write(struct pass *p, enum load_reason why, struct error *err)
{
    p->state->last_write_ms = clock_mono_ms();
    for (int i = 0; i < passes_max; i++) {
        int rc = write_once(p, why, err);
        if (rc == 0)
            rc = read_runtime(p, err);
        if (rc < 0 || pass_is_settled(p))
            return rc;
    }
    return error_set(err, -EBUSY, "runtime_proxysql_servers is not what was just loaded: somebody else writes it");
}

/* The newest moment at which a pod that is no core became Running, after all that were there when we began. */
static int64_t newest_arrival_ms(const struct pass *p)
{
    int64_t newest = 0;
    for (size_t i = 0; i < p->view->count; i++) {
        const struct pod *pod = &p->view->pods[i];
        if (!pod->is_core && !pod->terminating && pod->running_since_ms > newest)
            newest = pod->running_since_ms;
    }
    return newest > p->state->accept_from_ms ? newest : 0;
}

static int accept_satellites(struct pass *p, struct error *err)
{
    struct reconcile_state *s = p->state;
    if (!p->view->others_complete || !p->view->confirmed)
        return 0;
    int64_t now_ms = clock_mono_ms();
    int64_t arrival_ms = newest_arrival_ms(p);
    if (arrival_ms == 0 || arrival_ms <= s->last_load_ms)
        return 0;
    int64_t next_ms = s->last_load_ms + p->context->config->core.accept_interval * 1000;
    if (s->last_load_ms != 0 && now_ms < next_ms) {
        job_again_in(p->to.job, next_ms - now_ms);
        return 0;
    }
    int rc = write_once(p, LOAD_SATELLITE_RUNNING, err);
    if (rc == 0)
        job_set_summary(p->to.job, "%zu members loaded once more, for a satellite that has come", p->wanted.count);
    return rc;
}

static void watch_own_pod(struct pass *p)
{
    const struct pod *own = wanted_own_pod(p->view->pods, p->view->count);
    drain_warn_grace(p->context, own);
    bool present = own != NULL && own->is_core;
    if (!absence_look(&p->state->own_missing, present, p->view->confirmed, clock_mono_ms()))
        return;
    const struct config *c = p->context->config;
    if (p->context->members->knows_pods)
        log_warn(p->context->members->own_missing, LOG_STR("namespace", c->core.podselector.namespace),
                 LOG_STR("app", c->core.podselector.app), LOG_STR("component", c->core.podselector.component));
    else
        log_warn(p->context->members->own_missing);
}

/* Does this pass write by a lease, and is it ours? */
static bool is_follower(struct pass *p)
{
    struct elector *elector = p->context->pods != NULL ? pod_watch_elector(p->context->pods) : NULL;
    if (elector == NULL)
        return false;
    if (!elector_leads(elector, &p->to.term))
        return true;
    p->to.elector = elector;
    p->state->alone_ms = 0;
    return false;
}

/* For who asked: what became of the difference. */
static void say_deferred(const struct pass *p)
{
    job_set_summary(p->to.job,
                    "nothing done yet: the members differ, and the next write may come %lld ms after the last",
                    (long long)p->context->config->core.publish_interval_ms);
}

/* Members of one list that the other has not. */
static size_t count_missing(const struct member_list *of, const struct member_list *in)
{
    size_t missing = 0;
    for (size_t i = 0; i < of->count; i++)
        missing += member_list_find(in, of->items[i].host, of->items[i].port) == NULL ? 1 : 0;
    return missing;
}

static int write_difference(struct pass *p, struct error *err)
{
    size_t added = count_missing(&p->wanted, &p->runtime);
    size_t removed = count_missing(&p->runtime, &p->wanted);
    int rc = pass_write(p, LOAD_CORES_CHANGED, err);
    if (rc == 0)
        job_set_summary(p->to.job, "%zu members written and loaded: %zu added, %zu removed", p->wanted.count, added,
                        removed);
    return rc;
}

static int run_pass(struct pass *p, struct error *err)
{
    int rc = take_view(p, err);
    if (rc == 0)
        watch_own_pod(p);
    if (rc == 0)
        rc = read_runtime(p, err);
    if (rc == 0)
        rc = want(p, err);
    if (rc == 0 && is_follower(p))
        return pass_follow(p, err);
    if (rc == 0 && !pass_is_settled(p) && pass_must_wait(p)) {
        say_deferred(p);
        return 0;
    }
    if (rc == 0 && !pass_is_settled(p) && !pass_is_explained(p))
        rc = pass_confirm(p, err);
    if (rc < 0)
        return rc;
    if (pass_is_settled(p))
        job_set_summary(p->to.job, "nothing to do: %zu members, as they should be", p->wanted.count);
    else
        rc = write_difference(p, err);
    if (rc < 0)
        return rc;
    p->state->settled = true;
    p->state->settled_version = p->view->core_version;
    return accept_satellites(p, err);
}

static void count_members(const struct pass *p)
{
    const struct job_counters_cluster cluster = {.members_wanted = (int64_t)p->wanted.count,
                                                 .members_actual = (int64_t)p->runtime.count,
                                                 .members_missing = (int64_t)count_missing(&p->wanted, &p->runtime)};
    if (p->wanted.count > 0)
        job_counters_set_cluster(&cluster);
}

static int run_on_node(struct pass *p, struct error *err)
{
    struct health_snapshot health;
    health_state_get(p->context->health, &health);
    if (health.admin != ADMIN_ANSWERS) {
        p->node_failed = true;
        return error_set(err, -EAGAIN, "ProxySQL does not answer");
    }
    int rc = db_pool_get(p->context->pool, DB_LANE_WRITE, publisher_deadline_ms(&p->to), &p->to.conn, err);
    p->node_failed = rc < 0;
    if (rc == 0)
        rc = run_pass(p, err);
    count_members(p);
    db_pool_put(p->context->pool, p->to.conn);
    return rc;
}

/* The election needs to know whether this core could write at all. */
static void report_node(const struct pass *p)
{
    struct elector *elector = p->context->pods != NULL ? pod_watch_elector(p->context->pods) : NULL;
    if (elector != NULL && (p->node_failed || p->node_took))
        elector_report_node(elector, !p->node_failed);
}

int reconcile_run(struct job *job, void *context, struct error *err)
{
    struct job_context *c = context;
    if (c->members == NULL)
        return error_set(err, -ENOTSUP, "nothing says who the cores are");
    struct pass p = {.to = {.job = job, .config = c->config}, .context = c, .state = c->reconcile};
    int rc = take_view(&p, err);
    if (rc == 0)
        rc = run_on_node(&p, err);
    report_node(&p);
    pod_view_free(p.view);
    member_list_fini(&p.runtime);
    member_list_fini(&p.wanted);
    if (rc < 0 && rc != -ECANCELED && rc != -EAGAIN) {
        static struct log_limit limit = LOG_LIMIT_INIT(5, 60 * 1000);
        uint64_t suppressed = 0;
        if (log_limit_pass(&limit, &suppressed))
            log_warn("reconcile failed; it is tried again with back-off", LOG_STR("error", err->text),
                     LOG_INT("not_logged", suppressed));
    }
    return rc;
}
