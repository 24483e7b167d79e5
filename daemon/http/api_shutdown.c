#include "daemon/http/api_shutdown.h"

#include <assert.h>
#include <errno.h>

#include "daemon/http/access.h"
#include "daemon/http/api.h"
#include "daemon/jobs/drain.h"
#include "shared/json_writer.h"
#include "shared/log.h"

/* A drain ends within its budget; its callers are answered at the latest so long after it. */
enum { late_ms = 15 * 1000, body_bytes_max = 2048 };

/* The result of the drain is the same for all who waited for it. */
static void reply(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    char reason[256];
    cleanup_buf struct buf body;
    buf_init(&body, body_bytes_max);
    int code = drain_state_result(c->jobs->drain, reason, sizeof(reason));
    if (drain_state_reached(c->jobs->drain) != DRAIN_STOPPED)
        code = -ETIMEDOUT;
    struct json_writer w;
    json_writer_init(&w, &body);
    json_object_begin(&w, NULL);
    json_str(&w, "message", code == 0 ? "shutdown initiated" : "shutdown failed");
    json_str(&w, "status", code == 0 ? "ok" : "error");
    if (code < 0)
        json_str(&w, "reason", reason[0] != '\0' ? reason : "the drain has not ended");
    json_object_end(&w);
    int rc = json_writer_end(&w);
    assert(rc == 0); /* every text in it is bounded */
    (void)rc;
    http_reply(request, code == 0 ? 200 : 500, "application/json", body.data, body.len);
}

static void drain_ended(void *arg, const struct job_result *result)
{
    (void)result; /* it is in the drain's state */
    http_deferred_wake(arg);
}

void api_shutdown(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    cleanup_config const struct config *config = config_live_get(c->live);
    struct error err = ERROR_INIT;
    if (!http_access_check(request, config, HTTP_ACCESS_SHUTDOWN))
        return;
    int64_t timeout_ms = config->shutdown.shutdown_timeout * 1000 + late_ms;
    struct http_deferred *deferred = http_defer(request, timeout_ms, reply);
    const struct drain_request drain = {
        .target = DRAIN_STOPPED, .delay_ms = -1, .by = "/shutdown", .done = drain_ended, .arg = deferred};
    if (drain_request(c->jobs, &drain, &err) == 0)
        return;
    log_warn("/shutdown did not begin a drain", LOG_STR("error", err.text));
    http_deferred_wake(deferred);
}
