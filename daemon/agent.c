#include "daemon/agent.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/commands.h"
#include "daemon/discovery/dns_source.h"
#include "daemon/discovery/pod_watch.h"
#include "daemon/discovery/static_source.h"
#include "daemon/http/access.h"
#include "daemon/http/api.h"
#include "daemon/http/http_server.h"
#include "daemon/jobs/doctor.h"
#include "daemon/jobs/drain.h"
#include "daemon/jobs/job_table.h"
#include "daemon/jobs/pool_login.h"
#include "daemon/proxysql/db_library.h"
#include "daemon/queue/scheduler.h"
#include "daemon/queue/worker_pool.h"
#include "daemon/status/status.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"
#include "shared/str.h"

/* Without any probe the state is still looked at, so that a restart of ProxySQL is noticed; more often while it does
 * not answer, see health.h. */
enum { health_interval_ms = 10 * 1000, health_retry_ms = 500 };
enum { cluster_retry_ms = 1000 };
/* Two looks at the cluster that events ask for; what is written is paced by core.publish_interval_ms. */
enum { pass_gap_ms = 50 };
/* What is being answered at the end gets this long. */
enum { http_grace_ms = 500, control_grace_ms = 500 };

struct agent {
    struct config_live *live;
    struct phase_state phase;
    struct health_state health;
    char admin_host[TRAFFIC_HOST_SIZE];
    uint16_t admin_port;
    char traffic_host[TRAFFIC_HOST_SIZE];
    uint16_t traffic_port;
    struct db_pool *pool;
    struct reconcile_state *reconcile;
    struct resync_state *resync;
    struct stamp_state *stamp;
    struct inspect_state *inspect;
    struct doctor_state *doctor;
    struct job_context jobs;
    struct job_queue *queue;
    struct worker_pool *workers;
    struct scheduler *scheduler;
    struct pod_watch *pods; /* of these three, the one that core.discovery names */
    struct dns_source *dns;
    struct static_source *peers;
    struct api_context api;
    struct http_route routes[API_ROUTES_MAX];
    struct http_server *http;
    struct control_server *control; /* NULL when its socket cannot be had */
    struct drain_state *drain;
    struct drain_memory drain_memory;
    _Atomic bool drain_failed;
};

static int split_addresses(struct agent *a, const struct config *config, struct error *err)
{
    const char *admin = config->proxysql.address;
    const char *traffic = config->proxysql.traffic_address;
    if (str_split_host_port(admin, a->admin_host, sizeof(a->admin_host), &a->admin_port) < 0)
        return error_set(err, -EINVAL, "proxysql.address: \"%s\" is not host:port", admin);
    if (str_split_host_port(traffic, a->traffic_host, sizeof(a->traffic_host), &a->traffic_port) < 0)
        return error_set(err, -EINVAL, "proxysql.traffic_address: \"%s\" is not host:port", traffic);
    return 0;
}

static int start_pool(struct agent *a, const struct config *c, struct error *err)
{
    struct db_pool_options options = pool_login(c);
    options.host = a->admin_host;
    options.port = a->admin_port;
    options.size = (unsigned)c->proxysql.pool_size;
    return db_pool_new(&a->pool, &options, err);
}

/* On the drain job's thread. */
static void drain_stopped(void *arg, bool failed)
{
    struct agent *a = arg;
    if (failed)
        atomic_store(&a->drain_failed, true);  /* what comes after it does not mend it */
    (void)kill(getpid(), agent_stop_signal()); /* the main thread waits for signals alone */
}

static void make_queue(struct agent *a, const struct config *config)
{
    a->reconcile = reconcile_state_new();
    a->resync = resync_state_new();
    a->stamp = stamp_state_new();
    a->inspect = inspect_state_new();
    a->doctor = doctor_state_new();
    a->jobs = (struct job_context){.live = a->live,
                                   .pool = a->pool,
                                   .health = &a->health,
                                   .phase = &a->phase,
                                   .reconcile = a->reconcile,
                                   .resync = a->resync,
                                   .stamp = a->stamp,
                                   .drain = a->drain,
                                   .drain_memory = &a->drain_memory,
                                   .inspect = a->inspect,
                                   .doctor = a->doctor,
                                   .admin_host = a->admin_host,
                                   .admin_port = a->admin_port,
                                   .traffic_host = a->traffic_host,
                                   .traffic_port = a->traffic_port,
                                   .started_ms = clock_mono_ms(),
                                   .first_ms = clock_mono_ms() + config->start_delay * 1000};
    a->queue = job_queue_new(job_table, JOB_IDS, (unsigned)config->workers.count, &a->jobs);
    job_queue_set_runner(a->queue, job_table_run);
    a->jobs.queue = a->queue;
}

