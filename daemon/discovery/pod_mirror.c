#include "daemon/discovery/pod_mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

struct pod_mirror {
    struct mutex lock;
    struct pod_store pods GUARDED;
    bool complete GUARDED;
    bool watched GUARDED;
    int64_t confirmed_ms GUARDED;
    int64_t listed_ms GUARDED;
    int64_t list_failed_ms GUARDED;
    uint64_t version GUARDED;
    unsigned changes GUARDED; /* not taken yet */
    struct pod_mirror_stats stats GUARDED;
};

const char *pod_mirror_state_name(enum pod_mirror_state state)
{
    static const char *const names[] = {
        [POD_MIRROR_WAITING] = "waiting",
        [POD_MIRROR_LISTING] = "listing",
        [POD_MIRROR_OPENING] = "opening",
        [POD_MIRROR_WATCHING] = "watching",
    };
    return names[state];
}

struct pod_mirror *pod_mirror_new(void)
{
    struct pod_mirror *m = xcalloc(1, sizeof(*m));
    mutex_init(&m->lock);
    return m;
}

void pod_mirror_free(struct pod_mirror *m)
{
    if (m == NULL)
        return;
    mutex_lock(&m->lock);
    pod_store_fini(&m->pods);
    mutex_unlock(&m->lock);
    mutex_fini(&m->lock);
    free(m);
}

/* --- for everybody */

static void copy_pods(const struct pod_store *store, struct pod_mirror_view *view)
{
    size_t size = 1;
    for (size_t i = 0; i < store->count; i++) {
        const struct pod *pod = &store->items[i]->pod;
        size += strlen(pod->uid) + strlen(pod->name) + strlen(pod->ip) + 3;
    }
    view->count = store->count;
    view->pods = xcalloc(store->count + 1, sizeof(*view->pods));
    view->texts = xcalloc(1, size);
    char *at = view->texts;
    for (size_t i = 0; i < store->count; i++)
        pod_copy(&view->pods[i], &store->items[i]->pod, &at);
}

void pod_mirror_read(struct pod_mirror *m, bool with_pods, struct pod_mirror_view *ret_view)
{
    *ret_view = (struct pod_mirror_view){.count = 0};
    mutex_lock(&m->lock);
    ret_view->complete = m->complete;
    ret_view->watched = m->watched;
    ret_view->confirmed_ms = m->confirmed_ms;
    ret_view->listed_ms = m->listed_ms;
    ret_view->list_failed_ms = m->list_failed_ms;
    ret_view->version = m->version;
    if (with_pods)
        copy_pods(&m->pods, ret_view);
    mutex_unlock(&m->lock);
}

void pod_mirror_get_stats(struct pod_mirror *m, struct pod_mirror_stats *ret_stats)
{
    mutex_lock(&m->lock);
    *ret_stats = m->stats;
    ret_stats->pods = m->pods.count;
    mutex_unlock(&m->lock);
}

/* --- for the stream */

void pod_mirror_set_state(struct pod_mirror *m, enum pod_mirror_state state, int64_t next_try_ms)
{
    bool watched = state == POD_MIRROR_WATCHING;
    mutex_lock(&m->lock);
    if (m->watched != watched)
        m->changes |= POD_MIRROR_STATE;
    m->watched = watched;
    m->stats.state = state;
    m->stats.next_try_ms = state == POD_MIRROR_WAITING ? next_try_ms : 0;
    if (watched)
        m->stats.error[0] = '\0';
    mutex_unlock(&m->lock);
}

static void note_changes_locked(struct pod_mirror *m, unsigned store_changes) REQUIRES(&m->lock)
{
    if ((store_changes & POD_STORE_CHANGED) != 0) {
        m->version++;
        m->changes |= POD_MIRROR_PODS;
    }
    if ((store_changes & POD_STORE_RUNNING) != 0)
        m->changes |= POD_MIRROR_RUNNING;
}

bool pod_mirror_replace(struct pod_mirror *m, struct pod_store *fresh, int64_t asked_ms)
{
    mutex_lock(&m->lock);
    bool first = !m->complete;
    note_changes_locked(m, pod_store_replace(&m->pods, fresh));
    m->complete = true;
    m->listed_ms = asked_ms;
    m->confirmed_ms = asked_ms;
    m->changes |= POD_MIRROR_LISTED | (first ? POD_MIRROR_STATE : 0);
    m->stats.lists++;
    mutex_unlock(&m->lock);
    return first;
}

void pod_mirror_list_failed(struct pod_mirror *m, int64_t asked_ms)
{
    mutex_lock(&m->lock);
    m->list_failed_ms = asked_ms;
    m->changes |= POD_MIRROR_LISTED;
    mutex_unlock(&m->lock);
}

int pod_mirror_put(struct pod_mirror *m, struct pod_record *record, struct error *err)
{
    unsigned changes = 0;
    mutex_lock(&m->lock);
    m->stats.events++;
    int rc = pod_store_put(&m->pods, record, clock_mono_ms(), &changes, err);
    note_changes_locked(m, changes);
    mutex_unlock(&m->lock);
    return rc;
}

void pod_mirror_remove(struct pod_mirror *m, const char *uid)
{
    mutex_lock(&m->lock);
    m->stats.events++;
    note_changes_locked(m, pod_store_remove(&m->pods, uid));
    mutex_unlock(&m->lock);
}

void pod_mirror_confirm(struct pod_mirror *m, int64_t now_ms)
{
    mutex_lock(&m->lock);
    m->confirmed_ms = now_ms;
    mutex_unlock(&m->lock);
}

void pod_mirror_fail(struct pod_mirror *m, const struct error *err, int64_t now_ms)
{
    mutex_lock(&m->lock);
    m->stats.failures++;
    if (err->code == -EMSGSIZE)
        m->stats.limits++;
    m->stats.error_ms = now_ms;
    memcpy(m->stats.error, err->text, sizeof(m->stats.error));
    mutex_unlock(&m->lock);
}

static uint64_t *counter_locked(struct pod_mirror *m, enum pod_mirror_count what) REQUIRES(&m->lock)
{
    switch (what) {
    case POD_MIRROR_OPENED:
        return &m->stats.watches;
    case POD_MIRROR_BOOKMARK:
        return &m->stats.bookmarks;
    case POD_MIRROR_EXPIRED:
        return &m->stats.expired;
    case POD_MIRROR_SKIPPED:
    default:
        return &m->stats.skipped;
    }
}

void pod_mirror_count(struct pod_mirror *m, enum pod_mirror_count what)
{
    mutex_lock(&m->lock);
    ++*counter_locked(m, what);
    mutex_unlock(&m->lock);
}

unsigned pod_mirror_take_changes(struct pod_mirror *m)
{
    mutex_lock(&m->lock);
    unsigned changes = m->changes;
    m->changes = 0;
    mutex_unlock(&m->lock);
    return changes;
}
