#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/elector.h"
#include "daemon/discovery/member_source.h"
#include "daemon/discovery/own_pod.h"
#include "daemon/discovery/pod_stream.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The pods of this ProxySQL cluster as the Kubernetes API server shows them: one thread, "pod-watch", lists and watches
 * first the core pods (labels app and component), then the app's other pods. Losing the API server is normal life: the
 * view stays as it was, says that it is no longer confirmed, and the thread comes back by itself.
 * All functions are thread-safe but for start, stop and free, which belong to one thread.
 */
struct pod_watch;

/* What has changed since the last call, bits. */
enum pod_watch_change {
    POD_WATCH_CORE = 1 << 0,          /* a core pod came, went or changed */
    POD_WATCH_OTHER = 1 << 1,         /* another pod came, went or changed */
    POD_WATCH_OTHER_RUNNING = 1 << 2, /* another pod became Running with an address */
    POD_WATCH_STATE = 1 << 3,         /* complete or confirmed may have changed: see a snapshot */
    POD_WATCH_LEADER = 1 << 4,        /* another core leads, or this one begins or ends to */
};

/* Runs in the watch thread without any lock held; must not wait and must not call pod_watch_confirm() or _stop(). */
typedef void pod_watch_change_fn(void *arg, unsigned changes);

/* Texts are copied. */
struct pod_watch_options {
    const char *api_server; /* "" = in-cluster: KUBERNETES_SERVICE_HOST and _PORT */
    const char *token_file; /* "" = no token is sent */
    const char *ca_file;    /* must be given for https */
    const char *namespace;
    const char *app;           /* value of the label app */
    const char *component;     /* value of the label component on core pods */
    const struct own_pod *own; /* NULL: own_pod_detect() */
    int64_t confirm_ms;        /* a view stays confirmed for this long without an open watch */
    pod_watch_change_fn *on_change;
    void *arg;
    const struct elector_options *election;     /* NULL: none, every core writes; namespace is taken from above */
    const struct pod_stream_patience *patience; /* NULL: the usual one; tests have less */
};

/* Start the thread; it goes on trying whatever the API server answers. Fails only when the options cannot work
 * (-EINVAL) or there is no thread (-EAGAIN). */
MUST_CHECK int pod_watch_start(struct pod_watch **ret_watch, const struct pod_watch_options *options,
                               struct error *err);

/* End the thread, within 100 ms, or twice that when it has a lease to give up; waiting pod_watch_confirm() calls fail
 * with -ECANCELED. No on_change afterwards. */
void pod_watch_stop(struct pod_watch *watch);

/* After pod_watch_stop(). NULL is fine. */
void pod_watch_free(struct pod_watch *watch);

/* A copy of the view, to be freed with pod_view_free(). It is confirmed while the watch of the core pods is open, or
 * confirmed_ms is within confirm_ms. */
struct pod_view *pod_watch_snapshot(struct pod_watch *watch);

/* Return once the core pods come from a list that was asked for at since_ms or later (monotonic); when they do not yet,
 * the watch thread lists them now. For worker threads. 0; -ETIMEDOUT at deadline_ms; -ECANCELED when stopped; else
 * what kept the list from succeeding. */
MUST_CHECK int pod_watch_confirm(struct pod_watch *watch, int64_t since_ms, int64_t deadline_ms, struct error *err);

/* A view stays confirmed for this long from now on. */
void pod_watch_set_confirm_ms(struct pod_watch *watch, int64_t confirm_ms);

/* The pods as a source of members; valid as long as the watch. */
const struct member_source *pod_watch_members(const struct pod_watch *watch);

/* The candidate that runs in the watch's thread, NULL without an election; valid as long as the watch. */
struct elector *pod_watch_elector(const struct pod_watch *watch);

/* How the two streams are doing, for status and metrics. */
struct pod_watch_stats {
    struct pod_mirror_stats core;
    struct pod_mirror_stats others;
};
void pod_watch_get_stats(struct pod_watch *watch, struct pod_watch_stats *ret_stats);
