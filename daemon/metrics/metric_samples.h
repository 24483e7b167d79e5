#pragma once

#include "daemon/metrics/metrics.h"

/* The values of the metrics that are more than one number of the snapshot; for the table. */
typedef void metric_sample_fn(const struct metric_input *in, struct metric_writer *w);

metric_sample_fn sample_build_info, sample_run_mode, sample_phase;
metric_sample_fn sample_admin_state, sample_traffic_state, sample_gate_state, sample_proxysql_info;
metric_sample_fn sample_backends, sample_statement_durations, sample_connections;
metric_sample_fn sample_jobs_waiting, sample_jobs_running, sample_jobs_ended, sample_jobs_joined, sample_jobs_refused;
metric_sample_fn sample_job_durations, sample_job_last_end;
metric_sample_fn sample_loads, sample_stamp_modules;
metric_sample_fn sample_watch_open, sample_watch_lists, sample_watch_watches, sample_watch_events, sample_watch_expired;
metric_sample_fn sample_watch_failures, sample_watch_skipped, sample_watch_limits, sample_watch_pods;
metric_sample_fn sample_drain_step, sample_drain_durations;
metric_sample_fn sample_http_requests, sample_http_limits;
