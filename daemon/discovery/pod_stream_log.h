#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/discovery/pod_json.h"
#include "shared/log.h"

/*
 * What a stream of pods says in the log, and how often: the API server decides how much there would be to say. Belongs
 * to the stream's thread.
 */
enum { POD_STREAM_LOG_WARNED_MAX = 32 };

struct pod_stream_log {
    const char *what; /* "core pods" */
    bool failing;     /* a failure was logged and the watch is not open again */
    struct log_limit limit;
    struct { /* uids of pods that were warned about, hashed */
        uint32_t hashes[POD_STREAM_LOG_WARNED_MAX];
        unsigned next;
    } warned;
};

/* what is not copied. */
void pod_stream_log_init(struct pod_stream_log *log, const char *what);

/* The first good list. */
void pod_stream_log_listed(const struct pod_stream_log *log, size_t pods, int64_t took_ms);

/* A request has failed, the next one comes in delay_ms: said the first time, then once a minute. */
void pod_stream_log_failure(struct pod_stream_log *log, const char *text, int64_t delay_ms);

/* The watch is open: said after a failure. */
void pod_stream_log_open(struct pod_stream_log *log);

/* The list has to be made anew. */
void pod_stream_log_expired(const struct pod_stream_log *log);

/* A pod is left out: said once, of the last POD_STREAM_LOG_WARNED_MAX such pods. */
void pod_stream_log_skipped(struct pod_stream_log *log, const struct pod_parsed *pod);
