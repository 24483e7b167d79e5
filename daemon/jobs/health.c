#include "daemon/jobs/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/jobs/job_table.h"
#include "daemon/proxysql/admin_cluster.h"
#include "daemon/proxysql/capability.h"
#include "shared/clock.h"
#include "shared/log.h"

/* A greeting on loopback takes well below a millisecond. It is awaited before the statement, so that our own
 * connection is closed again when the statement counts the clients. */
enum { greeting_head_start_ms = 20 };

static bool wants_node(const struct health_snapshot *last, uint64_t losses, int64_t now_ms)
{
    return last->node_at_ms == 0 || losses != last->losses || now_ms - last->node_at_ms >= HEALTH_NODE_INTERVAL_MS;
}

static bool gate_enabled(const struct config *config)
{
    return config->run_mode == RUN_MODE_SATELLITE && config->health.sync_gate_timeout > 0;
}

/* Until the gate has opened in this life (another one may have begun after a lost connection) what it judges is read
 * too. */
static int ask_gate(const struct job_context *c, const struct health_snapshot *last, struct db_conn *conn,
                    int64_t deadline_ms, struct health_observation *seen, struct error *err)
{
    bool open = last->gate == SYNC_GATE_OPEN && last->lives > 0 && seen->losses == last->losses;
    if (open || !gate_enabled(c->config))
        return 0;
    struct capability capability = {0};
    if (capability_parse(seen->has_node ? seen->node.version : last->node.version, &capability) < 0)
        capability = (struct capability){0}; /* log_life() says so; judged like a current one */
    cleanup_view struct cluster_view view = {0};
    int rc = admin_read_gate(conn, !capability.checksums_unsafe, deadline_ms, &view, err);
    if (rc < 0)
        return rc;
    int64_t uptime_s = seen->has_node ? seen->node.uptime_s : (clock_mono_ms() - last->boot_ms) / 1000;
    const struct sync_gate_question question = {.view = &view,
                                                .backends = seen->backends.total,
                                                .uptime_s = uptime_s,
                                                .timeout_s = c->config->health.sync_gate_timeout};
    seen->gate = sync_gate_judge(&question);
    return 0;
}

static uint64_t pool_losses(struct db_pool *pool)
{
    struct db_pool_stats stats;
    db_pool_stats(pool, &stats);
    return stats.losses;
}

static int ask_once(const struct job_context *c, const struct health_snapshot *last, int64_t deadline_ms,
                    struct health_observation *seen, struct error *err)
{
    struct db_conn *conn = NULL;
    int rc = db_pool_get(c->pool, DB_LANE_HEALTH, deadline_ms, &conn, err);
    if (rc < 0)
        return rc;
    seen->losses = pool_losses(c->pool);
    seen->has_node = wants_node(last, seen->losses, clock_mono_ms());
    rc = admin_read_health(conn, deadline_ms, &seen->backends, seen->has_node ? &seen->node : NULL, err);
    if (rc == 0)
        rc = ask_gate(c, last, conn, deadline_ms, seen, err);
    db_pool_put(c->pool, conn);
    return rc;
}

static enum admin_verdict verdict_of(int code)
{
    switch (code) {
    case 0:
        return ADMIN_ANSWERS;
    case -ETIMEDOUT:
    case -EINPROGRESS:
    case -EBUSY:
    case -EACCES:
    case -EREMOTEIO:
    case -EPROTO:
    case -EMSGSIZE:
        return ADMIN_STUCK;
    default:
        return ADMIN_REFUSED;
    }
}

/* A connection that was lost under the statement says little: ask once more, on a new one. */
static int ask_admin(const struct job_context *c, const struct health_snapshot *last, int64_t deadline_ms,
                     struct health_observation *seen)
{
    struct error err = ERROR_INIT;
    int rc = ask_once(c, last, deadline_ms, seen, &err);
    if (rc == -ECONNRESET) {
        error_clear(&err);
        rc = ask_once(c, last, deadline_ms, seen, &err);
    }
    seen->admin = verdict_of(rc);
    if (rc < 0)
        (void)snprintf(seen->reason, sizeof(seen->reason), "%s", err.text);
    return rc;
}

/* interfaces: what the node told of its own, "" = not yet. */
static void start_traffic(const struct job_context *c, const char *interfaces, int64_t deadline_ms,
                          struct traffic_probe *probe)
{
    char host[TRAFFIC_HOST_SIZE];
    uint16_t port;
    health_state_begin_probe(c->health);
    if (traffic_address_choose(interfaces, c->admin_host, host, &port) < 0)
        traffic_probe_start(probe, c->traffic_host, c->traffic_port, deadline_ms);
    else
        traffic_probe_start(probe, host, port, deadline_ms);
}

static enum traffic_verdict finish_traffic(const struct job_context *c, struct traffic_probe *probe, struct error *err)
{
    enum traffic_verdict verdict = traffic_probe_finish(probe, err);
    health_state_end_probe(c->health, verdict == TRAFFIC_REFUSED);
    return verdict;
}

/* Ask the traffic port beside the admin interface; again at once if that one tells that traffic is elsewhere. */
static int ask_both(const struct job_context *c, const struct health_snapshot *last, struct health_observation *seen,
                    struct error *traffic_error)
{
    int64_t deadline_ms = seen->begin_ms + HEALTH_QUESTION_MS;
    struct traffic_probe traffic;
    start_traffic(c, last->node.interfaces, deadline_ms, &traffic);
    (void)traffic_probe_wait(&traffic, seen->begin_ms + greeting_head_start_ms);
    int rc = ask_admin(c, last, deadline_ms, seen);
    if (rc == 0 && seen->has_node && strcmp(seen->node.interfaces, last->node.interfaces) != 0) {
        (void)finish_traffic(c, &traffic, NULL);
        start_traffic(c, seen->node.interfaces, deadline_ms, &traffic);
    }
    (void)traffic_probe_wait(&traffic, deadline_ms);
    seen->traffic = finish_traffic(c, &traffic, traffic_error);
    return rc;
}

