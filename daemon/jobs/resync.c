#include "daemon/jobs/resync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cluster/convergence.h"
#include "daemon/cluster/peers.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/other_node.h"
#include "daemon/jobs/publish.h"
#include "daemon/proxysql/admin_cluster.h"
#include "daemon/proxysql/capability.h"
#include "daemon/proxysql/tcp_check.h"
#include "shared/backoff.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/resolve.h"

enum {
    tcp_check_ms = 500,
    second_look_ms = 2000, /* after a peer became stale */
    report_wedged_passes = 2,
    converge_look_ms = 3000,
    reload_backoff_ms = 120 * 1000, /* half of it to all of it: 1 to 5 minutes, with reload_backoff_cap_ms */
    reload_backoff_cap_ms = 300 * 1000,
    copy_backoff_ms = 10 * 1000,
    copy_backoff_cap_ms = 300 * 1000,
};

struct resync_state {
    struct peer_tracker tracker;
    uint64_t life; /* of ProxySQL, to which all of this belongs */
    struct backoff reload_backoff;
    struct backoff copy_backoff;
    int64_t next_reload_ms; /* monotonic; 0 = at once */
    int64_t next_copy_ms;
    bool memory_touched; /* proxysql_servers was written but not loaded: a write did not come to its end */
    bool reported_unchecked;
    bool reported_missing;
};

/* One pass: what its steps share. */
struct pass {
    struct publisher to; /* our own node */
    struct job_context *context;
    struct resync_state *state;
    struct cluster_view view;
};

struct resync_state *resync_state_new(void)
{
    struct resync_state *s = xcalloc(1, sizeof(*s));
    backoff_init(&s->reload_backoff, reload_backoff_ms, reload_backoff_cap_ms);
    backoff_init(&s->copy_backoff, copy_backoff_ms, copy_backoff_cap_ms);
    return s;
}

void resync_state_free(struct resync_state *state)
{
    free(state);
}

static void begin_life(struct resync_state *s, uint64_t life)
{
    if (s->life == life)
        return;
    peer_tracker_reset(&s->tracker);
    s->life = life;
    s->next_reload_ms = 0;
    s->next_copy_ms = 0;
    s->memory_touched = false;
    s->reported_unchecked = false;
    s->reported_missing = false;
    backoff_reset(&s->reload_backoff);
    backoff_reset(&s->copy_backoff);
}

static void check_suspects(struct pass *p)
{
    struct peer_tracker *t = &p->state->tracker;
    struct tcp_target targets[TCP_CHECK_TARGETS_MAX];
    struct peer *suspects[TCP_CHECK_TARGETS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (t->items[i].condition != PEER_SUSPECT)
            continue;
        targets[count] = (struct tcp_target){.host = t->items[i].host, .port = t->items[i].port};
        suspects[count++] = &t->items[i];
    }
    if (count > 0)
        tcp_check(targets, count, clock_mono_ms() + tcp_check_ms);
    for (size_t i = 0; i < count; i++)
        suspects[i]->accepts = targets[i].accepts;
}

/* A suspect that accepts TCP is not missing: it hangs, has another version or refuses our login. Said once, and not of
 * one that has only just started and will be checked in a moment. */
static void report_wedged(struct resync_state *s)
{
    for (size_t i = 0; i < s->tracker.count; i++) {
        struct peer *peer = &s->tracker.items[i];
        peer->accepting = peer->accepts ? peer->accepting + 1 : 0;
        if (peer->accepting != report_wedged_passes)
            continue;
        log_warn("a core accepts connections but is not checked successfully: stuck, another version, or another "
                 "cluster password; it is left alone",
                 LOG_STR("core", peer->host), LOG_INT("age_s", peer->age_s));
    }
}

/* Memory was written and will not be loaded: it becomes what runtime is, so that nobody else loads it. */
static int restore_memory(struct pass *p, struct error *err)
{
    int rc = publisher_may_go_on(&p->to, err);
    if (rc == 0)
        rc = admin_save_members_from_runtime(p->to.conn, publisher_deadline_ms(&p->to), err);
    if (rc == 0)
        p->state->memory_touched = false;
    return rc;
}

