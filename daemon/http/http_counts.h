#pragma once

#include <stdint.h>

/*
 * How many requests were answered, by path and status. Paths are those of the routes, so that no client can make new
 * ones; statuses are those that this server sends. Any thread may count and read.
 */
struct http_route;
struct http_counts;

/* routes as http_server_options has them; kept, not copied. */
struct http_counts *http_counts_new(const struct http_route *routes);

/* NULL is fine. */
void http_counts_free(struct http_counts *counts);

/* route NULL: of no route. */
void http_counts_add(struct http_counts *counts, const struct http_route *route, int status);

/* path "" = of no route; status 0 = another one than those known. */
typedef void http_count_fn(void *arg, const char *path, int status, uint64_t count);

/* Every path with every status that was sent at least once; paths in the order of the routes, statuses ascending. */
void http_counts_each(const struct http_counts *counts, http_count_fn *each, void *arg);

/* The reason phrase of a status that this server sends, else "Unknown". */
const char *http_status_reason(int status);
