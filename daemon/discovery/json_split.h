#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/buf.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Cuts a stream of JSON text, which comes in pieces of any size, into single objects, so that no more than one of them
 * is ever parsed or held. A watch is one object after the other; a list is one object whose array "items" is cut into
 * its objects, and what is around them is kept as the envelope. It counts brackets and strings only: what is inside
 * is judged by who parses the parts. Not thread-safe.
 */
enum {
    JSON_SPLIT_OBJECT_MAX = 2 * 1024 * 1024, /* bytes of one object; etcd takes 1.5 MiB */
    JSON_SPLIT_ENVELOPE_MAX = 64 * 1024,
    JSON_SPLIT_DEPTH_MAX = 64, /* the parser recurses; a pod has about 12 levels */
    JSON_SPLIT_KEY_MAX = 16,
};

enum json_split_mode { JSON_SPLIT_STREAM, JSON_SPLIT_LIST };

/* One whole object; text is not kept. A negative return value ends the feeding with it. */
typedef int json_split_fn(void *arg, const char *text, size_t len, struct error *err);

struct json_split {
    enum json_split_mode mode;
    json_split_fn *on_object;
    void *arg;
    struct buf object;
    struct buf envelope; /* of a list, with "items":[] */
    unsigned depth;
    bool in_string;
    bool escaped;
    bool capturing; /* inside an object that will be handed over */
    bool in_items;
    bool items_seen; /* an object of the items was handed over */
    bool expect_key; /* at depth 1, the next string is a key */
    bool in_key;
    bool ended; /* the list's closing bracket was seen */
    size_t key_len;
    char key[JSON_SPLIT_KEY_MAX];
};

void json_split_init(struct json_split *s, json_split_fn *on_object, void *arg);
void json_split_fini(struct json_split *s);

/* Begin another stream; what was left of the last one is forgotten. */
void json_split_reset(struct json_split *s, enum json_split_mode mode);

/* The next piece. 0; -EBADMSG when it is not what the mode expects; -EMSGSIZE when a limit is reached; what on_object
 * returned. After a failure only reset and fini may follow. */
MUST_CHECK int json_split_feed(struct json_split *s, const char *data, size_t len, struct error *err);

/* True when the stream may end here: between two objects, or after the list. */
bool json_split_at_end(const struct json_split *s);
