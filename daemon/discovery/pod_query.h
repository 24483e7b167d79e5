#pragma once

#include <stdint.h>

#include "shared/buf.h"
#include "shared/compiler.h"

/* The paths with which the pods of one label selector are asked for, after the API server's URL. -ENOMEM. */
enum { POD_QUERY_PAGE_SIZE = 500 }; /* pods a page at most */

struct pod_query {
    const char *namespace;
    const char *selector; /* of labels, as in a URL */
};

/* A page of the list: the first, or the one that a continue token names. next: that token, "" = the first. */
MUST_CHECK int pod_query_list(const struct pod_query *query, const char *next, struct buf *out);

/* A watch with bookmarks from a resourceVersion on, which the server ends after timeout_s. */
MUST_CHECK int pod_query_watch(const struct pod_query *query, const char *resource_version, int64_t timeout_s,
                               struct buf *out);
