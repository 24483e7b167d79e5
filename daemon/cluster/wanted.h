#pragma once

#include "daemon/cluster/member.h"
#include "daemon/discovery/own_pod.h"

/*
 * Which rows proxysql_servers should have, from the core pods that are there. Pure.
 */
struct wanted_question {
    const struct pod *pods;
    size_t pod_count;
    uint16_t port;                     /* of proxysql.address: cluster-wide */
    const struct member_list *runtime; /* what the node has now */
    const struct own_pod *own;         /* its addresses are the own ones while no pod is the own one; may be NULL */
};

/* A member is a core pod that is Running, has an address and is not terminating: (address, port, 0, pod's name). Two
 * pods with one address (host network) share a row, the first by uid names it. The own row is kept as it is even when
 * the own pod is none of these, or not there: nobody removes himself. 0; -ENOENT when no member is left, which is never
 * published; -EMSGSIZE. *ret_members is to be freed by member_list_fini(). */
MUST_CHECK int wanted_members(const struct wanted_question *question, struct member_list *ret_members,
                              struct error *err);

/* The pod that this agent runs in, or NULL. */
const struct pod *wanted_own_pod(const struct pod *pods, size_t count);
