#include "daemon/control/commands.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/status/status.h"
#include "shared/log.h"

/* A health job ends within 800 ms; whoever asks for the status has its answer within a second. */
enum { health_wait_ms = 850 };

static void reply_packed(struct control_call *call, struct pack *p)
{
    if (pack_end(p) < 0)
        control_reply_error(call, MESSAGE_FAILED, "the answer is too large", "");
    else
        control_reply(call, p->out);
}

static void reply_status(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    (void)outcome; /* what the job saw is in the state, and an old state is better than none */
    struct status status;
    struct pack p;
    cleanup_buf struct buf body;
    buf_init(&body, PROTOCOL_ANSWER_BYTES_MAX);
    pack_init(&p, &body);
    status_collect(context, &status);
    status_pack(&status, &p);
    reply_packed(call, &p);
}

static void handle_status(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    struct job_submission submission = {.kind = JOB_HEALTH};
    if (control_wait_for_job(call, c->queue, &submission, health_wait_ms, reply_status, NULL) < 0)
        reply_status(context, call, NULL);
}

static void handle_version(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    struct health_snapshot health;
    struct pack p;
    cleanup_buf struct buf body;
    buf_init(&body, PROTOCOL_ANSWER_BYTES_MAX);
    health_state_get(c->health, &health);
    pack_init(&p, &body);
    pack_map_begin(&p, NULL);
    pack_str(&p, "agent", PROJECT_VERSION);
    pack_int(&p, "protocol", PROTOCOL_VERSION);
    pack_str(&p, "proxysql", health.node.version);
    pack_map_end(&p);
    reply_packed(call, &p);
}

static void handle_log_level(void *context, struct control_call *call)
{
    (void)context;
    struct pack p;
    cleanup_buf struct buf body;
    buf_init(&body, PROTOCOL_ANSWER_BYTES_MAX);
    enum log_level before = log_get_level();
    enum log_level level = (enum log_level)control_call_value(call, "level", LOG_LEVEL_INFO);
    log_set_level(level);
    pack_init(&p, &body);
    pack_map_begin(&p, NULL);
    pack_str(&p, "before", log_level_name(before));
    pack_str(&p, "level", log_level_name(level));
    pack_map_end(&p);
    reply_packed(call, &p);
}

static void reply_outcome(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    (void)context;
    if (outcome->code < 0) {
        control_reply_error(call, outcome->code == -ECANCELED ? MESSAGE_UNAVAILABLE : MESSAGE_FAILED, outcome->text,
                            "");
        return;
    }
    struct pack p;
    cleanup_buf struct buf body;
    buf_init(&body, PROTOCOL_ANSWER_BYTES_MAX);
    pack_init(&p, &body);
    pack_map_begin(&p, NULL);
    pack_str(&p, "summary", outcome->summary);
    pack_int(&p, "waited_ms", outcome->waited_ms);
    pack_int(&p, "duration_ms", outcome->duration_ms);
    pack_map_end(&p);
    reply_packed(call, &p);
}

static void run_job(const struct job_context *c, struct control_call *call, struct job_submission *submission)
{
    struct error err = ERROR_INIT;
    int rc = control_wait_for_job(call, c->queue, submission, 0, reply_outcome, &err);
    if (rc == -ESHUTDOWN)
        control_reply_error(call, MESSAGE_UNAVAILABLE, err.text, "status shows the phase");
    else if (rc < 0)
        control_reply_error(call, MESSAGE_BUSY, err.text, "jobs shows what waits and runs; try again");
}

/* A job of one mode only. */
static void run_mode_job(const struct job_context *c, struct control_call *call, int run_mode, size_t kind)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    char message[256];
    if (config->run_mode == run_mode) {
        struct job_submission submission = {.kind = kind};
        run_job(c, call, &submission);
        return;
    }
    (void)snprintf(message, sizeof(message), "%s is for run_mode %s, this agent runs as %s",
                   control_call_command(call)->name, run_mode_name(run_mode), run_mode_name(config->run_mode));
    control_reply_error(call, MESSAGE_UNAVAILABLE, message, "");
}

static void handle_resync(void *context, struct control_call *call)
{
    run_mode_job(context, call, RUN_MODE_SATELLITE, JOB_RESYNC);
}

static void handle_reconcile(void *context, struct control_call *call)
{
    run_mode_job(context, call, RUN_MODE_CORE, JOB_RECONCILE);
}

static void handle_missing(void *context, struct control_call *call)
{
    (void)context;
    char message[128];
    (void)snprintf(message, sizeof(message), "%s is not part of this release (%s)", control_call_command(call)->name,
                   PROJECT_VERSION);
    control_reply_error(call, MESSAGE_UNAVAILABLE, message, "");
}

control_handler_fn *const command_handlers[COMMAND_IDS] = {
    [COMMAND_STATUS] = handle_status,       [COMMAND_HEALTH] = handle_status,       [COMMAND_JOBS] = handle_status,
    [COMMAND_MEMBERS] = handle_missing,     [COMMAND_CONFIG] = handle_missing,      [COMMAND_VERSION] = handle_version,
    [COMMAND_RESYNC] = handle_resync,       [COMMAND_RECONCILE] = handle_reconcile, [COMMAND_STAMP] = handle_missing,
    [COMMAND_DUMP] = handle_missing,        [COMMAND_DRAIN] = handle_missing,       [COMMAND_UNDRAIN] = handle_missing,
    [COMMAND_LOG_LEVEL] = handle_log_level, [COMMAND_RELOAD] = handle_missing,      [COMMAND_DOCTOR] = handle_missing,
};
