#include "daemon/http/api_commands.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/access.h"
#include "daemon/http/api.h"
#include "daemon/http/api_body.h"
#include "daemon/jobs/drain.h"
#include "daemon/jobs/job_table.h"
#include "daemon/status/status.h"
#include "shared/cidr.h"
#include "shared/json_writer.h"
#include "shared/log.h"
#include "shared/mem.h"

enum { body_bytes_max = 8 * 1024, delay_max_s = 3600 };

struct command {
    const char *path;
    int run_mode;    /* the only one that has it; RUN_MODE_NONE = all */
    enum job_id job; /* JOB_IDS: none */
    void (*run)(const struct command *command, const struct api_context *c, struct http_request *request,
                const int64_t *values);
    struct api_field fields[API_FIELDS_MAX + 1]; /* of a job: wait_s first */
};

static void run_job(const struct command *command, const struct api_context *c, struct http_request *request,
                    const int64_t *values);
static void run_log_level(const struct command *command, const struct api_context *c, struct http_request *request,
                          const int64_t *values);

static void run_drain(const struct command *command, const struct api_context *c, struct http_request *request,
                      const int64_t *values);
static void run_undrain(const struct command *command, const struct api_context *c, struct http_request *request,
                        const int64_t *values);

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", NULL}; /* as enum log_level */

#define WAIT_S                                                                                           \
    {                                                                                                    \
        .name = "wait_s", .type = API_FIELD_INT, .otherwise = API_WAIT_DEFAULT_S, .max = API_WAIT_MAX_S, \
    }

static const struct command commands[] = {
    {.path = "/api/v1/resync", .run_mode = RUN_MODE_SATELLITE, .job = JOB_RESYNC, .run = run_job, .fields = {WAIT_S}},
    {.path = "/api/v1/reconcile", .run_mode = RUN_MODE_CORE, .job = JOB_RECONCILE, .run = run_job, .fields = {WAIT_S}},
    {.path = "/api/v1/reload", .job = JOB_RELOAD, .run = run_job, .fields = {WAIT_S}},
    {.path = "/api/v1/drain",
     .job = JOB_DRAIN,
     .run = run_drain,
     .fields = {WAIT_S,
                {.name = "maintenance", .type = API_FIELD_BOOL},
                {.name = "delay_s", .type = API_FIELD_INT, .otherwise = -1, .max = delay_max_s}}},
    {.path = "/api/v1/undrain", .job = JOB_DRAIN, .run = run_undrain, .fields = {WAIT_S}},
    {.path = "/api/v1/log-level",
     .job = JOB_IDS,
     .run = run_log_level,
     .fields = {{.name = "level", .type = API_FIELD_NAME, .required = true, .names = level_names}}},
};

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
    if (o->code < 0 && !o->refused && o->command->job == JOB_RELOAD)
        return 422; /* what the file says cannot be */
    if (o->code == -EBUSY && o->command->job == JOB_DRAIN)
        return 409; /* the agent is stopping, and that is not undone */
    return job_status(o->code);
}

static const char *job_name(const struct command *command)
{
    return job_table[command->job].name;
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
                    const int64_t *values)
{
    struct error err = ERROR_INIT;
    struct http_deferred *deferred = await(command, request, values[0]);
    int rc = job_queue_submit(c->queue, command->job, job_done, deferred, &err);
    if (rc < 0)
        end_refused(deferred, rc, &err);
}

static void ask_drain(const struct command *command, const struct api_context *c, struct http_request *request,
                      const int64_t *values, struct drain_request drain)
{
    struct error err = ERROR_INIT;
    struct http_deferred *deferred = await(command, request, values[0]);
    drain.by = command->path;
    drain.done = job_done;
    drain.arg = deferred;
    int rc = drain_request(c->jobs, &drain, &err);
    if (rc < 0)
        end_refused(deferred, rc, &err);
}

static void run_drain(const struct command *command, const struct api_context *c, struct http_request *request,
                      const int64_t *values)
{
    const struct drain_request drain = {.target = values[1] != 0 ? DRAIN_MAINTENANCE : DRAIN_STOPPED,
                                        .delay_ms = values[2] < 0 ? -1 : values[2] * 1000};
    ask_drain(command, c, request, values, drain);
}

static void run_undrain(const struct command *command, const struct api_context *c, struct http_request *request,
                        const int64_t *values)
{
    const struct drain_request drain = {.target = DRAIN_RUNNING, .delay_ms = -1};
    ask_drain(command, c, request, values, drain);
}

static void run_log_level(const struct command *command, const struct api_context *c, struct http_request *request,
                          const int64_t *values)
{
    (void)command;
    enum log_level before = log_get_level();
    enum log_level level = (enum log_level)values[0];
    config_live_set_log_level(c->live, level);
    log_info("the log level is changed by a command", LOG_STR("before", log_level_name(before)),
             LOG_STR("level", log_level_name(level)));
    struct json_writer w;
    cleanup_buf struct buf body;
    begin_answer(&w, &body, "ok", "until the next reload or restart");
    json_str(&w, "before", log_level_name(before));
    json_str(&w, "level", log_level_name(level));
    reply_written(request, 200, &w);
}

static const struct command *find_command(struct http_request *request)
{
    char path[256];
    http_request_path(request, path);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].path, path) == 0)
            return &commands[i];
    return NULL;
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

static bool has_this_mode(const struct command *command, const struct config *config, struct http_request *request)
{
    char reason[128];
    if (command->run_mode == RUN_MODE_NONE || command->run_mode == config->run_mode)
        return true;
    (void)snprintf(reason, sizeof(reason), "%s is for run_mode %s, this agent runs as %s", job_name(command),
                   run_mode_name(command->run_mode), run_mode_name(config->run_mode));
    http_reply_error(request, 409, reason);
    return false;
}

static void log_command(struct http_request *request, const struct command *command)
{
    struct sockaddr_storage address;
    char peer[CIDR_TEXT_SIZE];
    http_request_peer(request, &address);
    cidr_format_address((const struct sockaddr *)&address, peer);
    log_info("a command by HTTP", LOG_STR("path", command->path), LOG_STR("peer", peer));
}

void api_post_command(void *context, struct http_request *request)
{
    const struct api_context *c = context;
    const struct command *command = find_command(request);
    cleanup_config const struct config *config = config_live_get(c->live);
    int64_t values[API_FIELDS_MAX];
    struct error err = ERROR_INIT;
    const char *body;
    size_t len;
    assert(command != NULL);
    if (!http_access_check(request, config, HTTP_ACCESS_CHANGE))
        return;
    http_request_body(request, &body, &len);
    if (!has_json_type(request, len)) {
        http_reply_error(request, 415, "the body's Content-Type is not application/json");
    } else if (api_body_read(body, len, command->fields, values, &err) < 0) {
        http_reply_error(request, 400, err.text);
    } else if (has_this_mode(command, config, request)) {
        log_command(request, command);
        command->run(command, c, request, values);
    }
}
