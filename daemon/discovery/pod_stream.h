#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/kube_client.h"
#include "daemon/discovery/pod_store.h"

/*
 * The pods of one label selector: listed page by page, then watched from there, again and again. What it does is done
 * by the thread that runs it and polls its client; pod_stream_read() and pod_stream_get_stats() are thread-safe.
 */
struct pod_stream;

enum pod_stream_state { POD_STREAM_WAITING, POD_STREAM_LISTING, POD_STREAM_OPENING, POD_STREAM_WATCHING };

/* "waiting", "listing", "opening", "watching" */
const char *pod_stream_state_name(enum pod_stream_state state);

struct pod_stream_stats {
    enum pod_stream_state state;
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

/* How long it is patient. */
struct pod_stream_patience {
    int64_t list_ms;   /* for one page */
    int64_t open_ms;   /* until a watch answers */
    int64_t silent_ms; /* for a watch that has had a bookmark: they come about once a minute */
    int64_t watch_s;   /* a watch is asked to end after this to twice this */
    int64_t slack_ms;  /* and has this much longer to do so */
};
extern const struct pod_stream_patience pod_stream_usual_patience;

/* What has changed, bits. */
enum pod_stream_change {
    POD_STREAM_PODS = 1 << 0,    /* a pod came, went or looks different */
    POD_STREAM_RUNNING = 1 << 1, /* a pod is Running that was not, or has another address */
    POD_STREAM_STATE = 1 << 2,   /* complete, or watched or not */
    POD_STREAM_LISTED = 1 << 3,  /* a list has ended, well or not */
};

struct pod_stream_options {
    const char *what; /* for logs: "core pods"; not copied */
    const char *namespace;
    const char *selector; /* of labels, as in a URL */
    bool is_core;         /* what the pods' is_core says */
    struct pod_stream_patience patience;
};

/* Does nothing until it is run. Texts but `what` are copied. */
struct pod_stream *pod_stream_new(struct kube_client *client, const struct pod_stream_options *options);
/* Give the client's request back: the stream is not to be run again, it can still be read. */
void pod_stream_close(struct pod_stream *stream);
/* NULL is fine. */
void pod_stream_free(struct pod_stream *stream);

/* Do what is due. Returns when to run it again (monotonic ms), unless kube_client_poll() has something first. */
int64_t pod_stream_run(struct pod_stream *stream, int64_t now_ms);

/* List again, at once if it is not waiting after a failure, unless the last list was asked for at since_ms or later. */
void pod_stream_want_list(struct pod_stream *stream, int64_t since_ms);

/* What has changed since the last call: enum pod_stream_change. */
unsigned pod_stream_take_changes(struct pod_stream *stream);

/* A copy of the pods, and how good they are. */
struct pod_stream_view {
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
/* with_pods false: pods and texts stay NULL. */
void pod_stream_read(struct pod_stream *stream, bool with_pods, struct pod_stream_view *ret_view);
void pod_stream_get_stats(struct pod_stream *stream, struct pod_stream_stats *ret_stats);
