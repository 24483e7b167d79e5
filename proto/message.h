#pragma once

#include <stddef.h>
#include <stdint.h>

#include "proto/tree.h"
#include "shared/buf.h"
#include "shared/error.h"

/*
 * Requests and answers, to and from frames' contents. Encoders append a whole frame to a buf and leave it as it was
 * when they fail (-EMSGSIZE, -ENOMEM). Not thread-safe for one buf.
 */

/* Why a request is answered with an error; the names are part of the protocol. */
enum message_error {
    MESSAGE_MALFORMED,       /* the request is no message; the connection is closed */
    MESSAGE_VERSION,         /* the two sides speak different versions */
    MESSAGE_UNKNOWN_COMMAND, /* this agent has no such command */
    MESSAGE_BAD_ARGUMENT,    /* an argument that the command does not take, or not this value */
    MESSAGE_FORBIDDEN,       /* this user may look but not change */
    MESSAGE_UNAVAILABLE,     /* not in this mode, or not in this phase */
    MESSAGE_BUSY,            /* refused by a limit: try again */
    MESSAGE_FAILED,          /* tried, and it did not work */
    MESSAGE_ERRORS
};

/* "malformed", "version", ... */
const char *message_error_name(enum message_error code);

enum message_kind { MESSAGE_PROGRESS, MESSAGE_RESULT, MESSAGE_ERROR };

struct request {
    int64_t id;
    const char *command;
    const struct msgpack_object *args; /* NULL when there are none */
    struct tree tree;
};

struct answer {
    int64_t id;
    enum message_kind kind;
    const struct msgpack_object *body;
    struct tree tree;
};

/* args is a packed map, or NULL. */
MUST_CHECK int request_encode(struct buf *out, int64_t id, const char *command, const struct buf *args,
                              struct error *err);

/* ret_request is to be freed with request_fini() on success. -EPROTO: no request; -EPROTONOSUPPORT: of another version;
 * *ret_id is its id, 0 when it has none. */
MUST_CHECK int request_decode(const void *data, size_t len, struct request *ret_request, int64_t *ret_id,
                              struct error *err);
void request_fini(struct request *request);

/* body is a packed value. */
MUST_CHECK int answer_encode(struct buf *out, int64_t id, enum message_kind kind, const struct buf *body);

/* hint: what to do about it; "" for none. */
MUST_CHECK int answer_encode_error(struct buf *out, int64_t id, enum message_error code, const char *message,
                                   const char *hint);

/* ret_answer is to be freed with answer_fini() on success. -EPROTO: no answer; -EPROTONOSUPPORT: of another version,
 * with the agent's own words if it gave any. */
MUST_CHECK int answer_decode(const void *data, size_t len, struct answer *ret_answer, struct error *err);
void answer_fini(struct answer *answer);
#define cleanup_answer __attribute__((cleanup(answer_fini)))
