#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/* May these bytes be unpacked? They must be exactly one map, at most depth_max deep and of at most values_max values,
 * of the types that the protocol uses (nil, booleans, integers, text, arrays, maps), each count and length no more than
 * the bytes that follow can hold, each text valid UTF-8, each key of a map a text without a NUL. Reads only, allocates
 * nothing: to be asked before a library believes a count (msgpack-c 4.0 allocates what a header promises). 0, or
 * -EPROTO with what is wrong and where. Thread-safe. */
MUST_CHECK int walk_check(const uint8_t *data, size_t len, size_t depth_max, size_t values_max, struct error *err);
