#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * libh2o's http2_internal.h includes klib's khash.h, which Debian does not ship, for one pointer and one look-up. This
 * gives it the pointer's type, and a look-up that finds nothing: only http_receiving.c includes it, for two counters.
 */
#define KHASH_MAP_INIT_INT64(name, type) typedef struct kh_##name kh_##name##_t; /* NOLINT */
#define khash_t(name)                    kh_##name##_t

typedef uint32_t khiter_t;

#define kh_get(name, map, key) ((void)(key), kh_end(map))
#define kh_end(map)            ((void)(map), 0U)
#define kh_val(map, at)        ((void)(map), (void)(at), NULL)
