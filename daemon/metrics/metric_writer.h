#pragma once

#include <stdint.h>

#include "daemon/metrics/accept.h"
#include "shared/buf.h"
#include "shared/histogram.h"

/*
 * Metrics as text: Prometheus' format 0.0.4 and OpenMetrics 1.0. Families are written one after the other, each with
 * its samples. The first error stays until metric_writer_end(). Not thread-safe.
 */
enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM };

/* One row of the table of metrics. */
struct metric_input;
struct metric_writer;
struct metric {
    const char *name; /* as its samples have it; a counter's ends in _total */
    enum metric_type type;
    const char *unit;   /* "seconds", "bytes" or "" (a number of things, or true and false); part of the name */
    const char *labels; /* for the documentation, "" = none */
    const char *help;   /* one sentence without an end */
    void (*sample)(const struct metric_input *input, struct metric_writer *w);
};

struct metric_writer {
    struct buf *out;
    enum metrics_format format;
    const struct metric *metric;
    int code;
};

struct metric_label {
    const char *name; /* NULL ends a list */
    const char *value;
};

/* "gauge", "counter", "histogram" */
const char *metric_type_name(enum metric_type type);

void metric_writer_init(struct metric_writer *w, enum metrics_format format, struct buf *out);

/* Begin the family of a metric: HELP, TYPE and, in OpenMetrics, UNIT. */
void metric_family(struct metric_writer *w, const struct metric *metric);

/* One sample of the family. labels may be NULL. */
void metric_sample(struct metric_writer *w, const struct metric_label *labels, double value);
void metric_sample_1(struct metric_writer *w, const char *label, const char *label_value, double value);
void metric_sample_histogram(struct metric_writer *w, const struct metric_label *labels,
                             const struct histogram *histogram);

/* 1 for the name that holds, 0 for the others of the NULL-terminated list. */
void metric_sample_states(struct metric_writer *w, const char *label, const char *const *names, const char *holds);

/* End the text. 0, -EMSGSIZE or -ENOMEM. */
MUST_CHECK int metric_writer_end(struct metric_writer *w);
