#include "daemon/metrics/metrics.h"

#include "shared/clock.h"

static void collect_pods(struct pod_watch *pods, struct metric_input *in)
{
    struct pod_view *view = pod_watch_snapshot(pods);
    in->pods_complete = view->complete;
    in->pods_confirmed = view->confirmed;
    pod_view_free(view);
}

void metrics_collect(const struct job_context *jobs, const struct http_server *server, struct control_server *control,
                     struct metric_input *ret_input)
{
    struct metric_input *in = ret_input;
    *in = (struct metric_input){.real_ms = clock_real_ms(), .server = server};
    status_collect(jobs, &in->status);
    process_usage_get(&in->process);
    http_server_get_stats(server, &in->http);
    in->has_control = control != NULL;
    if (in->has_control)
        control_server_get_stats(control, &in->control);
    if (jobs->pods != NULL)
        collect_pods(jobs->pods, in);
    job_counters_get_cluster(&in->cluster);
    job_counters_get_dump(&in->dump);
}

void metrics_release(struct metric_input *input)
{
    status_fini(&input->status);
}

int metrics_write(const struct metric_input *input, enum metrics_format format, struct buf *out)
{
    struct metric_writer w;
    metric_writer_init(&w, format, out);
    for (const struct metric *m = metric_table; m->name != NULL; m++) {
        metric_family(&w, m);
        m->sample(input, &w);
    }
    return metric_writer_end(&w);
}

const char *metrics_content_type(enum metrics_format format)
{
    return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                         : "text/plain; version=0.0.4; charset=utf-8";
}
