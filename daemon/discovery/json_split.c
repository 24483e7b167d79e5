#include "daemon/discovery/json_split.h"

#include <errno.h>
#include <string.h>

/* What a byte outside strings means for the parts. */
enum step { STEP_GO_ON, STEP_BEGIN, STEP_END, STEP_BAD, STEP_TOO_DEEP };

void json_split_init(struct json_split *s, json_split_fn *on_object, void *arg)
{
    *s = (struct json_split){.on_object = on_object, .arg = arg};
    buf_init(&s->object, JSON_SPLIT_OBJECT_MAX);
    buf_init(&s->envelope, JSON_SPLIT_ENVELOPE_MAX);
}

void json_split_fini(struct json_split *s)
{
    buf_fini(&s->object);
    buf_fini(&s->envelope);
}

void json_split_reset(struct json_split *s, enum json_split_mode mode)
{
    struct json_split fresh = {
        .mode = mode, .on_object = s->on_object, .arg = s->arg, .object = s->object, .envelope = s->envelope};
    buf_reset(&fresh.object);
    buf_reset(&fresh.envelope);
    *s = fresh;
}

/* The depth around the objects that are handed over. */
static unsigned outer_depth(const struct json_split *s)
{
    return s->mode == JSON_SPLIT_LIST ? 2 : 0;
}

/* Between two objects, where only blanks, commas and the end may be. */
static bool between_objects(const struct json_split *s)
{
    if (s->capturing || s->depth != outer_depth(s))
        return false;
    return s->mode == JSON_SPLIT_STREAM || s->in_items;
}

static bool key_is_items(const struct json_split *s)
{
    return s->key_len == strlen("items") && memcmp(s->key, "items", s->key_len) == 0;
}

static enum step open_bracket(struct json_split *s, char c)
{
    if (s->depth == JSON_SPLIT_DEPTH_MAX)
        return STEP_TOO_DEEP;
    if ((s->depth == 0 || between_objects(s)) && c != '{')
        return STEP_BAD;
    bool begins = between_objects(s);
    s->depth++;
    if (begins) {
        s->capturing = true;
        return STEP_BEGIN;
    }
    if (s->depth == 1)
        s->expect_key = true;
    else if (s->depth == 2 && !s->capturing && c == '[' && !s->expect_key && key_is_items(s))
        s->in_items = true;
    return STEP_GO_ON;
}

static enum step close_bracket(struct json_split *s, char c)
{
    if (s->depth == 0 || (between_objects(s) && c != ']'))
        return STEP_BAD;
    s->depth--;
    if (s->capturing)
        return s->depth == outer_depth(s) ? STEP_END : STEP_GO_ON;
    if (s->depth == 1)
        s->in_items = s->items_seen = false;
    s->ended = s->depth == 0;
    return STEP_GO_ON;
}

static enum step open_string(struct json_split *s)
{
    if (s->depth == 0 || between_objects(s))
        return STEP_BAD;
    s->in_string = true;
    if (s->depth == 1 && !s->capturing && s->expect_key) {
        s->in_key = true;
        s->key_len = 0;
    }
    return STEP_GO_ON;
}

static enum step outside_string(struct json_split *s, char c)
{
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
        return STEP_GO_ON;
    if (s->ended)
        return STEP_BAD;
    switch (c) {
    case '"':
        return open_string(s);
    case '{':
    case '[':
        return open_bracket(s, c);
    case '}':
    case ']':
        return close_bracket(s, c);
    case ',':
    case ':':
        if (s->depth == 1 && !s->capturing)
            s->expect_key = c == ',';
        return s->depth == 0 || (c == ':' && between_objects(s)) ? STEP_BAD : STEP_GO_ON;
    default:
        return s->depth == 0 || between_objects(s) ? STEP_BAD : STEP_GO_ON;
    }
}

static void inside_string(struct json_split *s, char c)
{
    if (s->escaped) {
        s->escaped = false;
    } else if (c == '\\') {
        s->escaped = true;
    } else if (c == '"') {
        s->in_string = false;
        s->in_key = false;
        return;
    }
    if (s->in_key && s->key_len < JSON_SPLIT_KEY_MAX)
        s->key[s->key_len++] = c;
}

static int keep(struct json_split *s, const char *data, size_t len, struct error *err)
{
    if (!s->capturing && (s->mode == JSON_SPLIT_STREAM || s->items_seen))
        return 0; /* blanks and commas between objects */
    struct buf *target = s->capturing ? &s->object : &s->envelope;
    int rc = buf_append(target, data, len);
    if (rc == -EMSGSIZE)
        return error_set(err, rc, "%s has more than %zu bytes", s->capturing ? "one object" : "the list's head",
                         target->max);
    return rc < 0 ? error_set(err, rc, "out of memory") : 0;
}

static int hand_over(struct json_split *s, struct error *err)
{
    int rc = s->on_object(s->arg, s->object.data, s->object.len, err);
    s->capturing = false;
    s->items_seen = s->mode == JSON_SPLIT_LIST;
    buf_reset(&s->object);
    return rc;
}

/* Act on a byte that begins or ends an object, or must not be there. *from: the first byte not kept yet. */
static int take_step(struct json_split *s, enum step step, const char *data, size_t at, size_t *from, struct error *err)
{
    int rc;
    switch (step) {
    case STEP_GO_ON:
        return 0;
    case STEP_BEGIN:
        s->capturing = false;
        rc = keep(s, data + *from, at - *from, err);
        s->capturing = true;
        *from = at;
        return rc;
    case STEP_END:
        rc = keep(s, data + *from, at + 1 - *from, err);
        *from = at + 1;
        return rc < 0 ? rc : hand_over(s, err);
    case STEP_TOO_DEEP:
        return error_set(err, -EMSGSIZE, "JSON has more than %d levels", JSON_SPLIT_DEPTH_MAX);
    case STEP_BAD:
        break;
    }
    return error_set(err, -EBADMSG, "the answer is not the JSON that was asked for");
}

int json_split_feed(struct json_split *s, const char *data, size_t len, struct error *err)
{
    size_t from = 0;
    for (size_t at = 0; at < len; at++) {
        if (s->in_string) {
            inside_string(s, data[at]);
            continue;
        }
        int rc = take_step(s, outside_string(s, data[at]), data, at, &from, err);
        if (rc < 0)
            return rc;
    }
    return keep(s, data + from, len - from, err);
}

bool json_split_at_end(const struct json_split *s)
{
    return s->mode == JSON_SPLIT_LIST ? s->ended : s->depth == 0;
}
