#include "daemon/control/commands.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/config/item.h"
#include "daemon/control/commands_private.h"
#include "daemon/jobs/doctor.h"
#include "daemon/jobs/doctor_checks.h"
#include "daemon/status/status.h"
#include "shared/clock.h"

/*
 * Commands that look. Whoever asks for the status has it within a second: a health job that is late, or a report that
 * cannot be had, is answered from the last known state with its age.
 */
enum { health_wait_ms = 650, inspect_wait_ms = 300 };

void command_answer_init(struct command_answer *a)
{
    buf_init(&a->body, PROTOCOL_ANSWER_BYTES_MAX);
    pack_init(&a->pack, &a->body);
}

void command_answer_reply(struct command_answer *a, struct control_call *call)
{
    if (pack_end(&a->pack) < 0)
        control_reply_error(call, MESSAGE_FAILED, "the answer is too large", "");
    else
        control_reply(call, &a->body);
    buf_fini(&a->body);
}

static void pack_part(const struct status *status, enum command_id id, struct pack *p)
{
    if (id == COMMAND_STATUS) {
        status_pack(status, p);
        return;
    }
    pack_map_begin(p, NULL);
    if (id == COMMAND_HEALTH)
        status_pack_health(status, p);
    else if (id == COMMAND_JOBS)
        status_pack_jobs(status, p);
    else
        status_pack_cluster(status, p);
    pack_map_end(p);
}

static void reply_status(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    (void)outcome; /* what the job saw is in the state */
    cleanup_status struct status status;
    struct command_answer answer;
    command_answer_init(&answer);
    status_collect(context, &status);
    pack_part(&status, command_id_of(control_call_command(call)), &answer.pack);
    command_answer_reply(&answer, call);
}

static bool admin_answers(const struct job_context *c)
{
    struct health_snapshot health;
    health_state_get(c->health, &health);
    return health.admin == ADMIN_ANSWERS;
}

/* The health job has ended, or is late. */
static void ask_inspect(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    const struct job_context *c = context;
    struct job_submission submission = {.kind = JOB_INSPECT};
    bool late = outcome != NULL && !outcome->ended;
    if (late || !admin_answers(c) ||
        control_wait_for_job(call, c->queue, &submission, inspect_wait_ms, reply_status, NULL) < 0)
        reply_status(context, call, NULL);
}

static void ask_health(const struct job_context *c, struct control_call *call, control_resume_fn *then)
{
    struct job_submission submission = {.kind = JOB_HEALTH};
    struct health_snapshot health;
    health_state_get(c->health, &health);
    if (health_snapshot_is_stuck(&health, clock_mono_ms()) &&
        job_queue_submit(c->queue, JOB_HEALTH, NULL, NULL, NULL) == 0)
        then((void *)(uintptr_t)c, call, NULL);
    else if (control_wait_for_job(call, c->queue, &submission, health_wait_ms, then, NULL) < 0)
        then((void *)(uintptr_t)c, call, NULL);
}

static void handle_status(void *context, struct control_call *call)
{
    ask_health(context, call, ask_inspect);
}

static void handle_health(void *context, struct control_call *call)
{
    ask_health(context, call, reply_status);
}

static void handle_jobs(void *context, struct control_call *call)
{
    reply_status(context, call, NULL);
}

static void pack_item(const struct loaded_config *loaded, size_t row, struct pack *p)
{
    cleanup_config_item struct config_item item;
    if (config_item_init(&item, loaded, row) < 0)
        return;
    pack_map_begin(p, NULL);
    pack_str(p, "key", item.key);
    pack_str(p, "value", item.value.data);
    pack_str(p, "source", item.source);
    pack_str(p, "where", item.where.data);
    pack_bool(p, "reloads", item.reloads);
    pack_bool(p, "pending", item.pending);
    pack_map_end(p);
}

