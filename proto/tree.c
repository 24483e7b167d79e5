#include "proto/tree.h"

#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "proto/protocol.h"
#include "proto/walk.h"

/*
 * texts_note: MessagePack's texts have no NUL. A text is followed by another value's first byte or by the end of the
 * copy, which has one byte to spare, and once everything is unpacked these first bytes are of no use any more: so each
 * text is ended in place. An empty text's pointer is not set by the library (seen with msgpack-c 4.0).
 */
enum { zone_chunk_bytes = 4096 };

static void end_texts(struct msgpack_object *value)
{
    switch (value->type) {
    case MSGPACK_OBJECT_STR:
        if (value->via.str.size == 0)
            value->via.str.ptr = "";
        else
            ((char *)(uintptr_t)value->via.str.ptr)[value->via.str.size] = '\0';
        return;
    case MSGPACK_OBJECT_ARRAY:
        for (uint32_t i = 0; i < value->via.array.size; i++)
            end_texts(&value->via.array.ptr[i]);
        return;
    case MSGPACK_OBJECT_MAP:
        for (uint32_t i = 0; i < value->via.map.size; i++) {
            end_texts(&value->via.map.ptr[i].key);
            end_texts(&value->via.map.ptr[i].val);
        }
        return;
    default:
        return;
    }
}

static int unpack(struct tree *t, size_t len, struct error *err)
{
    msgpack_zone *zone = msgpack_zone_new(zone_chunk_bytes);
    struct msgpack_object *top = zone == NULL ? NULL : msgpack_zone_malloc(zone, sizeof(*top));
    t->zone = zone;
    if (top == NULL)
        return error_set(err, -ENOMEM, "no memory for a message of %zu bytes", len);
    size_t used = 0;
    msgpack_unpack_return rc = msgpack_unpack(t->bytes, len, &used, zone, top);
    if (rc == MSGPACK_UNPACK_NOMEM_ERROR)
        return error_set(err, -ENOMEM, "no memory for a message of %zu bytes", len);
    if (rc != MSGPACK_UNPACK_SUCCESS)
        return error_set(err, -EPROTO, "no MessagePack");
    end_texts(top);
    t->top = top;
    return 0;
}

int tree_unpack(const void *data, size_t len, size_t values_max, struct tree *ret_tree, struct error *err)
{
    int rc = walk_check(data, len, PROTOCOL_DEPTH_MAX, values_max, err);
    if (rc < 0)
        return rc;
    struct tree t = {.bytes = malloc(len + 1)};
    if (t.bytes == NULL)
        return error_set(err, -ENOMEM, "no memory for a message of %zu bytes", len);
    memcpy(t.bytes, data, len);
    rc = unpack(&t, len, err);
    if (rc < 0)
        tree_fini(&t);
    else
        *ret_tree = t;
    return rc;
}

void tree_fini(struct tree *tree)
{
    if (tree->zone != NULL)
        msgpack_zone_free(tree->zone);
    free(tree->bytes);
    *tree = (struct tree){.bytes = NULL};
}

const struct msgpack_object *tree_get(const struct msgpack_object *map, const char *key)
{
    size_t count = map != NULL && map->type == MSGPACK_OBJECT_MAP ? map->via.map.size : 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(tree_key(map, i), key) == 0)
            return tree_value(map, i);
    return NULL;
}

bool tree_is_int(const struct msgpack_object *value, int64_t *ret_number)
{
    if (value == NULL ||
        (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER && value->type != MSGPACK_OBJECT_NEGATIVE_INTEGER))
        return false;
    *ret_number = value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? (int64_t)value->via.u64 : value->via.i64;
    return true;
}

bool tree_is_bool(const struct msgpack_object *value, bool *ret_value)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_BOOLEAN)
        return false;
    *ret_value = value->via.boolean;
    return true;
}

bool tree_is_text(const struct msgpack_object *value, const char **ret_text)
{
    if (value == NULL || value->type != MSGPACK_OBJECT_STR || strlen(value->via.str.ptr) != value->via.str.size)
        return false;
    *ret_text = value->via.str.ptr;
    return true;
}

bool tree_is_map(const struct msgpack_object *value)
{
    return value != NULL && value->type == MSGPACK_OBJECT_MAP;
}

bool tree_is_array(const struct msgpack_object *value)
{
    return value != NULL && value->type == MSGPACK_OBJECT_ARRAY;
}

bool tree_is_nil(const struct msgpack_object *value)
{
    return value != NULL && value->type == MSGPACK_OBJECT_NIL;
}

int64_t tree_int(const struct msgpack_object *map, const char *key, int64_t missing)
{
    int64_t number = missing;
    (void)tree_is_int(tree_get(map, key), &number);
    return number;
}

bool tree_bool(const struct msgpack_object *map, const char *key)
{
    bool value = false;
    (void)tree_is_bool(tree_get(map, key), &value);
    return value;
}

const char *tree_text(const struct msgpack_object *map, const char *key)
{
    const char *text = "";
    (void)tree_is_text(tree_get(map, key), &text);
    return text;
}

size_t tree_count(const struct msgpack_object *container)
{
    if (container == NULL)
        return 0;
    if (container->type == MSGPACK_OBJECT_ARRAY)
        return container->via.array.size;
    return container->type == MSGPACK_OBJECT_MAP ? container->via.map.size : 0;
}

const struct msgpack_object *tree_item(const struct msgpack_object *array, size_t index)
{
    return &array->via.array.ptr[index];
}

const char *tree_key(const struct msgpack_object *map, size_t index)
{
    return map->via.map.ptr[index].key.via.str.ptr;
}

const struct msgpack_object *tree_value(const struct msgpack_object *map, size_t index)
{
    return &map->via.map.ptr[index].val;
}

static void write_array(const struct msgpack_object *value, struct json_writer *w, const char *key)
{
    json_array_begin(w, key);
    for (size_t i = 0; i < tree_count(value); i++)
        tree_write_json(tree_item(value, i), w, NULL);
    json_array_end(w);
}

static void write_map(const struct msgpack_object *value, struct json_writer *w, const char *key)
{
    json_object_begin(w, key);
    for (size_t i = 0; i < tree_count(value); i++)
        tree_write_json(tree_value(value, i), w, tree_key(value, i));
    json_object_end(w);
}

void tree_write_json(const struct msgpack_object *value, struct json_writer *w, const char *key)
{
    switch (value->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        json_bool(w, key, value->via.boolean);
        return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        json_int(w, key, (int64_t)value->via.u64);
        return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        json_int(w, key, value->via.i64);
        return;
    case MSGPACK_OBJECT_STR:
        json_str(w, key, value->via.str.ptr);
        return;
    case MSGPACK_OBJECT_ARRAY:
        write_array(value, w, key);
        return;
    case MSGPACK_OBJECT_MAP:
        write_map(value, w, key);
        return;
    default: /* nil; walk_check() lets no other type in */
        json_str(w, key, NULL);
        return;
    }
}
