#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/pod.h"

/*
 * The pods at one moment, as a source of members shows them, and how good that is. A source that knows addresses alone
 * describes each as a core pod that is Running and has the address as its name. A view belongs to one thread.
 */
struct pod_view {
    bool complete;         /* all core pods are known */
    bool others_complete;  /* so are the app's other pods */
    bool confirmed;        /* the core pods: the source has said so just now */
    int64_t confirmed_ms;  /* monotonic: until then the source is known to have agreed on the core pods; 0 = never */
    int64_t listed_ms;     /* monotonic: when the last good answer about the core pods was asked for; 0 = never */
    int64_t age_ms;        /* now - confirmed_ms, -1 = never confirmed */
    uint64_t version;      /* grows with every change of any pod */
    uint64_t core_version; /* grows with every change of a core pod */
    size_t count;
    struct pod *pods; /* core pods first */
    char *texts[2];   /* what pods point into */
};

/* NULL is fine. */
void pod_view_free(struct pod_view *view);

struct core_address {
    char ip[INET6_ADDRSTRLEN]; /* in inet_ntop()'s spelling */
    uint16_t port;             /* 0 = the cluster's */
    bool own;
};

/* A view of these cores, complete; the rest of its fields is for the caller to fill. */
struct pod_view *pod_view_of_addresses(const struct core_address *cores, size_t count);
