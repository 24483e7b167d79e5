#include "daemon/dump_ask.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client.h"
#include "daemon/dump_pipe.h"
#include "daemon/jobs/dump.h"
#include "proto/tree.h"
#include "shared/clock.h"
#include "shared/log.h"

static const int ending_signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP};

/* Between two lines about a dump that goes on. */
struct asked {
    int64_t next_log_ms;
};

static void on_progress(void *arg, const struct msgpack_object *progress)
{
    struct asked *asked = arg;
    if (clock_mono_ms() < asked->next_log_ms)
        return;
    asked->next_log_ms = clock_mono_ms() + DUMP_LOG_MS;
    log_info("the agent dumps", LOG_STR("progress", tree_text(progress, "text")),
             LOG_INT("done", tree_int(progress, "done", 0)), LOG_STR("unit", tree_text(progress, "unit")));
}

static void give_settings(const struct command *c, const struct config *config, const char *pipe,
                          struct argument_values *values)
{
    command_give(c, config->dump.reset ? "reset" : "keep", 1, NULL, values);
    command_give(c, "format", config->dump.format, NULL, values);
    command_give(c, "compress", config->dump.compress, NULL, values);
    command_give(c, "max-bytes", config->dump.max_bytes, NULL, values);
    command_give(c, "dir", 0, config->dump.dir, values);
    command_give(c, "upload-url", 0, config->dump.upload_url, values);
    command_give(c, "pipe", 0, pipe, values);
    command_give(c, "proxysql", 0, config->proxysql.address, values);
}

/* Errors after which the agent is no help, but nothing speaks against a dump of our own. */
static bool is_no_help(const char *code)
{
    static const enum message_error codes[] = {MESSAGE_VERSION, MESSAGE_UNKNOWN_COMMAND, MESSAGE_BAD_ARGUMENT,
                                               MESSAGE_FORBIDDEN};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(code, message_error_name(codes[i])) == 0)
            return true;
    return false;
}

static int judge(const struct answer *answer, const char *socket, struct error *err)
{
    const char *message = tree_text(answer->body, "message");
    const char *hint = tree_text(answer->body, "hint");
    if (answer->kind == MESSAGE_RESULT) {
        log_info("dump done", LOG_STR("saved", tree_text(answer->body, "summary")), LOG_STR("agent", socket),
                 LOG_INT("duration_ms", tree_int(answer->body, "duration_ms", 0)));
        return 0;
    }
    if (is_no_help(tree_text(answer->body, "code"))) {
        log_warn("the agent beside this does not dump for us, so this process does", LOG_STR("agent", socket),
                 LOG_STR("reason", message));
        return DUMP_ASK_NOBODY;
    }
    log_error("dump failed", LOG_STR("error", message), LOG_STR("saved", hint), LOG_STR("agent", socket));
    return error_set(err, -EREMOTEIO, "%s", message);
}

static int call(struct client *client, const struct config *config, const char *pipe, struct error *err)
{
    const struct command *command = &command_table[COMMAND_DUMP];
    struct argument_values values = {.given = {false}};
    struct asked asked = {.next_log_ms = clock_mono_ms() + DUMP_LOG_MS};
    struct answer answer;
    give_settings(command, config, pipe, &values);
    log_info("the agent beside this dumps", LOG_STR("agent", client->path));
    int rc =
        client_call(client, command, &values, clock_mono_ms() + DUMP_DEADLINE_MS, on_progress, &asked, &answer, err);
    if (rc == -EPROTONOSUPPORT) {
        log_warn("the agent beside this does not dump for us, so this process does", LOG_STR("agent", client->path),
                 LOG_STR("reason", err->text));
        return DUMP_ASK_NOBODY;
    }
    if (rc < 0) {
        log_error("dump failed", LOG_STR("error", err->text), LOG_STR("agent", client->path));
        return rc;
    }
    rc = judge(&answer, client->path, err);
    answer_fini(&answer);
    return rc;
}

static int call_with_pipe(struct client *client, const struct config *config, struct error *err)
{
    struct dump_pipe *pipe = NULL;
    if (config->dump.output[0] == '\0')
        return call(client, config, "", err);
    int rc = dump_pipe_start(&pipe, err);
    if (rc < 0) {
        log_error("dump failed", LOG_STR("error", err->text));
        return rc;
    }
    rc = call(client, config, dump_pipe_path(pipe), err);
    int passed = dump_pipe_finish(pipe, rc == 0 ? err : NULL);
    if (rc == 0 && passed < 0) {
        log_error("dump failed", LOG_STR("error", err->text));
        rc = passed;
    }
    return rc;
}

/* A signal ends the asking, not the dump. */
static void on_signal(int number)
{
    static const char text[] = "proxysql-agent: stopped waiting; the agent beside this goes on with the dump\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
        _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        (void)sigaction(ending_signals[i], &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void uncatch_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(ending_signals); i++)
        (void)signal(ending_signals[i], SIG_DFL);
}

int dump_ask(const struct config *config, struct error *err)
{
    struct client client;
    char why[CLIENT_WHY_SIZE];
    const char *socket = config->control.socket[0] == '\0' ? NULL : config->control.socket;
    if (client_connect(&client, socket, why) < 0) {
        log_debug("no agent beside this", LOG_STR("reason", why));
        return DUMP_ASK_NOBODY;
    }
    catch_signals();
    int rc = call_with_pipe(&client, config, err);
    uncatch_signals();
    client_close(&client);
    return rc;
}
