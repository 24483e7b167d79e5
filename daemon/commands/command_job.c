#include "daemon/commands/command_job.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/dump/upload_url.h"
#include "daemon/jobs/dump.h"
#include "daemon/status/status.h"
#include "shared/mem.h"

typedef int make_fn(const struct config *config, const struct command_order *order, struct job_submission *submission,
                    struct error *err);

static make_fn make_stamp;
static make_fn make_dump;

/* A kind of job that is no drain: params are made by make, if it needs any. A drain has an order instead. */
struct row {
    bool has_job;
    enum job_id job;
    int run_mode; /* the only one that has it; RUN_MODE_NONE = all */
    make_fn *make;
};

static const struct row rows[COMMAND_IDS] = {
    [COMMAND_RESYNC] = {true, JOB_RESYNC, RUN_MODE_SATELLITE, NULL},
    [COMMAND_RECONCILE] = {true, JOB_RECONCILE, RUN_MODE_CORE, NULL},
    [COMMAND_STAMP] = {true, JOB_STAMP, RUN_MODE_CORE, make_stamp},
    [COMMAND_DUMP] = {true, JOB_DUMP, RUN_MODE_NONE, make_dump},
    [COMMAND_DRAIN] = {true, JOB_DRAIN, RUN_MODE_NONE, NULL},
    [COMMAND_UNDRAIN] = {true, JOB_DRAIN, RUN_MODE_NONE, NULL},
    [COMMAND_RELOAD] = {true, JOB_RELOAD, RUN_MODE_NONE, NULL},
};

static const struct row *row_of(const struct command *command)
{
    return &rows[command_id_of(command)];
}

bool command_has_job(const struct command *command)
{
    return row_of(command)->has_job;
}

enum job_id command_job(const struct command *command)
{
    assert(command_has_job(command));
    return row_of(command)->job;
}

static int64_t value_of(const struct command_order *order, const char *argument, int64_t otherwise)
{
    return command_value(order->command, order->values, argument, otherwise);
}

static int make_stamp(const struct config *config, const struct command_order *order, struct job_submission *submission,
                      struct error *err)
{
    (void)config;
    (void)err;
    struct stamp_request *request = xcalloc(1, sizeof(*request));
    request->dry_run = value_of(order, "dry-run", 0) != 0;
    request->again = true;
    submission->params = request;
    submission->params_free = free;
    return 0;
}

/* In place of what the settings say. */
static void take_text(const struct command_order *order, const char *argument, char **option)
{
    const char *text = command_text(order->command, order->values, argument);
    if (text == NULL)
        return;
    free(*option);
    *option = xstrdup(text);
}

static int take_dump_options(const struct command_order *order, struct dump_options *options, struct error *err)
{
    bool keep = value_of(order, "keep", 0) != 0;
    options->reset = !keep && (options->reset || value_of(order, "reset", 0) != 0);
    options->format = (int)value_of(order, "format", options->format);
    options->compress = (int)value_of(order, "compress", options->compress);
    options->max_bytes = value_of(order, "max-bytes", options->max_bytes);
    take_text(order, "dir", &options->dir);
    take_text(order, "pipe", &options->pipe);
    take_text(order, "upload-url", &options->upload_url);
    if (strcmp(options->pipe, "-") == 0)
        return error_set(err, -EINVAL, "pipe: the agent's own standard output is not for dumps");
    int rc = options->upload_url[0] == '\0' ? 0 : upload_url_check(options->upload_url, err);
    return rc < 0 ? error_wrap(err, "upload-url") : 0;
}

static int make_dump(const struct config *config, const struct command_order *order, struct job_submission *submission,
                     struct error *err)
{
    const char *proxysql = command_text(order->command, order->values, "proxysql");
    if (proxysql != NULL && strcmp(proxysql, config->proxysql.address) != 0)
        return error_set(err, -EINVAL, "proxysql: this agent's is another one, %s", config->proxysql.address);
    struct dump_options *options = dump_options_new(config);
    if (take_dump_options(order, options, err) < 0) {
        dump_options_free(options);
        return -EINVAL;
    }
    submission->params = options;
    submission->params_free = dump_options_free;
    return 0;
}

static int submit_drain(const struct job_context *c, const struct command_order *order, struct error *err)
{
    struct drain_request request = {.target = DRAIN_RUNNING,
                                    .delay_ms = -1,
                                    .by = order->by,
                                    .done = order->done,
                                    .progress = order->progress,
                                    .arg = order->arg};
    if (command_id_of(order->command) == COMMAND_DRAIN) {
        int64_t delay_s = value_of(order, "delay", -1);
        request.target = value_of(order, "maintenance", 0) != 0 ? DRAIN_MAINTENANCE : DRAIN_STOPPED;
        request.delay_ms = delay_s < 0 ? -1 : delay_s * 1000;
    }
    return drain_request(c, &request, err);
}

static int check_mode(const struct command *command, const struct config *config, struct error *err)
{
    int run_mode = row_of(command)->run_mode;
    if (run_mode == RUN_MODE_NONE || run_mode == config->run_mode)
        return 0;
    return error_set(err, -ENOTSUP, "%s is for run_mode %s, this agent runs as %s", command->name,
                     run_mode_name(run_mode), run_mode_name(config->run_mode));
}

int command_submit(const struct job_context *c, const struct command_order *order, struct error *err)
{
    cleanup_config const struct config *config = config_live_get(c->live);
    const struct row *row = row_of(order->command);
    struct job_submission submission = {
        .kind = command_job(order->command), .done = order->done, .progress = order->progress, .arg = order->arg};
    int rc = check_mode(order->command, config, err);
    if (rc < 0)
        return rc;
    if (row->job == JOB_DRAIN)
        return submit_drain(c, order, err);
    if (row->make != NULL)
        rc = row->make(config, order, &submission, err);
    return rc < 0 ? rc : job_queue_submit_with(c->queue, &submission, err);
}

void command_set_log_level(const struct job_context *c, const struct argument_values *values,
                           enum log_level *ret_before, enum log_level *ret_level)
{
    const struct command *command = &command_table[COMMAND_LOG_LEVEL];
    *ret_before = log_get_level();
    *ret_level = (enum log_level)command_value(command, values, "level", LOG_LEVEL_INFO);
    config_live_set_log_level(c->live, *ret_level);
    log_info("the log level is changed by a command", LOG_STR("before", log_level_name(*ret_before)),
             LOG_STR("level", log_level_name(*ret_level)));
}
