#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/pod_store.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * The pods as the API server has shown them to one stream, how good that is and what happened on the way. The thread
 * of the stream is the only one to write; pod_mirror_read() and pod_mirror_get_stats() are thread-safe.
 */
struct pod_mirror;

/* What the stream does. */
enum pod_mirror_state { POD_MIRROR_WAITING, POD_MIRROR_LISTING, POD_MIRROR_OPENING, POD_MIRROR_WATCHING };

/* "waiting", "listing", "opening", "watching" */
const char *pod_mirror_state_name(enum pod_mirror_state state);

struct pod_mirror_stats {
    enum pod_mirror_state state;
    size_t pods;
    int64_t next_try_ms; /* monotonic, while WAITING */
    uint64_t lists;      /* good ones */
    uint64_t watches;    /* opened */
    uint64_t events;     /* bookmarks not counted */
    uint64_t bookmarks;
    uint64_t expired;  /* 410, in both forms */
    uint64_t failures; /* requests that failed, 410 not counted */
    uint64_t skipped;  /* pods left out because a field was not acceptable */
    uint64_t limits;   /* answers given up because one of our limits was reached */
    int64_t error_ms;  /* monotonic, of the last failure; 0 = none */
    char error[256];   /* the last failure, "" once the watch is open again */
};

/* What has changed, bits. */
enum pod_mirror_change {
    POD_MIRROR_PODS = 1 << 0,    /* a pod came, went or looks different */
    POD_MIRROR_RUNNING = 1 << 1, /* a pod is Running that was not, or has another address */
    POD_MIRROR_STATE = 1 << 2,   /* complete, or watched or not */
    POD_MIRROR_LISTED = 1 << 3,  /* a list has ended, well or not */
};

/* A copy of the pods, and how good they are. */
struct pod_mirror_view {
    bool complete;
    bool watched;           /* the watch is open */
    int64_t confirmed_ms;   /* the API server is known to have agreed until then; 0 = never */
    int64_t listed_ms;      /* when the last good list was asked for; 0 = never */
    int64_t list_failed_ms; /* when the last list that failed was asked for; 0 = never */
    uint64_t version;       /* grows with every change */
    size_t count;
    struct pod *pods; /* by uid; free() it */
    char *texts;      /* what pods point into; free() it */
};

/* Empty, and not complete. */
struct pod_mirror *pod_mirror_new(void);
/* NULL is fine. */
void pod_mirror_free(struct pod_mirror *mirror);

/* with_pods false: pods and texts stay NULL. */
void pod_mirror_read(struct pod_mirror *mirror, bool with_pods, struct pod_mirror_view *ret_view);
void pod_mirror_get_stats(struct pod_mirror *mirror, struct pod_mirror_stats *ret_stats);

/* next_try_ms: of WAITING. */
void pod_mirror_set_state(struct pod_mirror *mirror, enum pod_mirror_state state, int64_t next_try_ms);

/* A list that was asked for at asked_ms has come to its end: its pods, which are taken out of fresh, are all there are.
 * True when it is the first one. */
bool pod_mirror_replace(struct pod_mirror *mirror, struct pod_store *fresh, int64_t asked_ms);
/* A list that was asked for at asked_ms has failed. */
void pod_mirror_list_failed(struct pod_mirror *mirror, int64_t asked_ms);

/* An event of the watch. record is the mirror's afterwards, also on failure. Returns what pod_store_put() returns. */
MUST_CHECK int pod_mirror_put(struct pod_mirror *mirror, struct pod_record *record, struct error *err);
void pod_mirror_remove(struct pod_mirror *mirror, const char *uid);

/* The API server is known to agree. */
void pod_mirror_confirm(struct pod_mirror *mirror, int64_t now_ms);

/* A request has failed. */
void pod_mirror_fail(struct pod_mirror *mirror, const struct error *err, int64_t now_ms);

/* What else is counted. */
enum pod_mirror_count { POD_MIRROR_OPENED, POD_MIRROR_BOOKMARK, POD_MIRROR_EXPIRED, POD_MIRROR_SKIPPED };
void pod_mirror_count(struct pod_mirror *mirror, enum pod_mirror_count what);

/* What has changed since the last call: enum pod_mirror_change. */
unsigned pod_mirror_take_changes(struct pod_mirror *mirror);
