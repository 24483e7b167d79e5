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

static int add_pod(struct member_list *members, const struct pod *pod, uint16_t cluster_port, struct error *err)
{
    struct member m = {.port = pod->port != 0 ? pod->port : cluster_port};
    if (member_list_find(members, pod->ip, m.port) != NULL)
        return 0;
    (void)snprintf(m.host, sizeof(m.host), "%s", pod->ip);
    (void)snprintf(m.comment, sizeof(m.comment), "%s", pod->name);
    return member_list_add(members, &m, err);
}

static bool is_own_address(const struct own_pod *own, const char *host)
{
    if (strcmp(own->pod_ip, host) == 0)
        return true;
    for (size_t i = 0; i < own->address_count; i++)
        if (strcmp(own->addresses[i], host) == 0)
            return true;
    return false;
}

static bool is_own_row(const struct wanted_question *q, const struct pod *own_pod, const struct member *row)
{
    if (own_pod != NULL)
        return row->port == (own_pod->port != 0 ? own_pod->port : q->port) && strcmp(row->host, own_pod->ip) == 0;
    return row->port == q->port && q->own != NULL && is_own_address(q->own, row->host);
}

/* The row of a pod that is on its way out or gone, or not Running yet, stays until others remove it. */
static int keep_own(struct member_list *members, const struct wanted_question *q, struct error *err)
{
    const struct pod *own_pod = wanted_own_pod(q->pods, q->pod_count);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < q->runtime->count; i++) {
        const struct member *row = &q->runtime->items[i];
        if (is_own_row(q, own_pod, row) && member_list_find(members, row->host, row->port) == NULL)
            rc = member_list_add(members, row, err);
    }
    return rc;
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
