#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Does somebody accept TCP there? Many targets side by side, within one deadline. Runs on the calling thread.
 */
enum { TCP_CHECK_TARGETS_MAX = 256 };

struct tcp_target {
    const char *host; /* a name or an address; a name accepts when one of its addresses does */
    uint16_t port;
    bool accepts; /* the answer */
};

/* count <= TCP_CHECK_TARGETS_MAX. A name that cannot be looked up in time does not accept. */
void tcp_check(struct tcp_target *targets, size_t count, int64_t deadline_ms);
