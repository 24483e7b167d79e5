#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"

/*
 * Writes small JSON documents into a buf, commas and escapes included. Errors stick: write everything, then ask
 * json_writer_end() once. Invalid UTF-8 is replaced by U+FFFD, so the output is always valid JSON. Not thread-safe.
 */
enum { JSON_DEPTH_MAX = 31 };

struct json_writer {
    struct buf *out;
    int error;       /* first failure, 0 so far */
    unsigned depth;  /* open objects and arrays, at most JSON_DEPTH_MAX */
    uint32_t filled; /* bit d: the container at depth d has an element */
};

void json_writer_init(struct json_writer *w, struct buf *out);

/* Containers. key is NULL inside arrays and at the top. */
void json_object_begin(struct json_writer *w, const char *key);
void json_object_end(struct json_writer *w);
void json_array_begin(struct json_writer *w, const char *key);
void json_array_end(struct json_writer *w);

/* Values. key is NULL inside arrays; text NULL writes null. */
void json_str(struct json_writer *w, const char *key, const char *text);
void json_int(struct json_writer *w, const char *key, int64_t number);
void json_bool(struct json_writer *w, const char *key, bool value);

/* 0 when everything was written and closed, else the first error (-EMSGSIZE, -ENOMEM). */
MUST_CHECK int json_writer_end(struct json_writer *w);

/* Append text as one quoted JSON string. */
MUST_CHECK int json_append_string(struct buf *out, const char *text, size_t len);
