#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/commands_private.h"
#include "daemon/dump/upload_url.h"
#include "daemon/jobs/drain.h"
#include "daemon/jobs/dump.h"
#include "daemon/status/status.h"
#include "shared/log.h"
#include "shared/mem.h"

/* Commands that change something: most of them submit a job and tell how it ended. */

static void pack_lines(const char *lines, struct pack *p)
{
    pack_array_begin(p, "lines");
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        cleanup_free char *line = xasprintf("%.*s", (int)len, lines);
        pack_str(p, NULL, line);
        lines += len + 1; /* each has a line end */
    }
    pack_array_end(p);
}

static enum message_error error_of(int code)
{
    switch (code) {
    case -ECANCELED:
    case -ESHUTDOWN:
    case -ENOTSUP:
        return MESSAGE_UNAVAILABLE;
    case -EBUSY:
        return MESSAGE_BUSY;
    default:
        return MESSAGE_FAILED;
    }
}

static void reply_outcome(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    (void)context;
    if (outcome->code < 0) {
        control_reply_error(call, error_of(outcome->code), outcome->text, outcome->summary);
        return;
    }
    struct command_answer answer;
    command_answer_init(&answer);
    pack_map_begin(&answer.pack, NULL);
    pack_str(&answer.pack, "summary", outcome->summary);
    pack_int(&answer.pack, "waited_ms", outcome->waited_ms);
    pack_int(&answer.pack, "duration_ms", outcome->duration_ms);
    pack_lines(outcome->lines, &answer.pack);
    pack_map_end(&answer.pack);
    command_answer_reply(&answer, call);
}

static void refuse_job(struct control_call *call, int rc, const struct error *err)
{
    if (rc == -ESHUTDOWN)
        control_reply_error(call, MESSAGE_UNAVAILABLE, err->text, "status shows the phase");
    else
        control_reply_error(call, MESSAGE_BUSY, err->text, "jobs shows what waits and runs; try again");
}

static void run_job(const struct job_context *c, struct control_call *call, struct job_submission *submission)
{
    struct error err = ERROR_INIT;
    int rc = control_wait_for_job(call, c->queue, submission, 0, reply_outcome, &err);
    if (rc < 0)
        refuse_job(call, rc, &err);
}

/* A command of one mode only. False: refused, and answered. */
static bool is_for(const struct job_context *c, struct control_call *call, int run_mode)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    char message[256];
    if (config->run_mode == run_mode)
        return true;
    (void)snprintf(message, sizeof(message), "%s is for run_mode %s, this agent runs as %s",
                   control_call_command(call)->name, run_mode_name(run_mode), run_mode_name(config->run_mode));
    control_reply_error(call, MESSAGE_UNAVAILABLE, message, "");
    return false;
}

void command_resync(void *context, struct control_call *call)
{
    struct job_submission submission = {.kind = JOB_RESYNC};
    if (is_for(context, call, RUN_MODE_SATELLITE))
        run_job(context, call, &submission);
}

void command_reconcile(void *context, struct control_call *call)
{
    struct job_submission submission = {.kind = JOB_RECONCILE};
    if (is_for(context, call, RUN_MODE_CORE))
        run_job(context, call, &submission);
}

void command_stamp(void *context, struct control_call *call)
{
    if (!is_for(context, call, RUN_MODE_CORE))
        return;
    struct stamp_request *request = xcalloc(1, sizeof(*request));
    request->dry_run = control_call_value(call, "dry-run", 0) != 0;
    request->again = true;
    struct job_submission submission = {.kind = JOB_STAMP, .params = request, .params_free = free};
    run_job(context, call, &submission);
}

/* In place of what the settings say. */
static void take_text(struct control_call *call, const char *argument, char **option)
{
    const char *text = control_call_text(call, argument);
    if (text == NULL)
        return;
    free(*option);
    *option = xstrdup(text);
}

