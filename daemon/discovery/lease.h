#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * A Lease of coordination.k8s.io/v1 as JSON: read strictly, since it is outside data, and written. Thread-safe once
 * json_object_seed() ran.
 */
enum {
    LEASE_BYTES_MAX = 256 * 1024, /* of one object; what others put into its annotations is kept */
    LEASE_HOLDER_MAX = 511,       /* bytes of a holderIdentity */
    LEASE_TIME_SIZE = CLOCK_MICRO_SIZE,
    LEASE_VERSION_MAX = 127,
};

struct lease {
    char resource_version[LEASE_VERSION_MAX + 1];
    char holder[LEASE_HOLDER_MAX + 1];  /* "" = nobody holds it */
    int32_t duration_s;                 /* 0 = not given */
    int32_t transitions;                /* how many times it got another holder */
    char acquire_time[LEASE_TIME_SIZE]; /* with six decimals: the API server takes no others; "" = not given */
    char renew_time[LEASE_TIME_SIZE];
};

/* -EBADMSG names what is not as the API server writes it: another kind, no resourceVersion, a time without exactly six
 * decimals, a number out of its range, a text that is too long. -EMSGSIZE beyond LEASE_BYTES_MAX. */
MUST_CHECK int lease_parse(const char *text, size_t len, struct lease *ret_lease, struct error *err);

/* The object to send: name's first lease, or read_text (as lease_parse() accepted it; NULL = none) with another spec,
 * so that labels, annotations and fields that we do not know stay as they are. */
MUST_CHECK int lease_write(const char *name, const char *read_text, size_t read_len, const struct lease *lease,
                           struct buf *out, struct error *err);
