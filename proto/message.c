#include "proto/message.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/pack.h"
#include "proto/protocol.h"

static const char *const kind_keys[] = {
    [MESSAGE_PROGRESS] = "progress", [MESSAGE_RESULT] = "result", [MESSAGE_ERROR] = "error"};

const char *message_error_name(enum message_error code)
{
    static const char *const names[MESSAGE_ERRORS] = {
        [MESSAGE_MALFORMED] = "malformed",
        [MESSAGE_VERSION] = "version",
        [MESSAGE_UNKNOWN_COMMAND] = "unknown_command",
        [MESSAGE_BAD_ARGUMENT] = "bad_argument",
        [MESSAGE_FORBIDDEN] = "forbidden",
        [MESSAGE_UNAVAILABLE] = "unavailable",
        [MESSAGE_BUSY] = "busy",
        [MESSAGE_FAILED] = "failed",
    };
    assert((size_t)code < ARRAY_LEN(names));
    return names[code];
}

static void message_begin(struct pack *p, struct buf *out, int64_t id)
{
    pack_init(p, out);
    pack_map_begin(p, NULL);
    pack_int(p, "version", PROTOCOL_VERSION);
    pack_int(p, "id", id);
}

/* End the map and its frame; what is too large is taken back. */
static int message_end(struct pack *p, size_t at, size_t content_max)
{
    pack_map_end(p);
    int rc = pack_end(p);
    if (rc == 0 && p->out->len - at - PROTOCOL_LENGTH_BYTES > content_max)
        rc = -EMSGSIZE;
    if (rc == 0)
        frame_end(p->out, at);
    else
        buf_truncate(p->out, at);
    return rc;
}

int request_encode(struct buf *out, int64_t id, const char *command, const struct buf *args, struct error *err)
{
    struct pack p;
    size_t at = 0;
    int rc = frame_begin(out, &at);
    if (rc == 0) {
        message_begin(&p, out, id);
        pack_str(&p, "command", command);
        if (args != NULL)
            pack_raw(&p, "args", args->data, args->len);
        rc = message_end(&p, at, PROTOCOL_REQUEST_BYTES_MAX);
    }
    return rc < 0 ? error_set(err, rc, "the request is too large: %d bytes at most", PROTOCOL_REQUEST_BYTES_MAX) : 0;
}

int answer_encode(struct buf *out, int64_t id, enum message_kind kind, const struct buf *body)
{
    struct pack p;
    size_t at = 0;
    int rc = frame_begin(out, &at);
    if (rc < 0)
        return rc;
    message_begin(&p, out, id);
    pack_raw(&p, kind_keys[kind], body->data, body->len);
    return message_end(&p, at, PROTOCOL_ANSWER_BYTES_MAX);
}

int answer_encode_error(struct buf *out, int64_t id, enum message_error code, const char *message, const char *hint)
{
    struct pack p;
    size_t at = 0;
    int rc = frame_begin(out, &at);
    if (rc < 0)
        return rc;
    message_begin(&p, out, id);
    pack_map_begin(&p, kind_keys[MESSAGE_ERROR]);
    pack_str(&p, "code", message_error_name(code));
    pack_str(&p, "message", message);
    pack_str(&p, "hint", hint);
    pack_map_end(&p);
    return message_end(&p, at, PROTOCOL_ANSWER_BYTES_MAX);
}

static int check_request(struct request *r, struct error *err)
{
    const struct msgpack_object *top = r->tree.top;
    int64_t version = tree_int(top, "version", -1);
    r->id = tree_int(top, "id", 0);
    if (version < 0)
        return error_set(err, -EPROTO, "a request without the key \"version\"");
    if (version != PROTOCOL_VERSION)
        return error_set(err, -EPROTONOSUPPORT,
                         "the client speaks version %lld of the control protocol, this agent (%s) speaks version %d",
                         (long long)version, PROJECT_VERSION, PROTOCOL_VERSION);
    if (!tree_is_int(tree_get(top, "id"), &r->id) || r->id < 0)
        return error_set(err, -EPROTO, "a request without an id, a number from 0 on");
    if (!tree_is_text(tree_get(top, "command"), &r->command))
        return error_set(err, -EPROTO, "a request without the key \"command\"");
    r->args = tree_get(top, "args");
    return 0;
}

int request_decode(const void *data, size_t len, struct request *ret_request, int64_t *ret_id, struct error *err)
{
    struct request r = {.id = 0};
    int rc = tree_unpack(data, len, PROTOCOL_REQUEST_VALUES_MAX, &r.tree, err);
    if (rc == 0)
        rc = check_request(&r, err);
    *ret_id = r.id;
    if (rc < 0)
        request_fini(&r);
    else
        *ret_request = r;
    return rc;
}

void request_fini(struct request *request)
{
    tree_fini(&request->tree);
}

static int check_version(const struct msgpack_object *top, struct error *err)
{
    int64_t version = tree_int(top, "version", -1);
    if (version == PROTOCOL_VERSION)
        return 0;
    if (version < 0)
        return error_set(err, -EPROTO, "an answer without the key \"version\": this is no proxysql-agent");
    const char *words = tree_text(tree_get(top, "error"), "message");
    return error_set(
        err, -EPROTONOSUPPORT,
        "the agent speaks version %lld of the control protocol, this proxysql-agentctl (%s) speaks version "
        "%d%s%.80s",
        (long long)version, PROJECT_VERSION, PROTOCOL_VERSION, words[0] == '\0' ? "" : "; it says: ", words);
}

static int check_answer(struct answer *a, struct error *err)
{
    const struct msgpack_object *top = a->tree.top;
    int rc = check_version(top, err);
    if (rc < 0)
        return rc;
    if (!tree_is_int(tree_get(top, "id"), &a->id))
        return error_set(err, -EPROTO, "an answer without an id");
    for (size_t i = 0; i < ARRAY_LEN(kind_keys); i++) {
        const struct msgpack_object *body = tree_get(top, kind_keys[i]);
        if (body != NULL && a->body != NULL)
            return error_set(err, -EPROTO, "an answer with both \"%s\" and \"%s\"", kind_keys[a->kind], kind_keys[i]);
        if (body != NULL) {
            a->body = body;
            a->kind = (enum message_kind)i;
        }
    }
    return a->body != NULL ? 0 : error_set(err, -EPROTO, "an answer without progress, result or error");
}

int answer_decode(const void *data, size_t len, struct answer *ret_answer, struct error *err)
{
    struct answer a = {.id = 0};
    int rc = tree_unpack(data, len, PROTOCOL_ANSWER_VALUES_MAX, &a.tree, err);
    if (rc == 0)
        rc = check_answer(&a, err);
    if (rc < 0)
        answer_fini(&a);
    else
        *ret_answer = a;
    return rc;
}

void answer_fini(struct answer *answer)
{
    tree_fini(&answer->tree);
}
