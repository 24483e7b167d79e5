#pragma once

#include <stdint.h>

#include "proto/command.h"
#include "proto/message.h"
#include "proto/socket_path.h"
#include "shared/buf.h"
#include "shared/error.h"

/* A connection to the agent. Belongs to one thread. */
struct client {
    int fd;
    char path[SOCKET_PATH_SIZE];
    int64_t last_id;
    struct buf in;
};

enum { CLIENT_WHY_SIZE = 1024 };

/* Connect to the socket at path, or when it is NULL to the first of the default places that answers (the one in a
 * temporary folder only if this user listens there). -ECONNREFUSED when
 * there is none; ret_why then says in words, one line each, which sockets were tried and why not. */
MUST_CHECK int client_connect(struct client *client, const char *path, char ret_why[static CLIENT_WHY_SIZE]);
void client_close(struct client *client);

/* Called for each progress message. */
typedef void client_progress_fn(void *arg, const struct msgpack_object *progress);

/* Send one command and wait for its result or error, until deadline_ms (monotonic; INT64_MAX = for ever). *ret_answer
 * is to be freed with answer_fini(). -ETIMEDOUT; -ECONNRESET: the agent went away; -EPROTO, -EPROTONOSUPPORT. */
MUST_CHECK int client_call(struct client *client, const struct command *command, const struct argument_values *values,
                           int64_t deadline_ms, client_progress_fn *progress, void *arg, struct answer *ret_answer,
                           struct error *err);