static int listen_http(struct agent *a, const struct config *config, struct error *err)
{
    a->api = (struct api_context){
        .live = a->live, .queue = a->queue, .health = &a->health, .phase = &a->phase, .jobs = &a->jobs};
    turn_page_init(&a->api.metrics);
    turn_page_init(&a->api.status);
    bool tls = config->api.tls.cert_file[0] != '\0';
    api_make_routes(a->routes);
    const struct http_server_options options = {
        .address = config->api.address,
        .port = (uint16_t)config->api.port,
        .routes = a->routes,
        .context = &a->api,
        .max_connections = (unsigned)config->api.max_connections,
        .http1_only = !config->api.http2,
        .tls_cert_file = tls ? config->api.tls.cert_file : NULL,
        .tls_key_file = tls ? config->api.tls.key_file : NULL,
    };
    return http_server_listen(&a->http, &options, err);
}

/* Without its socket the agent does its work all the same. */
static void start_control(struct agent *a, const struct config *config)
{
    struct error err = ERROR_INIT;
    const struct control_server_options options = {.path = config->control.socket,
                                                   .mode = (unsigned)config->control.mode,
                                                   .handlers = command_handlers,
                                                   .context = &a->jobs};
    if (control_server_start(&a->control, &options, &err) < 0)
        log_warn("no control socket, so proxysql-agentctl cannot reach this agent; set control.socket to a path in a "
                 "folder that it may write to",
                 LOG_STR("error", err.text));
    else
        log_info("control socket", LOG_STR("path", control_server_path(a->control)));
    atomic_store(&a->api.control, a->control);
}

/* interval_ms 0: as the settings say. */
static struct schedule every(size_t kind, int64_t interval_ms, int64_t retry_ms, const struct config *config)
{
    return (struct schedule){.kind = kind,
                             .interval_ms = interval_ms > 0 ? interval_ms : job_table_interval_ms(kind, config),
                             .retry_ms = retry_ms,
                             .delay_ms = config->start_delay * 1000,
                             .min_gap_ms = pass_gap_ms};
}

static int start_scheduler(struct agent *a, const struct config *c, struct error *err)
{
    struct schedule entries[JOB_IDS];
    size_t count = 0;
    entries[count++] = every(JOB_HEALTH, health_interval_ms, health_retry_ms, c);
    if (c->run_mode == RUN_MODE_CORE)
        entries[count++] = every(JOB_RECONCILE, 0, cluster_retry_ms, c);
    if (c->run_mode == RUN_MODE_CORE)
        entries[count++] = every(JOB_STAMP, STAMP_INTERVAL_MS, cluster_retry_ms, c);
    if (c->run_mode == RUN_MODE_SATELLITE)
        entries[count++] = every(JOB_RESYNC, 0, cluster_retry_ms, c);
    int rc = scheduler_start(&a->scheduler, a->queue, entries, count, err);
    a->jobs.scheduler = a->scheduler;
    return rc;
}

static void pods_changed(void *arg, unsigned changes)
{
    struct agent *a = arg;
    if ((changes & (POD_WATCH_CORE | POD_WATCH_OTHER_RUNNING | POD_WATCH_STATE | POD_WATCH_LEADER)) != 0)
        scheduler_hasten(a->scheduler, JOB_RECONCILE);
}

/* Runs in the pod watch's thread. */
static enum leadership_standing standing(void *arg)
{
    struct agent *a = arg;
    return phase_get(&a->phase) == PHASE_RUNNING ? LEADERSHIP_STAND : LEADERSHIP_RESIGN;
}

static struct elector_options election_of(struct agent *a, const struct config *c)
{
    return (struct elector_options){.lease_name = c->core.leader_election.lease_name,
                                    .rules = {.lease_ms = c->core.leader_election.lease_duration * 1000,
                                              .renew_ms = c->core.leader_election.renew_deadline * 1000,
                                              .retry_ms = c->core.leader_election.retry_period * 1000},
                                    .standing = standing,
                                    .arg = a};
}

static int start_pod_watch(struct agent *a, const struct config *c, struct error *err)
{
    const struct elector_options election = election_of(a, c);
    const struct pod_watch_options options = {.api_server = c->kubernetes.api_server,
                                              .token_file = c->kubernetes.token_file,
                                              .ca_file = c->kubernetes.ca_file,
                                              .namespace = c->core.podselector.namespace,
                                              .app = c->core.podselector.app,
                                              .component = c->core.podselector.component,
                                              .confirm_ms = c->core.interval * 1000,
                                              .election = c->core.leader_election.enabled ? &election : NULL,
                                              .on_change = pods_changed,
                                              .arg = a};
    int rc = pod_watch_start(&a->pods, &options, err);
    if (rc == 0)
        a->jobs.members = pod_watch_members(a->pods);
    a->jobs.pods = a->pods;
    return rc;
}

static void start_static(struct agent *a, const struct config *c)
{
    a->peers = static_source_new(c->core.peers.items, c->core.peers.count, NULL);
    a->jobs.members = static_source_members(a->peers);
}

static void start_dns(struct agent *a, const struct config *c)
{
    a->dns = dns_source_new(c->core.bootstrap_hostname, NULL);
    a->jobs.members = dns_source_members(a->dns);
    a->jobs.dns = a->dns;
}

