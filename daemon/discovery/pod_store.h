#pragma once

#include <stddef.h>

#include "daemon/discovery/pod.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Pods by uid, each in one small allocation: memory follows their number, not the size of their JSON. Not thread-safe.
 */
enum { POD_STORE_MAX = 50000 };

/* A pod and its texts in one piece of memory; free() it. */
struct pod_record {
    struct pod pod; /* uid, name and ip point into text */
    char text[];
};

/* Copy pod; its texts go to *at, which moves on: uid, name and ip with their NULs. */
void pod_copy(struct pod *ret_copy, const struct pod *pod, char **at);

/* A copy of pod and its texts. */
struct pod_record *pod_record_new(const struct pod *pod);

struct pod_store {
    struct pod_record **items; /* sorted by uid */
    size_t count;
    size_t capacity;
};

/* What an operation changed, bits. */
enum pod_store_change {
    POD_STORE_CHANGED = 1 << 0, /* a pod came, went or looks different */
    POD_STORE_RUNNING = 1 << 1, /* a pod is Running that was not, or has another address */
};

/* A zeroed store is empty. */
void pod_store_fini(struct pod_store *store);

/* The pod with this uid, or NULL. */
const struct pod *pod_store_find(const struct pod_store *store, const char *uid);

/* Add a pod or replace the one with its uid; record is the store's afterwards, also on failure. running_since_ms is
 * carried over, or now_ms when the pod has begun to run. -EMSGSIZE beyond POD_STORE_MAX, -ENOMEM. */
MUST_CHECK int pod_store_put(struct pod_store *store, struct pod_record *record, int64_t now_ms, unsigned *ret_changes,
                             struct error *err);

/* Forget the pod with this uid. Returns what changed. */
unsigned pod_store_remove(struct pod_store *store, const char *uid);

/* store becomes what is in fresh, which becomes empty; running_since_ms is carried over. Returns what changed. */
unsigned pod_store_replace(struct pod_store *store, struct pod_store *fresh);
