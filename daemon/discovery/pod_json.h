#pragma once

#include <stddef.h>

#include "daemon/discovery/pod_store.h"
#include "shared/compiler.h"
#include "shared/error.h"

/* What the API server's JSON says about pods, checked: it is outside data. Thread-safe once json_object_seed() ran. */
enum {
    POD_UID_MAX = 63,
    POD_NAME_MAX = 253,
    KUBE_VERSION_MAX = 127,   /* bytes of a resourceVersion */
    KUBE_CONTINUE_MAX = 8191, /* bytes of a continue token */
};

/* One pod, or the reason why it is left out. */
struct pod_parsed {
    struct pod_record *record; /* NULL: left out; else the caller's */
    char uid[POD_UID_MAX + 1]; /* "" when not even that is acceptable */
    struct error skipped;      /* names the pod and the field */
};

/* An element of a list. -EBADMSG when it is no JSON object; a pod that is left out is no failure. */
MUST_CHECK int pod_parse_item(const char *text, size_t len, bool is_core, struct pod_parsed *ret_pod,
                              struct error *err);

enum pod_event_type { POD_EVENT_PUT, POD_EVENT_DELETED, POD_EVENT_BOOKMARK, POD_EVENT_ERROR, POD_EVENT_OTHER };

/* One line of a watch. */
struct pod_event {
    enum pod_event_type type;                    /* PUT: ADDED or MODIFIED; OTHER: a type that is not known */
    struct pod_parsed pod;                       /* of PUT and DELETED */
    char resource_version[KUBE_VERSION_MAX + 1]; /* of PUT, DELETED, BOOKMARK; "" when there is none */
    int code;                                    /* of ERROR: like an HTTP status */
    char message[128];                           /* of ERROR */
};

/* -EBADMSG when it is no event. */
MUST_CHECK int pod_parse_event(const char *text, size_t len, bool is_core, struct pod_event *ret_event,
                               struct error *err);

/* What a list says beside its items. */
struct pod_list_head {
    char resource_version[KUBE_VERSION_MAX + 1];
    char next[KUBE_CONTINUE_MAX + 1]; /* "" on the last page */
};

/* The envelope that json_split keeps. -EBADMSG when it is not a PodList with a resourceVersion. */
MUST_CHECK int pod_parse_list_head(const char *text, size_t len, struct pod_list_head *ret_head, struct error *err);

/* The message of a Status object, cut and without control characters; "" when text is none. */
void kube_status_message(const char *text, size_t len, char *ret_message, size_t size);
