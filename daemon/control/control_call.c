#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/control_private.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

static void call_free(struct control_call *call)
{
    call->client->call = NULL;
    free(call);
}

/* The answer is complete; rc is what writing it to the client's buffer came to. */
static void end_call(struct control_call *call, int rc)
{
    struct control_client *client = call->client;
    int64_t now_ms = clock_mono_ms();
    assert(call->wait == NULL);
    if (rc < 0)
        client->gone = true;
    if (client->state == CONTROL_CLIENT_WORKING)
        control_client_set_state(client, CONTROL_CLIENT_SENDING, now_ms);
    call_free(call);
    control_client_send(client, now_ms);
}

void control_reply(struct control_call *call, const struct buf *body)
{
    int rc = answer_encode(&call->client->out, call->id, MESSAGE_RESULT, body);
    if (rc == -EMSGSIZE)
        rc = answer_encode_error(&call->client->out, call->id, MESSAGE_FAILED, "the answer is too large", "");
    end_call(call, rc);
}

void control_reply_error(struct control_call *call, enum message_error code, const char *message, const char *hint)
{
    end_call(call, answer_encode_error(&call->client->out, call->id, code, message, hint));
}

static void count_refused(struct control_server *server)
{
    mutex_lock(&server->lock);
    server->stats.refused++;
    mutex_unlock(&server->lock);
}

/* Refused before its handler: answer, and say so in the log when somebody wanted more than he may. */
static void refuse(struct control_call *call, enum message_error code, const char *message, const char *hint)
{
    static struct log_limit limit = LOG_LIMIT_INIT(10, 60 * 1000);
    uint64_t suppressed = 0;
    count_refused(call->server);
    if (code == MESSAGE_FORBIDDEN && log_limit_pass(&limit, &suppressed))
        log_warn("a control command was refused", LOG_STR("command", call->command->name),
                 LOG_INT("uid", call->client->uid), LOG_INT("pid", call->client->pid), LOG_STR("reason", message),
                 LOG_INT("not_logged", suppressed));
    control_reply_error(call, code, message, hint);
}

static void refuse_unknown(struct control_call *call, const char *name)
{
    char message[256];
    char hint[128] = "proxysql-agentctl help lists the commands of its own release";
    const char *nearest = command_nearest(name);
    (void)snprintf(message, sizeof(message), "this agent (%s) has no command \"%.60s\"", PROJECT_VERSION, name);
    if (nearest != NULL)
        (void)snprintf(hint, sizeof(hint), "did you mean %s?", nearest);
    refuse(call, MESSAGE_UNKNOWN_COMMAND, message, hint);
}

static bool may_change(const struct control_client *client)
{
    return client->uid == 0 || client->uid == geteuid();
}

static void refuse_rights(struct control_call *call)
{
    char message[256];
    (void)snprintf(message, sizeof(message),
                   "%s changes something: only uid 0 and the agent's own (%u) may, not uid %d", call->command->name,
                   (unsigned)geteuid(), (int)call->client->uid);
    refuse(call, MESSAGE_FORBIDDEN, message, "run it as root or as the agent's user");
}

static void log_change(const struct control_call *call)
{
    if (call->command->rights == COMMAND_CHANGE)
        log_info("control command", LOG_STR("command", call->command->name), LOG_INT("uid", call->client->uid),
                 LOG_INT("pid", call->client->pid));
}

static void serve(struct control_call *call, const struct request *request)
{
    struct error err = ERROR_INIT;
    call->command = command_find(request->command);
    if (call->command == NULL) {
        refuse_unknown(call, request->command);
    } else if (call->command->rights == COMMAND_CHANGE && !may_change(call->client)) {
        refuse_rights(call);
    } else if (command_read(call->command, request->args, &call->values, &err) < 0) {
        refuse(call, MESSAGE_BAD_ARGUMENT, err.text, "");
    } else {
        log_change(call);
        call->server->handlers[command_id_of(call->command)](call->server->context, call);
    }
}

static struct control_call *call_new(struct control_server *server, struct control_client *client, int64_t now_ms)
{
    struct control_call *call = xcalloc(1, sizeof(*call));
    call->server = server;
    call->client = client;
    client->call = call;
    control_client_set_state(client, CONTROL_CLIENT_WORKING, now_ms);
    mutex_lock(&server->lock);
    server->stats.requests++;
    mutex_unlock(&server->lock);
    return call;
}

/* A client that sends what is no request is told so and closed: what follows could be anything. */
static void close_after(struct control_client *client, int64_t now_ms)
{
    if (!client->gone)
        control_client_set_state(client, CONTROL_CLIENT_CLOSING, now_ms);
}

void control_call_begin(struct control_server *server, struct control_client *client, const uint8_t *content,
                        size_t len, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    struct request request;
    struct control_call *call = call_new(server, client, now_ms);
    int rc = request_decode(content, len, &request, &call->id, &err);
    if (rc == -EPROTONOSUPPORT) {
        refuse(call, MESSAGE_VERSION, err.text, "use the proxysql-agentctl of the agent's own release");
    } else if (rc < 0) {
        close_after(client, now_ms);
        refuse(call, MESSAGE_MALFORMED, err.text, "docs/control-protocol.md says what a request is");
    } else {
        serve(call, &request);
        request_fini(&request);
    }
}

void control_call_malformed(struct control_server *server, struct control_client *client, const struct error *why,
                            int64_t now_ms)
{
    struct control_call *call = call_new(server, client, now_ms);
    close_after(client, now_ms);
    refuse(call, MESSAGE_MALFORMED, why->text, "docs/control-protocol.md says what a frame is");
}

void control_call_abandon(struct control_client *client)
{
    struct control_call *call = client->call;
    if (call == NULL)
        return;
    if (call->wait != NULL)
        call->wait->call = NULL;
    call->wait = NULL;
    call_free(call);
}

const struct command *control_call_command(const struct control_call *call)
{
    return call->command;
}

int64_t control_call_value(const struct control_call *call, const char *argument, int64_t otherwise)
{
    return command_value(call->command, &call->values, argument, otherwise);
}

const struct argument_values *control_call_values(const struct control_call *call)
{
    return &call->values;
}
