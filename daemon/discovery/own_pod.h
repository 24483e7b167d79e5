#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/discovery/pod.h"

/*
 * Which pod this agent runs in: POD_NAME or POD_IP when the environment has them, else the pod whose address is on a
 * local interface, else the one named like the host.
 */
enum { OWN_POD_ADDRESSES_MAX = 32 };

struct own_pod {
    char *pod_name; /* "" = not set */
    char *pod_ip;
    char *hostname;
    char *addresses[OWN_POD_ADDRESSES_MAX]; /* of the local interfaces but loopback, in inet_ntop()'s spelling */
    size_t address_count;
};

/* What environment, interfaces and host say; what cannot be read is left out. Free it with own_pod_fini(). */
void own_pod_detect(struct own_pod *own);

/* A copy, addresses in inet_ntop()'s spelling; NULL texts become "". */
void own_pod_copy(struct own_pod *ret_copy, const struct own_pod *own);

/* The fields are freed; a zeroed struct is fine. */
void own_pod_fini(struct own_pod *own);

/* ip (in inet_ntop()'s spelling) is POD_IP, or of a local interface when that is not set. */
bool own_pod_has_address(const struct own_pod *own, const char *ip);

/* Set own on the pod (at most one) that is meant; ended pods never are, their addresses are given out again. */
void own_pod_mark(const struct own_pod *own, struct pod *pods, size_t count);
