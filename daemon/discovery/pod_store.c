#include "daemon/discovery/pod_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

static const char *copy_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

void pod_copy(struct pod *ret_copy, const struct pod *pod, char **at)
{
    *ret_copy = *pod;
    ret_copy->uid = copy_text(at, pod->uid);
    ret_copy->name = copy_text(at, pod->name);
    ret_copy->ip = copy_text(at, pod->ip);
}

struct pod_record *pod_record_new(const struct pod *pod)
{
    size_t size = strlen(pod->uid) + strlen(pod->name) + strlen(pod->ip) + 3;
    struct pod_record *record = xcalloc(1, sizeof(*record) + size);
    char *at = record->text;
    pod_copy(&record->pod, pod, &at);
    return record;
}

void pod_store_fini(struct pod_store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free(store->items[i]);
    free(store->items);
    *store = (struct pod_store){.count = 0};
}

/* Where uid is, or where it belongs. */
static size_t position(const struct pod_store *store, const char *uid, bool *ret_found)
{
    size_t low = 0;
    size_t high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(store->items[middle]->pod.uid, uid);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

const struct pod *pod_store_find(const struct pod_store *store, const char *uid)
{
    bool found;
    size_t at = position(store, uid, &found);
    return found ? &store->items[at]->pod : NULL;
}

static bool looks_same(const struct pod *a, const struct pod *b)
{
    return a->phase == b->phase && a->terminating == b->terminating && a->ready == b->ready &&
           a->is_core == b->is_core && a->grace_s == b->grace_s && strcmp(a->name, b->name) == 0 &&
           strcmp(a->ip, b->ip) == 0;
}

static bool is_running(const struct pod *pod)
{
    return pod->phase == POD_RUNNING && pod->ip[0] != '\0';
}

/* Set running_since_ms of the pod that takes the place of old (NULL: it is new). Returns what changed. */
static unsigned succeed(struct pod *pod, const struct pod *old, int64_t now_ms)
{
    unsigned changes = old != NULL && looks_same(pod, old) ? 0 : POD_STORE_CHANGED;
    pod->running_since_ms = 0;
    if (!is_running(pod))
        return changes;
    if (old != NULL && is_running(old) && strcmp(pod->ip, old->ip) == 0) {
        pod->running_since_ms = old->running_since_ms;
        return changes;
    }
    pod->running_since_ms = now_ms;
    return changes | POD_STORE_RUNNING;
}

static int make_room(struct pod_store *store, struct error *err)
{
    if (store->count == POD_STORE_MAX)
        return error_set(err, -EMSGSIZE, "more than %d pods", POD_STORE_MAX);
    if (store->count < store->capacity)
        return 0;
    size_t capacity = store->capacity == 0 ? 16 : store->capacity * 2;
    struct pod_record **items = reallocarray(store->items, capacity, sizeof(struct pod_record *));
    if (items == NULL)
        return error_set(err, -ENOMEM, "out of memory");
    store->items = items;
    store->capacity = capacity;
    return 0;
}

int pod_store_put(struct pod_store *store, struct pod_record *record, int64_t now_ms, unsigned *ret_changes,
                  struct error *err)
{
    bool found;
    size_t at = position(store, record->pod.uid, &found);
    if (found) {
        *ret_changes = succeed(&record->pod, &store->items[at]->pod, now_ms);
        free(store->items[at]);
        store->items[at] = record;
        return 0;
    }
    int rc = make_room(store, err);
    if (rc < 0) {
        free(record);
        return rc;
    }
    memmove(store->items + at + 1, store->items + at, (store->count - at) * sizeof(struct pod_record *));
    store->items[at] = record;
    store->count++;
    *ret_changes = succeed(&record->pod, NULL, now_ms);
    return 0;
}

unsigned pod_store_remove(struct pod_store *store, const char *uid)
{
    bool found;
    size_t at = position(store, uid, &found);
    if (!found)
        return 0;
    free(store->items[at]);
    store->count--;
    memmove(store->items + at, store->items + at + 1, (store->count - at) * sizeof(struct pod_record *));
    return POD_STORE_CHANGED;
}

unsigned pod_store_replace(struct pod_store *store, struct pod_store *fresh)
{
    unsigned changes = 0;
    size_t kept = 0;
    for (size_t i = 0; i < fresh->count; i++) {
        struct pod *pod = &fresh->items[i]->pod;
        const struct pod *old = pod_store_find(store, pod->uid);
        kept += old != NULL;
        changes |= succeed(pod, old, pod->running_since_ms);
    }
    if (kept != store->count)
        changes |= POD_STORE_CHANGED;
    pod_store_fini(store);
    *store = *fresh;
    *fresh = (struct pod_store){.count = 0};
    return changes;
}
