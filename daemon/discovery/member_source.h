#pragma once

#include <stdint.h>

#include "daemon/discovery/pod_view.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Where a core learns who the cores are (core.discovery): the Kubernetes API (pod_watch.h), DNS (dns_source.h) or a
 * list in the settings (static_source.h), behind two calls, which are thread-safe.
 */
struct member_source {
    const char *name; /* of core.discovery: "dns" */
    /* Only the API knows pods as such, all others addresses: a row that these do not name is not known to be gone. */
    bool knows_pods;
    const char *own_missing; /* what to say while the own pod is not among the cores of a confirmed view */
    void *arg;
    /* The view as it is, to be freed with pod_view_free(); dns asks DNS first, at most until deadline_ms. */
    struct pod_view *(*look)(void *arg, int64_t deadline_ms);
    /* Return once the view is one that was asked for at since_ms or later (monotonic). 0; -ETIMEDOUT at deadline_ms;
     * -ECANCELED when stopped; else what kept the source from answering. */
    int (*confirm)(void *arg, int64_t since_ms, int64_t deadline_ms, struct error *err);
};
