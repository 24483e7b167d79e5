/*
 * What a client of the control socket sends, and what an agent answers: the bytes are a stream of frames.
 *
 * Beyond not crashing: a request that is taken has a command and, for a known one, arguments within their ranges, which
 * are the same when they are packed and read again; whatever is unpacked can be written as JSON; and no message makes
 * the library allocate more than a fixed multiple of its length (libFuzzer's -malloc_limit_mb watches that).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/command.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "proto/pack.h"
#include "proto/protocol.h"
#include "tests/fuzz/fuzz.h"

enum { out_bytes_max = 8 * 1024 * 1024 };

static void write_json(const struct msgpack_object *value)
{
    struct json_writer w;
    cleanup_buf struct buf out;
    buf_init(&out, out_bytes_max);
    json_writer_init(&w, &out);
    tree_write_json(value, &w, NULL);
    if (json_writer_end(&w) != 0)
        abort();
}

static void check_values(const struct command *c, const struct argument_values *v)
{
    for (int i = 0; c->arguments[i].name != NULL; i++) {
        const struct argument *a = &c->arguments[i];
        if (v->given[i] && a->type == ARGUMENT_INT && (v->number[i] < a->min || v->number[i] > a->max))
            abort();
        if (v->given[i] && a->reach != ARGUMENT_EVERYWHERE && a->reach != ARGUMENT_CONTROL)
            abort();
    }
}

static void check_round_trip(const struct command *c, const struct argument_values *v)
{
    struct pack p;
    struct tree tree;
    struct argument_values again;
    cleanup_buf struct buf out;
    buf_init(&out, out_bytes_max);
    pack_init(&p, &out);
    command_pack(c, v, &p);
    if (pack_end(&p) != 0 || tree_unpack(out.data, out.len, PROTOCOL_REQUEST_VALUES_MAX, &tree, NULL) != 0 ||
        command_read(c, tree.top, &again, NULL) != 0)
        abort();
    for (int i = 0; c->arguments[i].name != NULL; i++)
        if (again.given[i] != v->given[i] || (v->given[i] && again.number[i] != v->number[i]))
            abort();
    tree_fini(&tree);
}

static void try_request(const uint8_t *content, size_t len)
{
    struct request request;
    struct argument_values values;
    struct error err = ERROR_INIT;
    int64_t id = 0;
    int rc = request_decode(content, len, &request, &id, &err);
    if (rc < 0) {
        if ((rc != -EPROTO && rc != -EPROTONOSUPPORT) || err.text[0] == '\0')
            abort();
        return;
    }
    const struct command *c = command_find(request.command);
    if (c != NULL && command_read(c, request.args, &values, &err) == 0) {
        check_values(c, &values);
        check_round_trip(c, &values);
    }
    write_json(request.tree.top);
    request_fini(&request);
}

static void try_answer(const uint8_t *content, size_t len)
{
    struct answer answer;
    struct error err = ERROR_INIT;
    int rc = answer_decode(content, len, &answer, &err);
    if (rc < 0) {
        if ((rc != -EPROTO && rc != -EPROTONOSUPPORT) || err.text[0] == '\0')
            abort();
        return;
    }
    write_json(answer.body);
    answer_fini(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *content = NULL;
    size_t len = 0;
    while (frame_find(data, size, PROTOCOL_REQUEST_BYTES_MAX, &content, &len, NULL) == 1) {
        try_request(content, len);
        try_answer(content, len);
        data += PROTOCOL_LENGTH_BYTES + len;
        size -= PROTOCOL_LENGTH_BYTES + len;
    }
    return 0;
}
