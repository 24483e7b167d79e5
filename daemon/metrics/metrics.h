#pragma once

#include <stddef.h>

#include "daemon/control/control_server.h"
#include "daemon/http/http_server.h"
#include "daemon/jobs/job_counters.h"
#include "daemon/metrics/metric_writer.h"
#include "daemon/metrics/process.h"
#include "daemon/status/status.h"

/*
 * GET /metrics: one table says every metric with its help (metric_table.c), docs/metrics.md is written from it. Values
 * are those of one snapshot, taken for the answer, and of counters that only count up. Nothing here waits or asks
 * anybody. Thread-safe.
 */

/* What one answer is made from. */
struct metric_input {
    struct status status;
    int64_t real_ms; /* of the snapshot */
    struct process_usage process;
    struct http_server_stats http;
    const struct http_server *server;
    bool has_control;
    struct control_server_stats control; /* while has_control */
    bool pods_complete;                  /* while status.has_pods */
    bool pods_confirmed;
    struct job_counters_cluster cluster;
    struct job_counters_dump dump;
};

/* Rows until the one without a name. */
extern const struct metric metric_table[];

/* To be given back with metrics_release(). control may be NULL. */
void metrics_collect(const struct job_context *jobs, const struct http_server *server, struct control_server *control,
                     struct metric_input *ret_input);
void metrics_release(struct metric_input *input);

/* All metrics of the table that have a value. 0, -EMSGSIZE or -ENOMEM. */
MUST_CHECK int metrics_write(const struct metric_input *input, enum metrics_format format, struct buf *out);

/* The Content-Type of a form. */
const char *metrics_content_type(enum metrics_format format);

/* docs/metrics.md. 0, -EMSGSIZE or -ENOMEM. */
MUST_CHECK int metrics_reference(struct buf *out);
