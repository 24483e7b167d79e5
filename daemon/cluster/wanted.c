#include "daemon/cluster/wanted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct pod *wanted_own_pod(const struct pod *pods, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pods[i].own)
            return &pods[i];
    return NULL;
}

static bool is_member(const struct pod *pod)
{
    return pod->is_core && pod->phase == POD_RUNNING && pod->ip[0] != '\0' && !pod->terminating;
}

static const struct member *find(const struct member_list *list, const char *host, uint16_t port)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].port == port && strcmp(list->items[i].host, host) == 0)
            return &list->items[i];
    return NULL;
}

static int add_pod(struct member_list *members, const struct pod *pod, uint16_t port, struct error *err)
{
    struct member m = {.port = port};
    if (find(members, pod->ip, port) != NULL)
        return 0;
    (void)snprintf(m.host, sizeof(m.host), "%s", pod->ip);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", pod->name);
    return member_list_add(members, &m, err);
}

/* The row of a pod that is on its way out, or not Running yet, stays until others remove it. */
static int keep_own(struct member_list *members, const struct wanted_question *q, struct error *err)
{
    const struct pod *own = wanted_own_pod(q->pods, q->pod_count);
    if (own == NULL || find(members, own->ip, q->port) != NULL)
        return 0;
    const struct member *row = find(q->runtime, own->ip, q->port);
    return row == NULL ? 0 : member_list_add(members, row, err);
}

int wanted_members(const struct wanted_question *q, struct member_list *ret_members, struct error *err)
{
    struct member_list members = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < q->pod_count; i++)
        if (is_member(&q->pods[i]))
            rc = add_pod(&members, &q->pods[i], q->port, err);
    if (rc == 0)
        rc = keep_own(&members, q, err);
    if (rc == 0 && members.count == 0)
        rc = error_set(err, -ENOENT, "no core pod is Running with an address: an empty list is never published");
    if (rc < 0) {
        member_list_fini(&members);
        return rc;
    }
    *ret_members = members;
    return 0;
}