static void log_life(const struct health_snapshot *now)
{
    struct capability capability;
    log_info("ProxySQL answers: a life of it that is new to this agent", LOG_STR("version", now->node.version),
             LOG_INT("uptime_s", now->node.uptime_s), LOG_INT("lives", now->lives));
    if (capability_parse(now->node.version, &capability) < 0 || !capability.supported)
        log_warn("this version of ProxySQL is not one that the agent was written for (2.5 to 3.x)",
                 LOG_STR("version", now->node.version));
}

static void log_admin(const struct health_snapshot *now)
{
    if (now->admin == ADMIN_STUCK && now->dump_since_ms != 0)
        log_info("the admin interface does not answer while this agent's dump keeps ProxySQL busy",
                 LOG_STR("reason", now->reason), LOG_STR("traffic", traffic_verdict_name(now->traffic)));
    else if (now->admin == ADMIN_ANSWERS)
        log_info("the admin interface answers", LOG_INT("backends_online", now->backends.online),
                 LOG_INT("backends", now->backends.total));
    else if (now->admin == ADMIN_STUCK)
        log_warn("the admin interface does not answer; asking again every second", LOG_STR("reason", now->reason),
                 LOG_STR("traffic", traffic_verdict_name(now->traffic)));
    else
        log_warn("ProxySQL cannot be reached; asking again every second", LOG_STR("reason", now->reason),
                 LOG_STR("traffic", traffic_verdict_name(now->traffic)));
}

static void log_changes(const struct job_context *c, const struct health_snapshot *now, unsigned changes)
{
    static struct log_limit limit = LOG_LIMIT_INIT(20, 60 * 1000);
    uint64_t suppressed = 0;
    if (phase_get(c->phase) >= PHASE_STOPPING) /* the drain says what becomes of ProxySQL */
        return;
    if (changes == 0 || !log_limit_pass(&limit, &suppressed))
        return;
    if (suppressed > 0)
        log_warn("ProxySQL's state changes too often to log each change", LOG_INT("not_logged", suppressed));
    if ((changes & HEALTH_NEW_LIFE) != 0)
        log_life(now);
    if ((changes & HEALTH_ADMIN_CHANGED) != 0)
        log_admin(now);
    if ((changes & HEALTH_GATE_CHANGED) != 0 && gate_enabled(c->config))
        log_info(now->gate == SYNC_GATE_OPEN ? "the sync gate is open: this satellite may be ready"
                                             : "the sync gate is closed: this satellite is not ready",
                 LOG_STR("reason", sync_gate_reason(now->gate)));
    if ((changes & (HEALTH_TRAFFIC_CHANGED | HEALTH_ADMIN_CHANGED)) == HEALTH_TRAFFIC_CHANGED)
        log_info("the traffic port changed", LOG_STR("traffic", traffic_verdict_name(now->traffic)),
                 LOG_STR("reason", now->reason));
}

/* A dump of ours explains why admin is stuck. */
static void explain(const struct job_context *c, struct health_observation *seen)
{
    struct health_snapshot now;
    health_state_get(c->health, &now);
    if (seen->admin != ADMIN_STUCK || now.dump_since_ms == 0)
        return;
    char why[HEALTH_REASON_SIZE];
    memcpy(why, seen->reason, sizeof(why));
    (void)snprintf(seen->reason, sizeof(seen->reason), "this agent's dump keeps ProxySQL busy: %s", why);
}

static void record(const struct job_context *c, struct health_observation *seen)
{
    explain(c, seen);
    if (seen->admin != ADMIN_ANSWERS) /* else: as of before the statement, so that a loss meanwhile is looked into */
        seen->losses = pool_losses(c->pool);
    seen->end_ms = clock_mono_ms();
    unsigned changes = health_state_record(c->health, seen);
    struct health_snapshot now;
    health_state_get(c->health, &now);
    log_changes(c, &now, changes);
    if (seen->admin == ADMIN_ANSWERS)
        drain_note_answer(c, (changes & HEALTH_NEW_LIFE) != 0);
    if ((changes & HEALTH_NEW_LIFE) != 0) {
        scheduler_hasten(c->scheduler, JOB_RECONCILE);
        scheduler_hasten(c->scheduler, JOB_RESYNC);
        scheduler_hasten(c->scheduler, JOB_STAMP);
    }
}

int health_run(struct job *job, void *context, struct error *err)
{
    struct job_context *c = context;
    if (clock_mono_ms() < c->first_ms) {
        struct health_observation nothing = {.reason = "start_delay is not over yet"};
        record(c, &nothing);
        return 0;
    }
    struct health_snapshot last;
    health_state_get(c->health, &last);
    struct health_observation seen = {.begin_ms = clock_mono_ms()};
    if (last.admin == ADMIN_ANSWERS && health_snapshot_is_fresh(&last, c->config->health.max_age_ms, seen.begin_ms))
        return 0;
    struct error traffic_error = ERROR_INIT;
    int rc = ask_both(c, &last, &seen, &traffic_error);
    if (rc == -ECANCELED)
        return error_set(err, rc, "stopped");
    if (seen.reason[0] == '\0')
        (void)snprintf(seen.reason, sizeof(seen.reason), "%s", traffic_error.text);
    record(c, &seen);
    if (seen.admin != ADMIN_ANSWERS)
        job_again_in(job, HEALTH_AGAIN_MS);
    return 0;
}
