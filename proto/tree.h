#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "shared/json_writer.h"

/*
 * A received map, unpacked: bytes are checked by walk_check() before the library sees them. Values are read by key, and
 * what is not there or has another type reads as the empty value, since another release may leave it out. Read-only
 * after tree_unpack(), so any thread may read it.
 */
struct msgpack_object;

struct tree {
    void *bytes;                      /* a copy; texts point into it */
    void *zone;                       /* where the objects are */
    const struct msgpack_object *top; /* a map */
};

/* Unpack one map. ret_tree is filled only on success; free it with tree_fini(). -EPROTO (walk_check()), -ENOMEM. */
MUST_CHECK int tree_unpack(const void *data, size_t len, size_t values_max, struct tree *ret_tree, struct error *err);

/* A zeroed tree is fine. */
void tree_fini(struct tree *tree);
#define cleanup_tree __attribute__((cleanup(tree_fini)))

/* The value of a key, NULL when there is none or map is NULL or no map. */
const struct msgpack_object *tree_get(const struct msgpack_object *map, const char *key);

/* The same, of one type. */
int64_t tree_int(const struct msgpack_object *map, const char *key, int64_t missing);
bool tree_bool(const struct msgpack_object *map, const char *key);
const char *tree_text(const struct msgpack_object *map, const char *key); /* "" when missing */

/* Values by themselves: true and *ret_... set when it has this type. A text with a NUL in it is none. */
bool tree_is_int(const struct msgpack_object *value, int64_t *ret_number);
bool tree_is_bool(const struct msgpack_object *value, bool *ret_value);
bool tree_is_text(const struct msgpack_object *value, const char **ret_text);
bool tree_is_map(const struct msgpack_object *value);
bool tree_is_array(const struct msgpack_object *value);
bool tree_is_nil(const struct msgpack_object *value);

/* The elements of an array or the pairs of a map: how many (0 when it is neither), and each. */
size_t tree_count(const struct msgpack_object *container);
const struct msgpack_object *tree_item(const struct msgpack_object *array, size_t index);
const char *tree_key(const struct msgpack_object *map, size_t index);
const struct msgpack_object *tree_value(const struct msgpack_object *map, size_t index);

/* Write a value as JSON. */
void tree_write_json(const struct msgpack_object *value, struct json_writer *w, const char *key);
