#include "daemon/http/api_commands.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/commands/command_job.h"
#include "daemon/http/access.h"
#include "daemon/http/api.h"
#include "daemon/http/api_body.h"
#include "daemon/jobs/job_table.h"
#include "shared/cidr.h"
#include "shared/json_writer.h"
#include "shared/log.h"
#include "shared/mem.h"

enum { body_bytes_max = 8 * 1024 };

/* What became of a job that a request waits for. The worker's thread writes all of it and then ended; at a deadline the
 * loop reads only if ended is set. */
struct outcome {
    const struct command *command;
    _Atomic bool ended;
    bool refused; /* by the queue: the job never was */
    int code;
    char text[256];
    char summary[JOB_SUMMARY_SIZE];
    int64_t waited_ms;
    int64_t duration_ms;
};

static void reply_written(struct http_request *request, int status, struct json_writer *w)
{
    json_object_end(w);
    int rc = json_writer_end(w);
    assert(rc == 0); /* every text in it is bounded */
    (void)rc;
    http_reply(request, status, "application/json", w->out->data, w->out->len);
}

static void begin_answer(struct json_writer *w, struct buf *body, const char *status, const char *message)
{
    buf_init(body, body_bytes_max);
    json_writer_init(w, body);
    json_object_begin(w, NULL);
    json_str(w, "status", status);
    json_str(w, "message", message);
}

