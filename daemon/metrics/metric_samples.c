#include "daemon/metrics/metric_samples.h"

#include <stdio.h>

#include "daemon/proxysql/db_conn.h"

/* --- the agent */

void sample_build_info(const struct metric_input *in, struct metric_writer *w)
{
    (void)in;
    metric_sample_1(w, "version", PROJECT_VERSION, 1);
}

void sample_run_mode(const struct metric_input *in, struct metric_writer *w)
{
    metric_sample_1(w, "run_mode", run_mode_name(in->status.run_mode), 1);
}

void sample_phase(const struct metric_input *in, struct metric_writer *w)
{
    const char *names[PHASE_STOPPED + 2] = {NULL};
    for (int phase = 0; phase <= PHASE_STOPPED; phase++)
        names[phase] = phase_name((enum phase)phase);
    metric_sample_states(w, "phase", names, phase_name(in->status.phase));
}

/* --- ProxySQL */

void sample_admin_state(const struct metric_input *in, struct metric_writer *w)
{
    static const char *const names[] = {"unknown", "answers", "stuck", "refused", NULL};
    metric_sample_states(w, "state", names, admin_verdict_name(in->status.health.admin));
}

void sample_traffic_state(const struct metric_input *in, struct metric_writer *w)
{
    static const char *const names[] = {"unknown", "greets", "silent", "refused", NULL};
    metric_sample_states(w, "state", names, traffic_verdict_name(in->status.health.traffic));
}

void sample_gate_state(const struct metric_input *in, struct metric_writer *w)
{
    static const char *const names[] = {"open", "no_backends", "no_users", "not_asked", "not_synced", NULL};
    if (in->status.run_mode == RUN_MODE_SATELLITE)
        metric_sample_states(w, "state", names, names[in->status.health.gate]);
}

void sample_proxysql_info(const struct metric_input *in, struct metric_writer *w)
{
    if (in->status.health.node.version[0] != '\0')
        metric_sample_1(w, "version", in->status.health.node.version, 1);
}

void sample_backends(const struct metric_input *in, struct metric_writer *w)
{
    const struct admin_backends *b = &in->status.health.backends;
    if (in->status.health.lives == 0)
        return;
    metric_sample_1(w, "status", "online", (double)b->online);
    metric_sample_1(w, "status", "shunned", (double)b->shunned);
    metric_sample_1(w, "status", "other", (double)(b->total - b->online - b->shunned));
}

void sample_statement_durations(const struct metric_input *in, struct metric_writer *w)
{
    (void)in;
    metric_sample_histogram(w, NULL, db_statement_durations());
}

void sample_connections(const struct metric_input *in, struct metric_writer *w)
{
    metric_sample_1(w, "state", "lent", in->status.pool.lent);
    metric_sample_1(w, "state", "idle", in->status.pool.idle);
    metric_sample_1(w, "state", "parked", in->status.pool.parked);
}

/* --- jobs */

static const char *kind_name(size_t kind)
{
    return job_table[kind].name;
}

#define SAMPLE_KINDS(function, field)                                                           \
    void function(const struct metric_input *in, struct metric_writer *w)                       \
    {                                                                                           \
        for (size_t kind = 0; kind < JOB_IDS; kind++)                                           \
            metric_sample_1(w, "kind", kind_name(kind), (double)(in->status.jobs[kind].field)); \
    }

SAMPLE_KINDS(sample_jobs_waiting, waiting)
SAMPLE_KINDS(sample_jobs_running, running)
SAMPLE_KINDS(sample_jobs_joined, joined)
SAMPLE_KINDS(sample_jobs_refused, refused)

static void sample_result(struct metric_writer *w, size_t kind, const char *result, uint64_t count)
{
    const struct metric_label labels[] = {{"kind", kind_name(kind)}, {"result", result}, {NULL, NULL}};
    metric_sample(w, labels, (double)count);
}

void sample_jobs_ended(const struct metric_input *in, struct metric_writer *w)
{
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        sample_result(w, kind, "succeeded", in->status.jobs[kind].succeeded);
        sample_result(w, kind, "failed", in->status.jobs[kind].failed);
        sample_result(w, kind, "cancelled", in->status.jobs[kind].cancelled);
    }
}

void sample_job_durations(const struct metric_input *in, struct metric_writer *w)
{
    (void)in;
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        const struct metric_label labels[] = {{"kind", kind_name(kind)}, {NULL, NULL}};
        metric_sample_histogram(w, labels, job_counters_durations(kind));
    }
}

