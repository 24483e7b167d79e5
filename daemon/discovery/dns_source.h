#pragma once

#include "daemon/discovery/member_source.h"
#include "daemon/discovery/own_pod.h"

/*
 * The cores as the addresses behind a name (core.bootstrap_hostname), asked anew at each look. NXDOMAIN is an answer
 * without addresses; SERVFAIL, a time-out and NODATA are no answer, the view stays as it was, unconfirmed. The own
 * address is always a member. A name with addresses of both families is taken by its IPv4 ones, on all cores alike.
 */
struct dns_source;

enum {
    DNS_LOOK_UP_MS = 2000, /* for one look-up */
    DNS_GAP_MS = 1000,     /* looks within this time of a good answer share it */
};

/* name is copied; own may be NULL (own_pod_detect()). */
struct dns_source *dns_source_new(const char *name, const struct own_pod *own);
/* NULL is fine. */
void dns_source_free(struct dns_source *source);

/* The source that it is; valid as long as it. */
const struct member_source *dns_source_members(const struct dns_source *source);

struct dns_source_stats {
    uint64_t answers;    /* good ones, NXDOMAIN among them */
    uint64_t failures;   /* look-ups that were no answer */
    size_t addresses;    /* in the last answer */
    int64_t answered_ms; /* monotonic, of the last answer; 0 = none */
    char error[256];     /* of the last look-up, "" when it was an answer */
};
/* Thread-safe. */
void dns_source_get_stats(struct dns_source *source, struct dns_source_stats *ret_stats);
