#pragma once

#include <jansson.h>
#include <stddef.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * One JSON object that somebody else has written: nothing before or behind it, and with limits of bytes and depth,
 * since the parser recurses. what names it in errors. The caller owns *ret_root. -EMSGSIZE, -EBADMSG. Thread-safe once
 * json_object_seed() ran.
 */
MUST_CHECK int json_whole_load(const char *what, const char *text, size_t len, size_t bytes_max, json_t **ret_root,
                               struct error *err);

static inline void json_free(json_t **value)
{
    json_decref(*value);
}
#define cleanup_json __attribute__((cleanup(json_free)))
