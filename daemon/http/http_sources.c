#include "daemon/http/http_sources.h"

#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

enum { network_bytes = 8, mapped_offset = 12 };

static struct in6_addr key_of(const struct sockaddr *address)
{
    struct in6_addr key = IN6ADDR_ANY_INIT;
    if (address->sa_family == AF_INET) {
        const struct in_addr *v4 = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
        key.s6_addr[10] = key.s6_addr[11] = 0xff;
        memcpy(key.s6_addr + mapped_offset, v4, sizeof(*v4));
    } else if (address->sa_family == AF_INET6) {
        key = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        if (!IN6_IS_ADDR_V4MAPPED(&key))
            memset(key.s6_addr + network_bytes, 0, sizeof(key.s6_addr) - network_bytes);
    }
    return key;
}

struct http_source *http_source_get(struct http_sources *sources, const struct sockaddr *address)
{
    struct in6_addr key = key_of(address);
    struct http_source *s;
    LIST_FOREACH(s, sources, link)
    {
        if (memcmp(&s->key, &key, sizeof(key)) == 0) {
            s->count++;
            return s;
        }
    }
    s = xcalloc(1, sizeof(*s));
    s->key = key;
    s->count = 1;
    LIST_INSERT_HEAD(sources, s, link);
    return s;
}

void http_source_put(struct http_source *source)
{
    if (--source->count > 0)
        return;
    LIST_REMOVE(source, link);
    free(source);
}

struct http_source *http_sources_largest(const struct http_sources *sources)
{
    struct http_source *largest = NULL;
    struct http_source *s;
    LIST_FOREACH(s, sources, link)
    {
        if (largest == NULL || s->count > largest->count)
            largest = s;
    }
    return largest;
}