static void handle_config(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    cleanup_config const struct config *config = config_live_get(c->live);
    const struct loaded_config *loaded = config_live_loaded(config);
    struct command_answer answer;
    command_answer_init(&answer);
    pack_map_begin(&answer.pack, NULL);
    pack_str(&answer.pack, "file", loaded->file);
    pack_array_begin(&answer.pack, "settings");
    for (size_t row = 0; row < option_count; row++)
        if ((option_table[row].flags & OPTION_HIDDEN) == 0)
            pack_item(loaded, row, &answer.pack);
    pack_array_end(&answer.pack);
    pack_map_end(&answer.pack);
    command_answer_reply(&answer, call);
}

static void handle_version(void *context, struct control_call *call)
{
    const struct job_context *c = context;
    struct health_snapshot health;
    struct command_answer answer;
    command_answer_init(&answer);
    health_state_get(c->health, &health);
    pack_map_begin(&answer.pack, NULL);
    pack_str(&answer.pack, "agent", PROJECT_VERSION);
    pack_int(&answer.pack, "protocol", PROTOCOL_VERSION);
    pack_str(&answer.pack, "proxysql", health.node.version);
    pack_map_end(&answer.pack);
    command_answer_reply(&answer, call);
}

static void pack_finding(const struct doctor_finding *f, struct pack *p)
{
    pack_map_begin(p, NULL);
    pack_str(p, "check", f->check);
    pack_str(p, "verdict", doctor_verdict_name(f->verdict));
    pack_str(p, "evidence", f->evidence);
    pack_str(p, "remedy", f->remedy);
    pack_map_end(p);
}

static void pack_report(const struct doctor_report *r, struct pack *p)
{
    size_t counts[DOCTOR_BROKEN + 1] = {0};
    for (size_t i = 0; i < r->count; i++)
        counts[r->findings[i].verdict]++;
    pack_map_begin(p, NULL);
    pack_int(p, "ok", (int64_t)counts[DOCTOR_OK]);
    pack_int(p, "risk", (int64_t)counts[DOCTOR_RISK]);
    pack_int(p, "broken", (int64_t)counts[DOCTOR_BROKEN]);
    pack_array_begin(p, "findings");
    for (size_t i = 0; i < r->count; i++)
        pack_finding(&r->findings[i], p);
    pack_array_end(p);
    pack_map_end(p);
}

static void reply_doctor(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    const struct job_context *c = context;
    struct doctor_report report;
    struct command_answer answer;
    if (outcome->code < 0) {
        control_reply_error(call, MESSAGE_FAILED, outcome->text, "");
        return;
    }
    doctor_get_report(c->doctor, &report);
    command_answer_init(&answer);
    pack_report(&report, &answer.pack);
    command_answer_reply(&answer, call);
}

/* The node's state is as fresh as a probe's. */
static void ask_doctor(void *context, struct control_call *call, const struct control_outcome *outcome)
{
    const struct job_context *c = context;
    struct error err = ERROR_INIT;
    struct job_submission submission = {.kind = JOB_DOCTOR};
    (void)outcome;
    if (control_wait_for_job(call, c->queue, &submission, 0, reply_doctor, &err) < 0)
        control_reply_error(call, MESSAGE_BUSY, err.text, "try again");
}

static void handle_doctor(void *context, struct control_call *call)
{
    ask_health(context, call, ask_doctor);
}

control_handler_fn *const command_handlers[COMMAND_IDS] = {
    [COMMAND_STATUS] = handle_status,
    [COMMAND_HEALTH] = handle_health,
    [COMMAND_JOBS] = handle_jobs,
    [COMMAND_MEMBERS] = handle_status,
    [COMMAND_CONFIG] = handle_config,
    [COMMAND_VERSION] = handle_version,
    [COMMAND_RESYNC] = command_run,
    [COMMAND_RECONCILE] = command_run,
    [COMMAND_STAMP] = command_run,
    [COMMAND_DUMP] = command_run,
    [COMMAND_DRAIN] = command_drain,
    [COMMAND_UNDRAIN] = command_run,
    [COMMAND_LOG_LEVEL] = command_log_level,
    [COMMAND_RELOAD] = command_run,
    [COMMAND_DOCTOR] = handle_doctor,
};
