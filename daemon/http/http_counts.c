#include "daemon/http/http_counts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/http_server.h"
#include "shared/compiler.h"
#include "shared/mem.h"

static const struct {
    int status;
    const char *reason;
} statuses[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {0, "Unknown"},
};

enum { status_count = ARRAY_LEN(statuses) };

struct http_counts {
    const struct http_route *routes;
    size_t route_count;
    _Atomic uint64_t counts[]; /* (route_count + 1) rows of status_count; the last row is of no route */
};

static size_t status_index(int status)
{
    size_t i = 0;
    while (i < status_count - 1 && statuses[i].status != status)
        i++;
    return i;
}

const char *http_status_reason(int status)
{
    return statuses[status_index(status)].reason;
}

struct http_counts *http_counts_new(const struct http_route *routes)
{
    size_t count = 0;
    while (routes[count].path != NULL)
        count++;
    struct http_counts *c = xcalloc(1, sizeof(*c) + (count + 1) * status_count * sizeof(c->counts[0]));
    c->routes = routes;
    c->route_count = count;
    return c;
}

void http_counts_free(struct http_counts *counts)
{
    free(counts);
}

/* A path's first row stands for all of them. */
static size_t row_of(const struct http_counts *counts, const struct http_route *route)
{
    if (route == NULL)
        return counts->route_count;
    size_t i = 0;
    while (strcmp(counts->routes[i].path, route->path) != 0)
        i++;
    return i;
}

void http_counts_add(struct http_counts *counts, const struct http_route *route, int status)
{
    size_t i = row_of(counts, route) * status_count + status_index(status);
    atomic_fetch_add_explicit(&counts->counts[i], 1, memory_order_relaxed);
}

void http_counts_each(const struct http_counts *counts, http_count_fn *each, void *arg)
{
    for (size_t row = 0; row <= counts->route_count; row++) {
        const char *path = row < counts->route_count ? counts->routes[row].path : "";
        for (size_t i = 0; i < status_count; i++) {
            uint64_t n = atomic_load_explicit(&counts->counts[row * status_count + i], memory_order_relaxed);
            if (n > 0)
                each(arg, path, statuses[i].status, n);
        }
    }
}
