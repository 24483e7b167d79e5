#include "daemon/metrics/metric_writer.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *metric_type_name(enum metric_type type)
{
    static const char *const names[] = {"gauge", "counter", "histogram"};
    return names[type];
}

void metric_writer_init(struct metric_writer *w, enum metrics_format format, struct buf *out)
{
    *w = (struct metric_writer){.out = out, .format = format};
}

static void put(struct metric_writer *w, const char *text)
{
    if (w->code == 0)
        w->code = buf_puts(w->out, text);
}

/* Backslash and line end are escaped everywhere, the quote in label values (both formats). */
static void put_escaped(struct metric_writer *w, const char *text, bool quote)
{
    for (const char *c = text; *c != '\0' && w->code == 0; c++) {
        if (*c == '\n')
            put(w, "\\n");
        else if (*c == '\\' || (quote && *c == '"'))
            w->code = buf_printf(w->out, "\\%c", *c);
        else
            w->code = buf_append(w->out, c, 1);
    }
}

/* OpenMetrics names a counter's family without what its samples end in. */
static int family_len(const struct metric_writer *w)
{
    size_t len = strlen(w->metric->name);
    size_t total = strlen("_total");
    if (w->format == METRICS_OPENMETRICS && w->metric->type == METRIC_COUNTER)
        len -= total;
    return (int)len;
}

void metric_family(struct metric_writer *w, const struct metric *metric)
{
    w->metric = metric;
    if (w->code != 0)
        return;
    w->code = buf_printf(w->out, "# HELP %.*s ", family_len(w), metric->name);
    put_escaped(w, metric->help, w->format == METRICS_OPENMETRICS);
    if (w->code == 0)
        w->code =
            buf_printf(w->out, ".\n# TYPE %.*s %s\n", family_len(w), metric->name, metric_type_name(metric->type));
    if (w->code == 0 && w->format == METRICS_OPENMETRICS && metric->unit[0] != '\0')
        w->code = buf_printf(w->out, "# UNIT %.*s %s\n", family_len(w), metric->name, metric->unit);
}

static void put_labels(struct metric_writer *w, const struct metric_label *labels, const struct metric_label *more)
{
    const char *before = "{";
    const struct metric_label *lists[] = {labels, more};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        for (const struct metric_label *l = lists[i]; l != NULL && l->name != NULL; l++) {
            put(w, before);
            put(w, l->name);
            put(w, "=\"");
            put_escaped(w, l->value, true);
            put(w, "\"");
            before = ",";
        }
    }
    if (before[0] == ',')
        put(w, "}");
}

/* Whole numbers as such: a counter of requests has no exponent. */
static void put_value(struct metric_writer *w, double value)
{
    if (w->code != 0)
        return;
    bool whole = value == floor(value) && fabs(value) < 1e15;
    w->code = whole ? buf_printf(w->out, " %.0f\n", value) : buf_printf(w->out, " %.15g\n", value);
}

static void put_sample(struct metric_writer *w, const char *suffix, const struct metric_label *labels,
                       const struct metric_label *more, double value)
{
    put(w, w->metric->name);
    put(w, suffix);
    put_labels(w, labels, more);
    put_value(w, value);
}

void metric_sample(struct metric_writer *w, const struct metric_label *labels, double value)
{
    put_sample(w, "", labels, NULL, value);
}

void metric_sample_1(struct metric_writer *w, const char *label, const char *label_value, double value)
{
    const struct metric_label labels[] = {{label, label_value}, {NULL, NULL}};
    metric_sample(w, labels, value);
}

static void put_bucket(struct metric_writer *w, const struct metric_label *labels, const char *bound, uint64_t count)
{
    const struct metric_label le[] = {{"le", bound}, {NULL, NULL}};
    put_sample(w, "_bucket", labels, le, (double)count);
}

void metric_sample_histogram(struct metric_writer *w, const struct metric_label *labels,
                             const struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        char bound[32];
        (void)snprintf(bound, sizeof(bound), "%g%s", (double)histogram_bounds_us[i] / 1e6,
                       histogram_bounds_us[i] % 1000000 == 0 ? ".0"
                                                             : ""); /* OpenMetrics wants the same text for ever */
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        put_bucket(w, labels, bound, count);
    }
    count += atomic_load_explicit(&histogram->buckets[HISTOGRAM_BOUNDS], memory_order_relaxed);
    put_bucket(w, labels, "+Inf", count);
    uint64_t sum_us = atomic_load_explicit(&histogram->sum_us, memory_order_relaxed);
    put_sample(w, "_sum", labels, NULL, (double)sum_us / 1e6);
    put_sample(w, "_count", labels, NULL, (double)count);
}

void metric_sample_states(struct metric_writer *w, const char *label, const char *const *names, const char *holds)
{
    for (size_t i = 0; names[i] != NULL; i++)
        metric_sample_1(w, label, names[i], strcmp(names[i], holds) == 0 ? 1 : 0);
}

int metric_writer_end(struct metric_writer *w)
{
    if (w->format == METRICS_OPENMETRICS)
        put(w, "# EOF\n");
    return w->code;
}
