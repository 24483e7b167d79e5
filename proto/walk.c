#include "proto/walk.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "proto/protocol.h"
#include "shared/utf8.h"

enum { uint64_first = 0xcf };

enum value_kind { VALUE_PLAIN, VALUE_TEXT, VALUE_ARRAY, VALUE_MAP, VALUE_UNUSED };

/* A value's first byte, taken apart. */
struct header {
    enum value_kind kind;
    size_t count_bytes; /* of the length or count that follows the first byte */
    bool is_key;        /* in its place; set by step() */
    size_t count; /* bytes of a text or a number, elements of a container; read from count_bytes if there are any */
};

struct walk {
    const uint8_t *data;
    size_t len;
    size_t at;
    size_t values;
    size_t depth;
    struct {
        size_t left; /* values to come in this container */
        bool map;
    } open[PROTOCOL_DEPTH_MAX];
};

/* https://github.com/msgpack/msgpack/blob/master/spec.md, "Formats" */
static struct header header_of_long(uint8_t first)
{
    switch (first) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return (struct header){VALUE_PLAIN, 0, false, 0};
    case 0xcc: /* uint 8, 16, 32, 64 */
    case 0xcd:
    case 0xce:
    case uint64_first:
        return (struct header){VALUE_PLAIN, 0, false, (size_t)1 << (first - 0xcc)};
    case 0xd0: /* int 8, 16, 32, 64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return (struct header){VALUE_PLAIN, 0, false, (size_t)1 << (first - 0xd0)};
    case 0xd9: /* str 8, 16, 32 */
    case 0xda:
    case 0xdb:
        return (struct header){VALUE_TEXT, (size_t)1 << (first - 0xd9), false, 0};
    case 0xdc: /* array 16, 32 */
    case 0xdd:
        return (struct header){VALUE_ARRAY, (size_t)2 << (first - 0xdc), false, 0};
    case 0xde: /* map 16, 32 */
    case 0xdf:
        return (struct header){VALUE_MAP, (size_t)2 << (first - 0xde), false, 0};
    default: /* never used, bin, ext, float */
        return (struct header){VALUE_UNUSED, 0, false, 0};
    }
}

static struct header header_of(uint8_t first)
{
    if (first < 0x80 || first >= 0xe0) /* fixint */
        return (struct header){VALUE_PLAIN, 0, false, 0};
    if (first < 0x90)
        return (struct header){VALUE_MAP, 0, false, first & 0x0f};
    if (first < 0xa0)
        return (struct header){VALUE_ARRAY, 0, false, first & 0x0f};
    if (first < 0xc0)
        return (struct header){VALUE_TEXT, 0, false, first & 0x1f};
    return header_of_long(first);
}

static int wrong(const struct walk *w, const char *what, struct error *err)
{
    return error_set(err, -EPROTO, "%s, at byte %zu of %zu", what, w->at, w->len);
}

static int read_count(struct walk *w, struct header *h, struct error *err)
{
    if (w->len - w->at < h->count_bytes)
        return wrong(w, "the bytes end within a value", err);
    for (size_t i = 0; i < h->count_bytes; i++)
        h->count = h->count << 8 | w->data[w->at + i];
    w->at += h->count_bytes;
    return 0;
}

static int skip_bytes(struct walk *w, const struct header *h, struct error *err)
{
    if (h->count > w->len - w->at)
        return wrong(w, "the bytes end within a value", err);
    if (h->kind == VALUE_PLAIN && w->data[w->at - 1] == uint64_first && w->data[w->at] >= 0x80)
        return wrong(w, "an integer above 2^63 - 1", err);
    if (h->kind == VALUE_TEXT && !utf8_valid((const char *)w->data + w->at, h->count))
        return wrong(w, "a text that is not UTF-8", err);
    if (h->is_key && memchr(w->data + w->at, '\0', h->count) != NULL)
        return wrong(w, "a key with a NUL in it", err);
    w->at += h->count;
    return 0;
}

/* Every element takes a byte at least, so that a count beyond the bytes left is a lie. */
static int open_container(struct walk *w, const struct header *h, size_t depth_max, struct error *err)
{
    size_t elements_max = h->kind == VALUE_MAP ? (w->len - w->at) / 2 : w->len - w->at;
    if (h->count > elements_max)
        return wrong(w, "a count beyond the bytes that follow", err);
    if (w->depth >= depth_max)
        return wrong(w, "too many maps and arrays in each other", err);
    w->open[w->depth].left = h->kind == VALUE_MAP ? 2 * h->count : h->count;
    w->open[w->depth].map = h->kind == VALUE_MAP;
    w->depth++;
    return 0;
}

static bool expects_key(const struct walk *w)
{
    return w->depth > 0 && w->open[w->depth - 1].map && w->open[w->depth - 1].left % 2 == 0;
}

static int step(struct walk *w, size_t depth_max, size_t values_max, struct error *err)
{
    if (w->at >= w->len)
        return wrong(w, "the bytes end within a value", err);
    struct header h = header_of(w->data[w->at]);
    if (h.kind == VALUE_UNUSED)
        return wrong(w, "a type that the protocol does not use", err);
    if (w->depth == 0 && h.kind != VALUE_MAP)
        return wrong(w, "something else than a map", err);
    h.is_key = expects_key(w);
    if (h.is_key && h.kind != VALUE_TEXT)
        return wrong(w, "a key that is no text", err);
    if (++w->values > values_max)
        return wrong(w, "too many values", err);
    if (w->depth > 0)
        w->open[w->depth - 1].left--;
    w->at++;
    int rc = read_count(w, &h, err);
    if (rc < 0)
        return rc;
    return h.kind == VALUE_MAP || h.kind == VALUE_ARRAY ? open_container(w, &h, depth_max, err)
                                                        : skip_bytes(w, &h, err);
}

int walk_check(const uint8_t *data, size_t len, size_t depth_max, size_t values_max, struct error *err)
{
    assert(depth_max <= PROTOCOL_DEPTH_MAX);
    struct walk w = {.data = data, .len = len};
    do {
        int rc = step(&w, depth_max, values_max, err);
        if (rc < 0)
            return rc;
        while (w.depth > 0 && w.open[w.depth - 1].left == 0)
            w.depth--;
    } while (w.depth > 0);
    return w.at == len ? 0 : wrong(&w, "bytes after the map", err);
}