static int take_dump_options(struct control_call *call, struct dump_options *options, struct error *err)
{
    bool keep = control_call_value(call, "keep", 0) != 0;
    options->reset = !keep && (options->reset || control_call_value(call, "reset", 0) != 0);
    options->format = (int)control_call_value(call, "format", options->format);
    options->compress = (int)control_call_value(call, "compress", options->compress);
    options->max_bytes = control_call_value(call, "max-bytes", options->max_bytes);
    take_text(call, "dir", &options->dir);
    take_text(call, "pipe", &options->pipe);
    take_text(call, "upload-url", &options->upload_url);
    if (strcmp(options->pipe, "-") == 0)
        return error_set(err, -EINVAL, "pipe: the agent's own standard output is not for dumps");
    int rc = options->upload_url[0] == '\0' ? 0 : upload_url_check(options->upload_url, err);
    return rc < 0 ? error_wrap(err, "upload-url") : 0;
}

void command_dump(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    struct error err = ERROR_INIT;
    cleanup_config const struct config *config = config_live_get(c->live);
    const char *proxysql = control_call_text(call, "proxysql");
    if (proxysql != NULL && strcmp(proxysql, config->proxysql.address) != 0)
        (void)error_set(&err, -EINVAL, "proxysql: this agent's is another one, %s", config->proxysql.address);
    struct dump_options *options = dump_options_new(config);
    if (err.code != 0 || take_dump_options(call, options, &err) < 0) {
        dump_options_free(options);
        control_reply_error(call, MESSAGE_BAD_ARGUMENT, err.text, "");
        return;
    }
    struct job_submission submission = {.kind = JOB_DUMP, .params = options, .params_free = dump_options_free};
    run_job(c, call, &submission);
}

void command_reload(void *context, struct control_call *call)
{
    struct job_submission submission = {.kind = JOB_RELOAD};
    run_job(context, call, &submission);
}

/* A drain that nobody waits for has begun. */
static void reply_begun(struct control_call *call)
{
    static const struct control_outcome begun = {
        .ended = true, .text = "", .summary = "the drain has begun; status shows how far it is", .lines = ""};
    reply_outcome(NULL, call, &begun);
}

static void ask_drain(const struct job_context *c, struct control_call *call, struct drain_request *request, bool wait)
{
    struct error err = ERROR_INIT;
    struct control_job job;
    if (wait) {
        control_wait_begin(call, 0, reply_outcome, &job);
        request->done = job.done;
        request->progress = job.progress;
        request->arg = job.arg;
    }
    int rc = drain_request(c, request, &err);
    if (rc < 0 && wait)
        control_wait_cancel(call);
    if (rc < 0)
        refuse_job(call, rc, &err);
    else if (!wait)
        reply_begun(call);
}

void command_drain(void *context, struct control_call *call)
{
    struct drain_request request = {.target = DRAIN_STOPPED, .delay_ms = -1, .by = "proxysql-agentctl drain"};
    int64_t delay_s = control_call_value(call, "delay", -1);
    if (control_call_value(call, "maintenance", 0) != 0)
        request.target = DRAIN_MAINTENANCE;
    if (delay_s >= 0)
        request.delay_ms = delay_s * 1000;
    ask_drain(context, call, &request, control_call_value(call, "wait", 0) != 0);
}

void command_undrain(void *context, struct control_call *call)
{
    struct drain_request request = {.target = DRAIN_RUNNING, .delay_ms = -1, .by = "proxysql-agentctl undrain"};
    ask_drain(context, call, &request, true);
}

void command_log_level(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    struct command_answer answer;
    command_answer_init(&answer);
    enum log_level before = log_get_level();
    enum log_level level = (enum log_level)control_call_value(call, "level", LOG_LEVEL_INFO);
    config_live_set_log_level(c->live, level);
    pack_map_begin(&answer.pack, NULL);
    pack_str(&answer.pack, "before", log_level_name(before));
    pack_str(&answer.pack, "level", log_level_name(level));
    pack_map_end(&answer.pack);
    command_answer_reply(&answer, call);
}
