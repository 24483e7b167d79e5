#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Host names to addresses with a deadline: getaddrinfo(3) itself may wait for many seconds when DNS is away. A look-up
 * that outlives its deadline goes on in the background and keeps its place among RESOLVE_LOOKUPS_MAX; without a free
 * place new ones are refused, so nothing piles up. Thread-safe.
 */
enum { RESOLVE_ADDRESSES_MAX = 8, RESOLVE_ALL_MAX = 256, RESOLVE_LOOKUPS_MAX = 8 };

struct resolved {
    size_t count;
    char address[RESOLVE_ADDRESSES_MAX][INET6_ADDRSTRLEN];
};

/* The first numeric addresses of host, in the system's order; an address stands for itself, without any look-up.
 * 0, -ENOENT (no such name), -ENODATA (the name is there, without addresses), -ETIMEDOUT, -EBUSY (every place is
 * taken), -EAGAIN (DNS says to try again), -EIO (it refuses). */
MUST_CHECK int resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *err);

struct resolved_all {
    size_t count;
    char address[RESOLVE_ALL_MAX][INET6_ADDRSTRLEN];
};

/* All of them: the same codes, and -EMSGSIZE when there are more than RESOLVE_ALL_MAX. */
MUST_CHECK int resolve_all(const char *host, int64_t deadline_ms, struct resolved_all *ret_resolved, struct error *err);
