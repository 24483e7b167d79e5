#include "daemon/discovery/pod_query.h"

#include <stdbool.h>
#include <string.h>

static int append_escaped(struct buf *out, const char *text)
{
    int rc = 0;
    for (const char *c = text; *c != '\0' && rc == 0; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                     strchr("-_.~", *c) != NULL;
        rc = plain ? buf_append(out, c, 1) : buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    return rc;
}

static int append_pods(const struct pod_query *q, struct buf *out)
{
    return buf_printf(out, "/api/v1/namespaces/%s/pods?labelSelector=%s", q->namespace, q->selector);
}

int pod_query_list(const struct pod_query *q, const char *next, struct buf *out)
{
    int rc = append_pods(q, out);
    if (rc == 0)
        rc = buf_printf(out, "&limit=%d", POD_QUERY_PAGE_SIZE);
    if (rc == 0 && next[0] != '\0')
        rc = buf_puts(out, "&continue=");
    return rc == 0 ? append_escaped(out, next) : rc;
}

int pod_query_watch(const struct pod_query *q, const char *resource_version, int64_t timeout_s, struct buf *out)
{
    int rc = append_pods(q, out);
    if (rc == 0)
        rc = buf_printf(out,
                        "&watch=1&allowWatchBookmarks=true&timeoutSeconds=%lld&resourceVersion=", (long long)timeout_s);
    return rc == 0 ? append_escaped(out, resource_version) : rc;
}
