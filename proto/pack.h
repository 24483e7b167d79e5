#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/protocol.h"
#include "shared/buf.h"

/*
 * Writes MessagePack into a buf, in the manner of shared/json_writer.h: containers are begun and ended, their counts
 * are filled in at the end. Errors stick: write everything, then ask pack_end() once. Invalid UTF-8 is replaced by
 * U+FFFD. Not thread-safe.
 */
struct pack {
    struct buf *out;
    int error;    /* first failure, 0 so far */
    size_t depth; /* open maps and arrays */
    struct {
        size_t at; /* where the count is to be written */
        uint32_t count;
    } open[PROTOCOL_DEPTH_MAX];
};

void pack_init(struct pack *p, struct buf *out);

/* Containers. key is NULL inside arrays and at the top. */
void pack_map_begin(struct pack *p, const char *key);
void pack_map_end(struct pack *p);
void pack_array_begin(struct pack *p, const char *key);
void pack_array_end(struct pack *p);

/* Values. key is NULL inside arrays; text NULL writes nil. */
void pack_str(struct pack *p, const char *key, const char *text);
void pack_int(struct pack *p, const char *key, int64_t number);
void pack_bool(struct pack *p, const char *key, bool value);
void pack_nil(struct pack *p, const char *key);

/* A value that is packed already. */
void pack_raw(struct pack *p, const char *key, const void *data, size_t len);

/* 0 when everything was written and closed, else the first error (-EMSGSIZE, -ENOMEM). */
MUST_CHECK int pack_end(struct pack *p);
