#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the agent knows of one pod. Addresses and names have been checked: ip is an address in inet_ntop()'s spelling,
 * name a DNS-1123 subdomain, uid letters, digits and '-'. */
enum pod_phase { POD_PENDING, POD_RUNNING, POD_SUCCEEDED, POD_FAILED, POD_UNKNOWN };

struct pod {
    const char *uid; /* identity: a name may come back as another pod */
    const char *name;
    const char *ip; /* "" until it has one */
    uint16_t port;  /* of its admin interface, 0 = the cluster's */
    enum pod_phase phase;
    bool terminating; /* has a deletionTimestamp */
    bool ready;
    bool is_core;             /* carries core's component label */
    bool own;                 /* the pod that this agent runs in */
    int32_t grace_s;          /* how long its end may take, 0 = not known */
    int64_t running_since_ms; /* monotonic: when it was first seen Running with this address, 0 = it is not */
};
