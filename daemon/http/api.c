#include "daemon/http/api.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "daemon/http/api_commands.h"
#include "daemon/http/api_shutdown.h"
#include "daemon/http/probes.h"
#include "daemon/jobs/job_table.h"
#include "daemon/metrics/metrics.h"
#include "daemon/status/status.h"
#include "shared/clock.h"
#include "shared/log.h"

/* A health job ends within 800 ms; the kubelet hangs up after 1 s by default. */
enum { probe_timeout_ms = 900, probe_body_max = 2048 };
/* Together what a probe may take. */
enum { status_health_ms = 600, status_inspect_ms = 300 };

static void log_probe(const char *path, const struct probe_answer *a, const struct health_snapshot *h)
{
    log_info("probe", LOG_STR("path", path), LOG_INT("status", a->http_status), LOG_STR("message", a->message),
             LOG_BOOL("degraded", a->degraded), LOG_INT("age_ms", a->age_ms), LOG_STR("reason", h->reason));
}

static void reply_probe(const struct api_context *c, struct http_request *request, enum probe_kind kind)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    struct health_snapshot health;
    health_state_get(c->health, &health);
    struct probe_question question = {
        .kind = kind,
        .health = &health,
        .phase = phase_get(c->phase),
        .draining_file = access(config->shutdown.draining_file, F_OK) == 0,
        .now_ms = clock_mono_ms(),
        .wedge_tolerance_s = config->health.wedge_tolerance,
    };
    struct probe_answer answer;
    probe_decide(&question, &answer);
    struct buf body;
    buf_init(&body, probe_body_max);
    int rc = probe_write(&question, &answer, &body);
    assert(rc == 0); /* every text in it is bounded */
    (void)rc;
    http_reply(request, answer.http_status, "application/json", body.data, body.len);
    buf_fini(&body);
    if (config->log.probes) {
        char path[256];
        http_request_path(request, path);
        log_probe(path, &answer, &health);
    }
}

static void look_done(void *arg, const struct job_result *result)
{
    (void)result; /* what the job saw is in the state, and an old state is better than none */
    http_deferred_wake(arg);
}

static void handle_probe(const struct api_context *c, struct http_request *request, enum probe_kind kind,
                         http_handler_fn *resume)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    struct health_snapshot health;
    health_state_get(c->health, &health);
    int64_t now_ms = clock_mono_ms();
    if (health_snapshot_is_fresh(&health, config->health.max_age_ms, now_ms)) {
        reply_probe(c, request, kind);
        return;
    }
    if (health_snapshot_is_stuck(&health, now_ms)) { /* so that probes do not pile up behind it */
        if (job_queue_submit(c->queue, JOB_HEALTH, NULL, NULL, NULL) < 0)
            log_debug("a health job was refused; probes are answered from the state");
        reply_probe(c, request, kind);
        return;
    }
    struct http_deferred *deferred = http_defer(request, probe_timeout_ms, resume);
    if (job_queue_submit(c->queue, JOB_HEALTH, look_done, deferred, NULL) < 0)
        http_deferred_wake(deferred);
}

static void resume_started(void *context, struct http_request *request)
{
    reply_probe(context, request, PROBE_STARTUP);
}

static void resume_ready(void *context, struct http_request *request)
{
    reply_probe(context, request, PROBE_READINESS);
}

static void resume_live(void *context, struct http_request *request)
{
    reply_probe(context, request, PROBE_LIVENESS);
}

static void get_started(void *context, struct http_request *request)
{
    handle_probe(context, request, PROBE_STARTUP, resume_started);
}

static void get_ready(void *context, struct http_request *request)
{
    handle_probe(context, request, PROBE_READINESS, resume_ready);
}

static void get_live(void *context, struct http_request *request)
{
    handle_probe(context, request, PROBE_LIVENESS, resume_live);
}

/* The same as `proxysql-agentctl status --output json`. */
static void reply_status(void *context, struct http_request *request)
{
    struct api_context *c = context;
    struct turn_page *page = &c->status;
    if (!turn_page_is_made(page, http_request_server(request), 0)) {
        if (status_write_json(c->jobs, &page->text) < 0) {
            http_reply_error(request, 500, "the status is too large");
            return;
        }
        turn_page_made(page);
    }
    http_reply(request, 200, "application/json", page->text.data, page->text.len);
}

/* What reply_status() tells of the cluster is as fresh as of ProxySQL, if that answers. */
static void ask_inspect(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    struct http_deferred *deferred = http_defer(request, status_inspect_ms, reply_status);
    if (job_queue_submit(c->queue, JOB_INSPECT, look_done, deferred, NULL) < 0)
        http_deferred_wake(deferred);
}

static void get_status(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    struct http_deferred *deferred = http_defer(request, status_health_ms, ask_inspect);
    if (job_queue_submit(c->queue, JOB_HEALTH, look_done, deferred, NULL) < 0)
        http_deferred_wake(deferred);
}

static int write_metrics(struct api_context *c, const struct http_server *server, enum metrics_format format)
{
    struct metric_input input;
    metrics_collect(c->jobs, server, atomic_load(&c->control), &input);
    int rc = metrics_write(&input, format, &c->metrics.text);
    metrics_release(&input);
    return rc;
}

/* Without asking ProxySQL: whoever scrapes costs it nothing, and is answered also while it hangs. */
static void get_metrics(void *context, struct http_request *request)
{
    struct api_context *c = context;
    const char *accept = "";
    size_t accept_len = 0;
    if (http_request_header(request, "accept", &accept, &accept_len) < 0)
        accept_len = 0;
    enum metrics_format format = metrics_accept(accept, accept_len);
    struct turn_page *page = &c->metrics;
    const struct http_server *server = http_request_server(request);
    if (!turn_page_is_made(page, server, (int)format)) {
        if (write_metrics(c, server, format) < 0) {
            http_reply_error(request, 500, "the metrics are too large");
            return;
        }
        turn_page_made(page);
    }
    http_reply(request, 200, metrics_content_type(format), page->text.data, page->text.len);
}

static const struct http_route fixed_routes[] = {
    {.path = "/shutdown", .methods = HTTP_GET_ONLY | HTTP_POST, .patient = true, .handler = api_shutdown},
    {.path = "/healthz/started", .methods = HTTP_GET, .handler = get_started},
    {.path = "/healthz/ready", .methods = HTTP_GET, .handler = get_ready},
    {.path = "/healthz/live", .methods = HTTP_GET, .handler = get_live},
    {.path = "/metrics", .methods = HTTP_GET, .handler = get_metrics},
    {.path = "/api/v1/status", .methods = HTTP_GET, .handler = get_status},
};

void api_make_routes(struct http_route ret_routes[API_ROUTES_MAX])
{
    _Static_assert(ARRAY_LEN(fixed_routes) + COMMAND_IDS < API_ROUTES_MAX, "a route more, and the end");
    size_t count = ARRAY_LEN(fixed_routes);
    memcpy(ret_routes, fixed_routes, sizeof(fixed_routes));
    for (size_t i = 0; i < COMMAND_IDS; i++)
        if (command_table[i].http_path != NULL)
            ret_routes[count++] = (struct http_route){
                .path = command_table[i].http_path, .methods = HTTP_POST, .patient = true, .handler = api_post_command};
    ret_routes[count] = (struct http_route){.path = NULL};
}