/* The list of the configuration file in the place of one whose cores are all gone. */
static int reload_from_config(struct pass *p, struct error *err)
{
    uint64_t rows = 0;
    int rc = publisher_may_go_on(&p->to, err);
    if (rc < 0)
        return rc;
    p->state->memory_touched = true;
    rc = admin_clear_members(p->to.conn, publisher_deadline_ms(&p->to), err);
    if (rc == 0)
        rc = publisher_may_go_on(&p->to, err);
    if (rc == 0)
        rc = admin_load_members_from_config(p->to.conn, publisher_deadline_ms(&p->to), &rows, err);
    if (rc == 0 && rows == 0) {
        job_set_summary(p->to.job,
                        "all %zu cores are missing, and ProxySQL's configuration file has no "
                        "proxysql_servers: nothing was loaded",
                        p->state->tracker.count);
        log_warn("all cores are missing, but the configuration file of ProxySQL has no proxysql_servers: nothing is "
                 "published; add the cores' service there");
        return restore_memory(p, err);
    }
    if (rc == 0)
        rc = publisher_load(&p->to, LOAD_CORES_MISSING, err);
    if (rc == 0) {
        p->state->memory_touched = false;
        job_set_summary(p->to.job,
                        "all %zu cores are missing: proxysql_servers loaded from ProxySQL's configuration "
                        "file, %llu rows",
                        p->state->tracker.count, (unsigned long long)rows);
    }
    return rc;
}

/* Copy a node's list to ours, unless it is empty or the same. *ret_copied tells. */
static int copy_from(struct pass *p, const char *host, uint16_t port, enum load_reason why, bool *ret_copied,
                     struct error *err)
{
    cleanup_members struct member_list members = {0};
    *ret_copied = false;
    int rc = other_node_read_members(p->context, p->to.job, host, port, &members, err);
    if (rc < 0 || members.count == 0 || member_list_equal(&members, &p->view.members))
        return rc;
    p->state->memory_touched = true;
    rc = publisher_write(&p->to, &members, why, err);
    if (rc < 0)
        return rc;
    p->state->memory_touched = false;
    *ret_copied = true;
    job_set_summary(p->to.job, "proxysql_servers copied from core %s and loaded: %zu members", host, members.count);
    log_info("the member list was copied from a core", LOG_STR("core", host), LOG_INT("members", members.count));
    return 0;
}

/* No row answers: perhaps one of the addresses behind the cores' service does. With back-off: two of them may have
 * lists that differ and lead nowhere. */
static int ask_bootstrap(struct pass *p, struct error *err)
{
    const char *host = p->context->config->core.bootstrap_hostname;
    struct resync_state *s = p->state;
    struct resolved addresses = {0};
    if (clock_mono_ms() < s->next_copy_ms)
        return 0;
    if (host[0] == '\0' || resolve_host(host, clock_mono_ms() + tcp_check_ms, &addresses, NULL) < 0)
        return 0;
    for (size_t i = 0; i < addresses.count && !job_should_stop(p->to.job); i++) {
        struct error ignored = ERROR_INIT; /* the next address may answer */
        bool copied = false;
        int rc = copy_from(p, addresses.address[i], p->context->admin_port, LOAD_BOOTSTRAP, &copied, &ignored);
        if (rc == 0 && copied) {
            s->next_copy_ms = clock_mono_ms() + backoff_next_ms(&s->copy_backoff);
            return 0;
        }
        if (db_conn_busy(p->to.conn) || db_conn_broken(p->to.conn))
            return error_set(err, ignored.code, "%s", ignored.text);
    }
    return 0;
}

static int recover(struct pass *p, struct error *err)
{
    struct resync_state *s = p->state;
    int64_t now_ms = clock_mono_ms();
    if (!s->reported_missing)
        log_warn("all cores are missing", LOG_INT("cores", s->tracker.count));
    s->reported_missing = true;
    if (now_ms < s->next_reload_ms) {
        job_set_summary(p->to.job, "all %zu cores are missing; ProxySQL's configuration file is loaded again in %lld s",
                        s->tracker.count, (long long)(s->next_reload_ms - now_ms + 999) / 1000);
        return ask_bootstrap(p, err);
    }
    s->next_reload_ms = now_ms + backoff_next_ms(&s->reload_backoff);
    job_again_in(p->to.job, converge_look_ms);
    return reload_from_config(p, err);
}

/* Cores that may still come back by themselves: all but those that ProxySQL has not checked for long and that refuse
 * TCP. */
static size_t count_not_gone(const struct peer_tracker *t)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++)
        count += t->items[i].condition != PEER_SUSPECT || t->items[i].accepts ? 1 : 0;
    return count;
}

/* For who asked: what there was to do, before it is done. */
static void say_verdict(const struct pass *p, enum convergence verdict, const struct peer_row *authority)
{
    struct job *job = p->to.job;
    if (authority == NULL)
        job_set_summary(
            job,
            "nothing done: no core has answered this ProxySQL's checks lately, and %zu of %zu are not known "
            "to be gone",
            count_not_gone(&p->state->tracker), p->state->tracker.count);
    else if (verdict == CONVERGED)
        job_set_summary(job, "nothing to do: %zu members, the same as on core %s", p->view.members.count,
                        authority->host);
    else if (verdict == CONVERGENCE_PULL)
        job_set_summary(job, "nothing done: the members differ from core %s, and cluster sync pulls them",
                        authority->host);
    else
        job_set_summary(job,
                        "the members differ from core %s, and cluster sync does not pull them: to be copied "
                        "within %lld s",
                        authority->host, (long long)(p->state->next_copy_ms - clock_mono_ms() + 999) / 1000);
}

