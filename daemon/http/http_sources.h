#pragma once

#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/socket.h>

/*
 * Where the connections of the HTTP server come from, and how many from each source: one IPv4 address, or one IPv6
 * network of 64 bits, which is what one host can have for itself. Not thread-safe.
 */
struct http_source {
    LIST_ENTRY(http_source) link;
    struct in6_addr key; /* IPv4 mapped into IPv6; a network's host half is 0 */
    unsigned count;      /* connections */
};

LIST_HEAD(http_sources, http_source);

/* The source of an address, one connection more; give it back with http_source_put(). An address of another family
 * than the two counts as ::. */
struct http_source *http_source_get(struct http_sources *sources, const struct sockaddr *address);

/* One connection less; the last one frees it. */
void http_source_put(struct http_source *source);

/* One with the most connections, NULL when there is none. */
struct http_source *http_sources_largest(const struct http_sources *sources);
