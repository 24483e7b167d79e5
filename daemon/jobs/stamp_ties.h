#pragma once

#include <stdbool.h>

#include "daemon/proxysql/admin_modules.h"
#include "shared/backoff.h"

/*
 * When is a module loaded once more because a peer made the same epoch of other content (cluster/module_tie.h)? For
 * some seconds after a LOAD it is looked for that. A tie must still be there after a random wait of 1 to 3 seconds:
 * whoever waits less ends it for all. Pure; times are monotonic milliseconds. Used by one stamp job at a time.
 */
enum {
    STAMP_TIES_SETTLE_MS = 15 * 1000, /* so long peers are looked at: they check each other every second */
    STAMP_TIES_LOOK_MS = 1000,
    STAMP_TIES_WAIT_MS = 1000, /* and up to as much more as: */
    STAMP_TIES_SPREAD_MS = 2000,
    STAMP_TIES_MAX = 3, /* LOADs of one module in one life */
};

struct stamp_ties {
    int64_t until_ms;               /* peers are looked at until then */
    int64_t ends_ms[ADMIN_MODULES]; /* when the tie is ended by a LOAD; 0 = there is none */
    unsigned ended[ADMIN_MODULES];
    struct backoff spread; /* for its jitter */
};

/* Once, before anything else. */
void stamp_ties_init(struct stamp_ties *ties);

/* A life of ProxySQL begins, or is found by this agent. */
void stamp_ties_begin(struct stamp_ties *ties, int64_t now_ms);

/* A module was loaded. */
void stamp_ties_loaded(struct stamp_ties *ties, int64_t now_ms);

/* Whether peers are still to be looked at, and in how long again. */
bool stamp_ties_looks(const struct stamp_ties *ties, int64_t now_ms);
int64_t stamp_ties_next_ms(const struct stamp_ties *ties, int64_t now_ms);

/* Whether the module is tied now. True: load it once more, now. */
bool stamp_ties_judge(struct stamp_ties *ties, enum admin_module module, bool tied, int64_t now_ms);
