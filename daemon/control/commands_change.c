#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/commands/command_job.h"
#include "daemon/control/commands_private.h"
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
    if (rc == -EINVAL)
        control_reply_error(call, MESSAGE_BAD_ARGUMENT, err->text, "");
    else if (rc == -ENOTSUP)
        control_reply_error(call, MESSAGE_UNAVAILABLE, err->text, "");
    else if (rc == -ESHUTDOWN)
        control_reply_error(call, MESSAGE_UNAVAILABLE, err->text, "status shows the phase");
    else
        control_reply_error(call, MESSAGE_BUSY, err->text, "jobs shows what waits and runs; try again");
}

/* wait: until the job has ended, however long that takes. True when it was accepted; else it is answered. */
static bool submit(const struct job_context *c, struct control_call *call, bool wait)
{
    char by[64];
    struct error err = ERROR_INIT;
    struct control_job job = {.done = NULL};
    (void)snprintf(by, sizeof(by), "proxysql-agentctl %s", control_call_command(call)->name);
    if (wait)
        control_wait_begin(call, 0, reply_outcome, &job);
    const struct command_order order = {.command = control_call_command(call),
                                        .values = control_call_values(call),
                                        .by = by,
                                        .done = job.done,
                                        .progress = job.progress,
                                        .arg = job.arg};
    int rc = command_submit(c, &order, &err);
    if (rc < 0 && wait)
        control_wait_cancel(call);
    if (rc < 0)
        refuse_job(call, rc, &err);
    return rc == 0;
}

void command_run(void *context, struct control_call *call)
{
    (void)submit(context, call, true);
}

/* A drain that nobody waits for has begun. */
static void reply_begun(struct control_call *call)
{
    static const struct control_outcome begun = {
        .ended = true, .text = "", .summary = "the drain has begun; status shows how far it is", .lines = ""};
    reply_outcome(NULL, call, &begun);
}

void command_drain(void *context, struct control_call *call)
{
    bool wait = control_call_value(call, "wait", 0) != 0;
    if (submit(context, call, wait) && !wait)
        reply_begun(call);
}

void command_log_level(void *context, struct control_call *call)
{
    enum log_level before;
    enum log_level level;
    struct command_answer answer;
    command_answer_init(&answer);
    command_set_log_level(context, control_call_values(call), &before, &level);
    pack_map_begin(&answer.pack, NULL);
    pack_str(&answer.pack, "before", log_level_name(before));
    pack_str(&answer.pack, "level", log_level_name(level));
    pack_map_end(&answer.pack);
    command_answer_reply(&answer, call);
}