/* What the status code of a job that ended with this code is. */
static int job_status(int code)
{
    switch (code) {
    case 0:
        return 200;
    case -ESHUTDOWN: /* draining or stopping */
    case -ECANCELED: /* because of it */
    case -ENOTSUP:   /* this agent has no such thing to do */
        return 409;
    case -EBUSY:
    case -EAGAIN: /* ProxySQL does not answer */
        return 503;
    case -ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}

static int status_of(const struct outcome *o)
{
    if (o->refused && o->code == -EINVAL)
        return 400;
    if (o->code < 0 && !o->refused && command_job(o->command) == JOB_RELOAD)
        return 422; /* what the file says cannot be */
    if (o->code == -EBUSY && command_job(o->command) == JOB_DRAIN)
        return 409; /* the agent is stopping, and that is not undone */
    return job_status(o->code);
}

static const char *job_name(const struct command *command)
{
    return job_table[command_job(command)].name;
}

static void reply_accepted(struct http_request *request, const struct command *command)
{
    struct json_writer w;
    cleanup_buf struct buf body;
    begin_answer(&w, &body, "accepted", "the job goes on");
    json_str(&w, "job", job_name(command));
    reply_written(request, 202, &w);
}

static void reply_ended(struct http_request *request, const struct outcome *o)
{
    struct json_writer w;
    cleanup_buf struct buf body;
    int status = status_of(o);
    const char *done = o->summary[0] != '\0' ? o->summary : "done";
    begin_answer(&w, &body, status == 200 ? "ok" : "error", status == 200 ? done : o->text);
    json_str(&w, "job", job_name(o->command));
    json_int(&w, "waited_ms", o->waited_ms);
    json_int(&w, "duration_ms", o->duration_ms);
    if (status == 503)
        http_reply_header(request, "retry-after", "1");
    reply_written(request, status, &w);
}

static void resume_job(void *context, struct http_request *request)
{
    (void)context;
    struct outcome *o = http_request_data(request);
    if (atomic_load_explicit(&o->ended, memory_order_acquire))
        reply_ended(request, o);
    else
        reply_accepted(request, o->command);
}

static void end(struct http_deferred *deferred)
{
    struct outcome *o = http_deferred_data(deferred);
    atomic_store_explicit(&o->ended, true, memory_order_release);
    http_deferred_wake(deferred);
}

/* On a worker's thread. */
static void job_done(void *arg, const struct job_result *result)
{
    struct outcome *o = http_deferred_data(arg);
    o->code = result->code;
    o->waited_ms = result->waited_ms;
    o->duration_ms = result->duration_ms;
    (void)snprintf(o->text, sizeof(o->text), "%s", result->text);
    (void)snprintf(o->summary, sizeof(o->summary), "%s", result->summary);
    end(arg);
}

static struct http_deferred *await(const struct command *command, struct http_request *request, int64_t wait_s)
{
    struct outcome *o = xcalloc(1, sizeof(*o));
    o->command = command;
    return http_defer_with(request, wait_s * 1000, resume_job, o, free);
}

/* The job was refused with this code: there will be no job_done(). */
static void end_refused(struct http_deferred *deferred, int code, const struct error *err)
{
    struct outcome *o = http_deferred_data(deferred);
    o->refused = true;
    o->code = code;
    (void)snprintf(o->text, sizeof(o->text), "%s", err->text);
    end(deferred);
}

static void run_job(const struct command *command, const struct api_context *c, struct http_request *request,
                    const struct argument_values *values)
{
    struct error err = ERROR_INIT;
    int64_t wait_s = command_value(command, values, "wait_s", API_WAIT_DEFAULT_S);
    struct http_deferred *deferred = await(command, request, wait_s);
    const struct command_order order = {
        .command = command, .values = values, .by = command->http_path, .done = job_done, .arg = deferred};
    int rc = command_submit(c->jobs, &order, &err);
    if (rc < 0)
        end_refused(deferred, rc, &err);
}

static void set_log_level(const struct api_context *c, struct http_request *request,
                          const struct argument_values *values)
{
    enum log_level before;
    enum log_level level;
    struct json_writer w;
    cleanup_buf struct buf body;
    command_set_log_level(c->jobs, values, &before, &level);
    begin_answer(&w, &body, "ok", "until the next reload or restart");
    json_str(&w, "before", log_level_name(before));
    json_str(&w, "level", log_level_name(level));
    reply_written(request, 200, &w);
}

/* 415 unless a body says that it is JSON: a web page of elsewhere cannot send that without asking first. */
static bool has_json_type(struct http_request *request, size_t body_len)
{
    static const char json[] = "application/json";
    const char *type = NULL;
    size_t len = 0;
    if (body_len == 0)
        return true;
    if (http_request_header(request, "content-type", &type, &len) < 0 || len < sizeof(json) - 1 ||
        strncasecmp(type, json, sizeof(json) - 1) != 0)
        return false;
    return len == sizeof(json) - 1 || type[sizeof(json) - 1] == ';' || type[sizeof(json) - 1] == ' ';
}

static void log_command(struct http_request *request, const struct command *command)
{
    struct sockaddr_storage address;
    char peer[CIDR_TEXT_SIZE];
    http_request_peer(request, &address);
    cidr_format_address((const struct sockaddr *)&address, peer);
    log_info("a command by HTTP", LOG_STR("path", command->http_path), LOG_STR("peer", peer));
}

static void run(const struct api_context *c, struct http_request *request, const struct command *command,
                const struct argument_values *values)
{
    log_command(request, command);
    if (command_has_job(command)) {
        run_job(command, c, request, values);
        return;
    }
    assert(command_id_of(command) == COMMAND_LOG_LEVEL);
    set_log_level(c, request, values);
}

void api_post_command(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    cleanup_config const struct config *config = config_live_get(c->live);
    cleanup_api_body struct api_body values = {.root = NULL};
    struct error err = ERROR_INIT;
    char path[256];
    const char *body;
    size_t len;
    if (!http_access_check(request, config, HTTP_ACCESS_CHANGE))
        return;
    http_request_path(request, path);
    http_request_body(request, &body, &len);
    const struct command *command = command_find_http(path);
    assert(command != NULL); /* the routes are made of them */
    if (!has_json_type(request, len))
        http_reply_error(request, 415, "the body's Content-Type is not application/json");
    else if (api_body_read(body, len, command, &values, &err) < 0)
        http_reply_error(request, 400, err.text);
    else
        run(c, request, command, &values.values);
}
