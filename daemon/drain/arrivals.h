#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether new clients still come to a node whose listeners are open, from its counter of connections. That one rises
 * with every connection to its ports, with this agent's own looks at the traffic port too, which are taken off. What
 * comes of it is never too much: while such a look is under way one client may hide behind it. Pure functions.
 */
struct arrivals_look {
    int64_t at_ms;      /* monotonic */
    int64_t created;    /* connections of the node's whole life, as it answered */
    int64_t own_before; /* connections of this agent that had ended before it was asked */
    int64_t own_after;  /* connections of this agent that had begun when it had answered */
};

/* All zero at first. */
struct arrivals {
    bool known;      /* there was a look */
    int64_t created; /* from where on they are counted */
    int64_t own;
    int64_t quiet_since_ms; /* the last look that saw somebody come, else the first one */
    int64_t looked_ms;      /* the last look */
};

/* How many clients have come since the last call, at least. */
int64_t arrivals_note(struct arrivals *arrivals, const struct arrivals_look *look);

/* For how long nobody has come, as far as it was looked. */
int64_t arrivals_quiet_ms(const struct arrivals *arrivals);