/* Without the API server's address a core goes on without membership: its probes are worth more than that. */
static void start_discovery(struct agent *a, const struct config *c)
{
    struct error err = ERROR_INIT;
    if (c->run_mode != RUN_MODE_CORE)
        return;
    if (c->core.discovery == DISCOVERY_DNS)
        start_dns(a, c);
    else if (c->core.discovery == DISCOVERY_STATIC)
        start_static(a, c);
    else if (start_pod_watch(a, c, &err) < 0)
        log_error("no pod watch, so this core's membership is not kept; run it in a pod, set kubernetes.api_server, or "
                  "choose core.discovery dns or static",
                  LOG_STR("error", err.text));
    if (c->core.discovery != DISCOVERY_KUBERNETES)
        log_info("the cores are discovered without the API server", LOG_STR("discovery", a->jobs.members->name));
}

static int start_modules(struct agent *a, const struct config *config, struct error *err)
{
    int rc = split_addresses(a, config, err);
    if (rc == 0)
        rc = start_pool(a, config, err);
    if (rc < 0)
        return rc;
    make_queue(a, config);
    rc = listen_http(a, config, err);
    if (rc == 0)
        rc = start_scheduler(a, config, err);
    if (rc < 0)
        return rc;
    start_discovery(a, config);
    rc = http_server_start(a->http, err); /* what its answers read is complete */
    if (rc < 0)
        return rc;
    start_control(a, config);
    drain_recover_at_start(&a->jobs);
    return worker_pool_start(&a->workers, a->queue, (unsigned)config->workers.count, db_thread_start, db_thread_end,
                             err); /* last: what jobs work with is complete */
}

int agent_start(struct agent **ret_agent, struct config_live *live, struct error *err)
{
    cleanup_config const struct config *config = config_live_get(live);
    struct agent *a = xcalloc(1, sizeof(*a));
    a->live = live;
    phase_init(&a->phase);
    health_state_init(&a->health);
    a->drain = drain_state_new(drain_stopped, a);
    int rc = start_modules(a, config, err);
    if (rc < 0) {
        agent_stop(a);
        return rc;
    }
    (void)phase_advance(&a->phase, PHASE_RUNNING);
    log_info("listening", LOG_STR("address", config->api.address), LOG_INT("port", http_server_port(a->http)),
             LOG_STR("proxysql", config->proxysql.address));
    http_access_warn(config);
    *ret_agent = a;
    return 0;
}

int agent_stop_signal(void)
{
    return SIGRTMIN;
}

bool agent_drained_well(struct agent *a)
{
    return !atomic_load(&a->drain_failed);
}

bool agent_is_stopping(struct agent *a)
{
    struct drain_order order;
    drain_state_order(a->drain, &order);
    return order.target == DRAIN_STOPPED;
}

int agent_drain(struct agent *a, const char *by, bool now, struct error *err)
{
    const struct drain_request request = {.target = DRAIN_STOPPED, .now = now, .delay_ms = -1, .by = by};
    return drain_request(&a->jobs, &request, err);
}

void agent_stop(struct agent *a)
{
    (void)phase_advance(&a->phase, PHASE_STOPPING);
    if (a->pods != NULL)
        pod_watch_stop(a->pods);
    if (a->scheduler != NULL)
        scheduler_stop(a->scheduler);
    if (a->queue != NULL)
        job_queue_stop(a->queue);
    if (a->pool != NULL)
        db_pool_cancel(a->pool);
    worker_pool_join(a->workers);
    control_server_stop(a->control, control_grace_ms);
    if (a->http != NULL)
        http_server_stop(a->http, http_grace_ms);
    control_server_free(a->control);
    http_server_free(a->http);
    turn_page_fini(&a->api.metrics);
    turn_page_fini(&a->api.status);
    scheduler_free(a->scheduler);
    job_queue_free(a->queue);
    pod_watch_free(a->pods);
    dns_source_free(a->dns);
    static_source_free(a->peers);
    reconcile_state_free(a->reconcile);
    resync_state_free(a->resync);
    stamp_state_free(a->stamp);
    inspect_state_free(a->inspect);
    doctor_state_free(a->doctor);
    db_pool_free(a->pool);
    (void)phase_advance(&a->phase, PHASE_STOPPED);
    drain_state_free(a->drain);
    health_state_fini(&a->health);
    free(a);
}

static void log_status(struct agent *a)
{
    cleanup_status struct status status;
    status_collect(&a->jobs, &status);
    status_log(&status);
}

static void inspect_done(void *arg, const struct job_result *result)
{
    (void)result; /* what the job saw is in the state, and an old state is better than none */
    log_status(arg);
}

static void health_done(void *arg, const struct job_result *result)
{
    struct agent *a = arg;
    (void)result;
    if (job_queue_submit(a->queue, JOB_INSPECT, inspect_done, a, NULL) < 0)
        log_status(a);
}

void agent_log_status(struct agent *a)
{
    if (job_queue_submit(a->queue, JOB_HEALTH, health_done, a, NULL) < 0)
        log_status(a);
}

void agent_reload(struct agent *a)
{
    struct error err = ERROR_INIT;
    if (job_queue_submit(a->queue, JOB_RELOAD, NULL, NULL, &err) < 0)
        log_warn("the configuration is not reloaded", LOG_STR("error", err.text));
}