static int converge(struct pass *p, struct error *err)
{
    struct resync_state *s = p->state;
    const struct peer_row *authority = NULL;
    enum convergence verdict = convergence_judge(&p->view, &s->tracker, &authority);
    if (authority != NULL && s->reported_missing) {
        log_info("a core answers again", LOG_STR("core", authority->host));
        s->reported_missing = false;
        s->next_reload_ms = 0;
        backoff_reset(&s->reload_backoff);
    }
    if (verdict == CONVERGENCE_PULL)
        job_again_in(p->to.job, converge_look_ms);
    if (verdict == CONVERGED && authority != NULL)
        backoff_reset(&s->copy_backoff);
    int64_t now_ms = clock_mono_ms();
    say_verdict(p, verdict, authority);
    if (verdict != CONVERGENCE_COPY || now_ms < s->next_copy_ms)
        return 0;
    s->next_copy_ms = now_ms + backoff_next_ms(&s->copy_backoff);
    bool copied = false;
    return copy_from(p, authority->host, authority->port, LOAD_CORE_DIFFERS, &copied, err);
}

static void report_view(struct resync_state *s, const struct cluster_view *view)
{
    if (!view->checking && !s->reported_unchecked)
        log_warn("admin-cluster_username is empty: this ProxySQL checks no core, so none is judged");
    s->reported_unchecked = !view->checking;
    if (s->tracker.clock_stepped)
        log_warn("the wall clock was stepped: the ages of the cores' checks are counted anew");
}

static void count_members(const struct pass *p)
{
    struct job_counters_cluster cluster = {.members_wanted = -1, .members_actual = (int64_t)p->view.members.count};
    cluster.members_missing = (int64_t)(p->state->tracker.count - count_not_gone(&p->state->tracker));
    job_counters_set_cluster(&cluster);
}

static int judge(struct pass *p, struct error *err)
{
    struct resync_state *s = p->state;
    int64_t threshold_s = peer_threshold_s(&p->view, p->context->config->satellite.missing_after);
    peer_tracker_update(&s->tracker, &p->view, threshold_s, clock_mono_ms());
    report_view(s, &p->view);
    if (!p->view.checking) {
        job_set_summary(p->to.job, "nothing done: admin-cluster_username is empty, so this ProxySQL checks no core");
        return 0;
    }
    if (peer_tracker_any_stale(&s->tracker))
        job_again_in(p->to.job, second_look_ms);
    check_suspects(p);
    report_wedged(s);
    count_members(p);
    return peer_tracker_all_missing(&s->tracker, &p->view) ? recover(p, err) : converge(p, err);
}

static int run_pass(struct pass *p, const struct health_snapshot *health, struct error *err)
{
    struct capability capability = {0};
    if (capability_parse(health->node.version, &capability) < 0)
        capability = (struct capability){0}; /* the health job has said so; judged like a current one */
    int rc = admin_read_cluster(p->to.conn, capability.checksums_unsafe, publisher_deadline_ms(&p->to), &p->view, err);
    if (rc == 0 && p->state->memory_touched)
        rc = restore_memory(p, err);
    return rc == 0 ? judge(p, err) : rc;
}

int resync_run(struct job *job, void *context, struct error *err)
{
    struct job_context *c = context;
    struct health_snapshot health;
    health_state_get(c->health, &health);
    if (health.admin != ADMIN_ANSWERS || health.node_at_ms == 0)
        return error_set(err, -EAGAIN, "resync: ProxySQL does not answer");
    begin_life(c->resync, health.lives);
    struct pass p = {.to = {.job = job, .config = c->config}, .context = c, .state = c->resync};
    int rc = db_pool_get(c->pool, DB_LANE_WRITE, publisher_deadline_ms(&p.to), &p.to.conn, err);
    if (rc == 0)
        rc = run_pass(&p, &health, err);
    db_pool_put(c->pool, p.to.conn);
    cluster_view_fini(&p.view);
    if (rc < 0 && rc != -ECANCELED) {
        static struct log_limit limit = LOG_LIMIT_INIT(5, 60 * 1000);
        uint64_t suppressed = 0;
        if (log_limit_pass(&limit, &suppressed))
            log_warn("resync failed; it is tried again with back-off", LOG_STR("error", err->text),
                     LOG_INT("not_logged", suppressed));
    }
    return rc;
}
