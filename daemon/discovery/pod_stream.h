#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/kube_client.h"
#include "daemon/discovery/pod_mirror.h"

/*
 * The pods of one label selector: listed page by page, then watched from there, again and again, into a mirror. What it
 * does is done by the thread that runs it and polls its client; the mirror can be read by others.
 */
struct pod_stream;

/* How long it is patient. */
struct pod_stream_patience {
    int64_t list_ms;   /* for one page */
    int64_t open_ms;   /* until a watch answers */
    int64_t silent_ms; /* for a watch that has had a bookmark: they come about once a minute */
    int64_t watch_s;   /* a watch is asked to end after this to twice this */
    int64_t slack_ms;  /* and has this much longer to do so */
};
extern const struct pod_stream_patience pod_stream_usual_patience;

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

/* What it has been shown; the stream's. */
struct pod_mirror *pod_stream_mirror(const struct pod_stream *stream);