void sample_job_last_end(const struct metric_input *in, struct metric_writer *w)
{
    for (size_t kind = 0; kind < JOB_IDS; kind++) {
        int64_t end_ms = in->status.jobs[kind].last_end_ms;
        if (end_ms != 0)
            metric_sample_1(w, "kind", kind_name(kind), (double)(in->real_ms - (in->status.now_ms - end_ms)) / 1e3);
    }
}

static void sample_module_loads(struct metric_writer *w, size_t module)
{
    for (int reason = 0; reason < LOAD_REASONS; reason++) {
        uint64_t count = job_counters_loads(module, (enum load_reason)reason);
        const struct metric_label labels[] = {{"module", load_module_label(module)},
                                              {"reason", load_reason_label((enum load_reason)reason)},
                                              {NULL, NULL}};
        if (count > 0)
            metric_sample(w, labels, (double)count);
    }
}

void sample_loads(const struct metric_input *in, struct metric_writer *w)
{
    (void)in;
    for (size_t module = 0; module < LOAD_MODULES; module++)
        sample_module_loads(w, module);
}

static void sample_stamp_module(const struct metric_input *in, struct metric_writer *w, size_t module)
{
    static const char *const names[STAMP_OUTCOMES] = {
        [STAMP_WAITING] = "waiting", [STAMP_BEGUN] = "begun",           [STAMP_LOADING] = "loading",
        [STAMP_DONE] = "done",       [STAMP_LEFT_ALONE] = "left_alone", [STAMP_FOLLOWS] = "follows"};
    for (int outcome = 0; outcome < STAMP_OUTCOMES; outcome++) {
        const struct metric_label labels[] = {
            {"module", load_module_label(module)}, {"state", names[outcome]}, {NULL, NULL}};
        metric_sample(w, labels, (int)in->status.stamp.modules[module].outcome == outcome ? 1 : 0);
    }
}

void sample_stamp_modules(const struct metric_input *in, struct metric_writer *w)
{
    for (size_t module = 0; in->status.stamp.known && module < ADMIN_MODULES; module++)
        sample_stamp_module(in, w, module);
}

/* --- the watch of the pods */

#define SAMPLE_STREAMS(function, expression)                              \
    void function(const struct metric_input *in, struct metric_writer *w) \
    {                                                                     \
        const struct pod_mirror_stats *s = &in->status.pods.core;         \
        if (!in->status.has_pods)                                         \
            return;                                                       \
        metric_sample_1(w, "stream", "core", (double)(expression));       \
        s = &in->status.pods.others;                                      \
        metric_sample_1(w, "stream", "others", (double)(expression));     \
    }

SAMPLE_STREAMS(sample_watch_open, s->state == POD_MIRROR_WATCHING ? 1 : 0)
SAMPLE_STREAMS(sample_watch_lists, s->lists)
SAMPLE_STREAMS(sample_watch_watches, s->watches)
SAMPLE_STREAMS(sample_watch_events, s->events)
SAMPLE_STREAMS(sample_watch_expired, s->expired)
SAMPLE_STREAMS(sample_watch_failures, s->failures)
SAMPLE_STREAMS(sample_watch_skipped, s->skipped)
SAMPLE_STREAMS(sample_watch_limits, s->limits)
SAMPLE_STREAMS(sample_watch_pods, s->pods)

/* --- the drain */

void sample_drain_step(const struct metric_input *in, struct metric_writer *w)
{
    const char *names[DRAIN_STEPS + 1] = {NULL};
    for (int step = 0; step < DRAIN_STEPS; step++)
        names[step] = drain_step_name((enum drain_step)step);
    metric_sample_states(w, "step", names, drain_step_name(in->status.drain.step));
}

void sample_drain_durations(const struct metric_input *in, struct metric_writer *w)
{
    for (int step = DRAIN_STEP_NONE + 1; in->status.drain.began_ms != 0 && step < DRAIN_STEPS; step++)
        metric_sample_1(w, "step", drain_step_name((enum drain_step)step),
                        (double)in->status.drain.durations_ms[step] / 1e3);
}

/* --- HTTP */

static void sample_request(void *arg, const char *path, int status, uint64_t count)
{
    char code[16];
    (void)snprintf(code, sizeof(code), "%d", status);
    const struct metric_label labels[] = {{"path", path[0] != '\0' ? path : "other"}, {"code", code}, {NULL, NULL}};
    metric_sample(arg, labels, (double)count);
}

void sample_http_requests(const struct metric_input *in, struct metric_writer *w)
{
    if (in->server != NULL)
        http_server_each_count(in->server, sample_request, w);
}

void sample_http_limits(const struct metric_input *in, struct metric_writer *w)
{
    for (int limit = 0; limit < HTTP_LIMITS; limit++)
        metric_sample_1(w, "limit", http_limit_name((enum http_limit)limit), (double)in->http.limit_hits[limit]);
}
