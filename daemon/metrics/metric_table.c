#include "daemon/metrics/metric_samples.h"

/* A value of the snapshot as it is, when there is one. */
#define VALUE(function, has, value)                                              \
    static void function(const struct metric_input *in, struct metric_writer *w) \
    {                                                                            \
        if (has)                                                                 \
            metric_sample(w, NULL, (double)(value));                             \
    }

static bool was_asked(const struct metric_input *in)
{
    return in->status.health.at_ms != 0;
}

static bool has_lived(const struct metric_input *in)
{
    return in->status.health.lives > 0;
}

static double since_s(const struct metric_input *in, int64_t since_ms)
{
    return (double)(in->status.now_ms - since_ms) / 1e3;
}

static bool is_stuck(const struct metric_input *in)
{
    return in->status.health.admin == ADMIN_STUCK;
}

VALUE(start_time, true, (double)in->real_ms / 1e3 - (double)in->status.uptime_s)
VALUE(draining, true, in->status.draining_file || in->status.phase >= PHASE_DRAINING)
VALUE(health_age, was_asked(in), since_s(in, in->status.health.at_ms))
VALUE(started, was_asked(in), in->status.health.started)
VALUE(degraded, was_asked(in), is_stuck(in) && in->status.health.traffic == TRAFFIC_GREETS)
VALUE(stuck_seconds, was_asked(in), is_stuck(in) ? since_s(in, in->status.health.admin_since_ms) : 0)
VALUE(lives, true, in->status.health.lives)
VALUE(proxysql_start, has_lived(in), (double)in->real_ms / 1e3 - since_s(in, in->status.health.boot_ms))
VALUE(clients, has_lived(in), in->status.health.node.clients)
VALUE(paused, has_lived(in), in->status.health.node.paused)
VALUE(pool_size, true, in->status.pool.size)
VALUE(parked_seconds, true, in->status.pool.parked_since_ms == 0 ? 0 : since_s(in, in->status.pool.parked_since_ms))
VALUE(connects, true, in->status.pool.connects)
VALUE(connect_failures, true, in->status.pool.connect_failures)
VALUE(parked_total, true, in->status.pool.parked_total)
VALUE(abandoned, true, in->status.pool.abandoned)
VALUE(pool_refused, true, in->status.pool.refused)
VALUE(pool_losses, true, in->status.pool.losses)
VALUE(members_wanted, in->cluster.members_wanted >= 0, in->cluster.members_wanted)
VALUE(members_actual, in->cluster.members_actual >= 0, in->cluster.members_actual)
VALUE(members_missing, in->cluster.members_missing >= 0, in->cluster.members_missing)
VALUE(stamp_failures, in->status.run_mode == RUN_MODE_CORE, in->status.stamp.failures)
VALUE(pods_complete, in->status.has_pods, in->pods_complete)
VALUE(pods_confirmed, in->status.has_pods, in->pods_confirmed)
VALUE(drains, true, in->status.drain.drains)
VALUE(drains_failed, true, in->status.drain.failed)
VALUE(drain_clients, in->status.drain.began_ms != 0 && in->status.drain.clients >= 0, in->status.drain.clients)
VALUE(drain_cut, in->status.drain.cut >= 0, in->status.drain.cut)
VALUE(drain_cut_busy, in->status.drain.cut_in_transaction >= 0, in->status.drain.cut_in_transaction)
VALUE(dns_addresses, in->status.has_dns, in->status.dns.addresses)
VALUE(dns_answers, in->status.has_dns, in->status.dns.answers)
VALUE(dns_failures, in->status.has_dns, in->status.dns.failures)
VALUE(leader, in->status.has_election, in->status.election.leading)
VALUE(lease_held, in->status.has_election, in->status.election.held)
VALUE(lease_age, in->status.has_election && in->status.election.renewed_age_ms >= 0,
      (double)in->status.election.renewed_age_ms / 1e3)
VALUE(lease_terms, in->status.has_election, in->status.election.terms)
VALUE(lease_renewals, in->status.has_election, in->status.election.renewals)
VALUE(lease_conflicts, in->status.has_election, in->status.election.conflicts)
VALUE(lease_failures, in->status.has_election, in->status.election.failures)
VALUE(dump_rows, true, in->dump.rows)
VALUE(dump_bytes, true, in->dump.bytes)
VALUE(http_connections, true, in->http.connections)
VALUE(http_connections_max, true, in->http.connections_max)
VALUE(http_accepted, true, in->http.accepted)
VALUE(http_handshake_failures, in->http.tls, in->http.handshake_failures)
VALUE(http_certificate_end, in->http.tls, in->http.certificate.not_after_s)
VALUE(http_certificate_loads, in->http.tls, in->http.certificate.loads)
VALUE(http_certificate_failures, in->http.tls, in->http.certificate.load_failures)
VALUE(control_clients, in->has_control, in->control.clients)
VALUE(control_accepted, in->has_control, in->control.accepted)
VALUE(control_requests, in->has_control, in->control.requests)
VALUE(control_refused, in->has_control, in->control.refused)
VALUE(control_timed_out, in->has_control, in->control.timed_out)
VALUE(control_crowded, in->has_control, in->control.crowded)
VALUE(process_cpu, in->process.cpu_s >= 0, in->process.cpu_s)
VALUE(process_resident, in->process.resident_bytes >= 0, in->process.resident_bytes)
VALUE(process_virtual, in->process.virtual_bytes >= 0, in->process.virtual_bytes)
VALUE(process_fds, in->process.open_fds >= 0, in->process.open_fds)
VALUE(process_fds_max, in->process.max_fds >= 0, in->process.max_fds)
VALUE(process_threads, in->process.threads >= 0, in->process.threads)

#define P "proxysql_agent_"
#define GAUGE(name_, unit_, labels_, sample_, help_)          \
    {                                                         \
        P name_, METRIC_GAUGE, unit_, labels_, help_, sample_ \
    }
#define COUNTER(name_, unit_, labels_, sample_, help_)          \
    {                                                           \
        P name_, METRIC_COUNTER, unit_, labels_, help_, sample_ \
    }
#define HISTOGRAM(name_, unit_, labels_, sample_, help_)          \
    {                                                             \
        P name_, METRIC_HISTOGRAM, unit_, labels_, help_, sample_ \
    }

/* clang-format off: one metric after the other. */
const struct metric metric_table[] = {
    GAUGE("build_info", "", "version", sample_build_info, "1, with the version of the agent"),
    GAUGE("run_mode_info", "", "run_mode", sample_run_mode, "1, with the run mode"),
    GAUGE("phase", "", "phase", sample_phase, "1 for the phase that the agent is in, 0 for the others"),
    GAUGE("draining", "", "", draining,
          "1 while readiness fails because the pod drains: by a drain or by the draining file"),

    GAUGE("proxysql_admin_state", "", "state", sample_admin_state,
          "1 for what the last health check found of the admin interface: answers, stuck, refused, or unknown before "
          "the first"),
    GAUGE("proxysql_traffic_state", "", "state", sample_traffic_state,
          "1 for what the last health check found of the traffic port: greets, silent, refused, or unknown before the "
          "first"),
    GAUGE("health_check_age_seconds", "seconds", "", health_age, "How old the last health check is"),
    GAUGE("proxysql_started", "", "", started, "1 when ProxySQL has answered in its present life"),
    GAUGE("degraded", "", "", degraded, "1 while the admin interface hangs and traffic is still served"),
    GAUGE("admin_stuck_seconds", "seconds", "", stuck_seconds,
          "For how long the admin interface has not answered, 0 while it does or nobody is there"),
    GAUGE("sync_gate", "", "state", sample_gate_state,
          "Satellites: 1 for what readiness waits for, open when for nothing"),
    COUNTER("proxysql_lives_total", "", "", lives,
            "Lives of ProxySQL that this agent has seen; each restart begins one"),
    GAUGE("proxysql_start_time_seconds", "seconds", "", proxysql_start, "When ProxySQL started, since the Unix epoch"),
    GAUGE("proxysql_info", "", "version", sample_proxysql_info, "1, with the version of ProxySQL"),
    GAUGE("proxysql_backends", "", "status", sample_backends, "Rows of runtime_mysql_servers by status"),
    GAUGE("proxysql_clients", "", "", clients, "Client connections to ProxySQL, read every 10 seconds at most"),
    GAUGE("proxysql_paused", "", "", paused, "1 while PROXYSQL PAUSE is in force"),

    HISTOGRAM("admin_statement_duration_seconds", "seconds", "", sample_statement_durations,
              "How long admin statements took, up to their answer or their deadline"),
    GAUGE("admin_connections", "", "state", sample_connections,
          "Connections to the admin interface: lent, idle, or parked with a statement unanswered"),
    GAUGE("admin_connections_max", "", "", pool_size,
          "Connections to the admin interface at most (proxysql.pool_size)"),
    GAUGE("admin_parked_seconds", "seconds", "", parked_seconds,
          "For how long the oldest parked connection has waited for its answer, 0 without one"),
    COUNTER("admin_connects_total", "", "", connects, "Attempts to connect to the admin interface"),
    COUNTER("admin_connect_failures_total", "", "", connect_failures, "Attempts that failed"),
    COUNTER("admin_parked_total", "", "", parked_total, "Connections that were parked"),
    COUNTER("admin_abandoned_total", "", "", abandoned,
            "Statements and logins closed unanswered because the limit of parked connections was reached"),
    COUNTER("admin_refused_total", "", "", pool_refused,
            "Connections not lent, because one was parked or all of their lane were taken"),
    COUNTER("admin_losses_total", "", "", pool_losses, "Connections that ended from ProxySQL's side"),

    GAUGE("jobs_waiting", "", "kind", sample_jobs_waiting, "Jobs that wait for a worker"),
    GAUGE("jobs_running", "", "kind", sample_jobs_running, "Jobs that run"),
    COUNTER("jobs_total", "", "kind, result", sample_jobs_ended,
            "Jobs that ended: succeeded, failed, or cancelled by a drain or a stop"),
    COUNTER("jobs_joined_total", "", "kind", sample_jobs_joined, "Requests for a job that shared one that was there"),
    COUNTER("jobs_refused_total", "", "kind", sample_jobs_refused,
            "Requests for a job that the queue refused because a limit was reached"),
    HISTOGRAM("job_duration_seconds", "seconds", "kind", sample_job_durations, "How long jobs ran"),
    GAUGE("job_last_end_time_seconds", "seconds", "kind", sample_job_last_end,
          "When the last job of a kind ended, since the Unix epoch"),

    COUNTER("loads_total", "", "module, reason", sample_loads, "LOAD ... TO RUNTIME statements by this agent"),
    GAUGE("cluster_members_wanted", "", "", members_wanted, "Cores: rows that proxysql_servers should have"),
    GAUGE("cluster_members", "", "", members_actual, "Rows that proxysql_servers has in runtime"),
    GAUGE("cluster_members_missing", "", "", members_missing,
          "Cores: wanted rows that are not there; satellites: cores that ProxySQL has not checked for "
          "satellite.missing_after and that accept no connection"),
    GAUGE("stamp_module_state", "", "module, state", sample_stamp_modules,
          "Cores: 1 for how far the stamp of a module is in this life of ProxySQL"),
    COUNTER("stamp_failures_total", "", "", stamp_failures, "Cores: modules whose stamp failed; each is tried again"),

    GAUGE("watch_open", "", "stream", sample_watch_open, "Cores: 1 while the watch of the pods is open"),
    GAUGE("watch_complete", "", "", pods_complete, "Cores: 1 when all core pods have been listed"),
    GAUGE("watch_confirmed", "", "", pods_confirmed, "Cores: 1 while what is known of the core pods may be acted on"),
    GAUGE("watch_pods", "", "stream", sample_watch_pods, "Cores: pods that are known"),
    COUNTER("watch_lists_total", "", "stream", sample_watch_lists, "Cores: full lists of the pods"),
    COUNTER("watch_watches_total", "", "stream", sample_watch_watches, "Cores: watches that were opened"),
    COUNTER("watch_events_total", "", "stream", sample_watch_events, "Cores: events that were received"),
    COUNTER("watch_expired_total", "", "stream", sample_watch_expired,
            "Cores: times the API server had forgotten where the watch was (410)"),
    COUNTER("watch_failures_total", "", "stream", sample_watch_failures,
            "Cores: requests to the API server that failed"),
    COUNTER("watch_skipped_pods_total", "", "stream", sample_watch_skipped,
            "Cores: pods left out because a field could not be accepted"),
    COUNTER("watch_limit_hits_total", "", "stream", sample_watch_limits,
            "Cores: answers of the API server given up because a limit was reached"),

    GAUGE("dns_addresses", "", "", dns_addresses, "Cores with core.discovery dns: addresses in the last answer"),
    COUNTER("dns_answers_total", "", "", dns_answers, "Cores with core.discovery dns: look-ups that were answered"),
    COUNTER("dns_failures_total", "", "", dns_failures, "Cores with core.discovery dns: look-ups that failed"),

    GAUGE("leader", "", "", leader, "With leader election: 1 while this agent leads"),
    GAUGE("lease_held", "", "", lease_held, "With leader election: 1 while somebody holds the lease"),
    GAUGE("lease_renewed_age_seconds", "seconds", "", lease_age, "With leader election: how old the own lease is"),
    COUNTER("lease_terms_total", "", "", lease_terms, "With leader election: times this agent began to lead"),
    COUNTER("lease_renewals_total", "", "", lease_renewals, "With leader election: writes of the lease that succeeded"),
    COUNTER("lease_conflicts_total", "", "", lease_conflicts,
            "With leader election: writes that another one was quicker than (409)"),
    COUNTER("lease_failures_total", "", "", lease_failures,
            "With leader election: requests for the lease that failed otherwise"),

    GAUGE("drain_step", "", "step", sample_drain_step, "1 for the step that the drain is in, none while there is none"),
    GAUGE("drain_step_duration_seconds", "seconds", "step", sample_drain_durations,
          "How long the steps of the last drain took, of the present one so far"),
    GAUGE("drain_clients", "", "", drain_clients, "Client connections left when the last drain counted them"),
    GAUGE("drain_clients_cut", "", "", drain_cut,
          "Client connections that were left when the last drain went on without waiting for them"),
    GAUGE("drain_clients_cut_in_transaction", "", "", drain_cut_busy, "Of these: in a transaction"),
    COUNTER("drains_total", "", "", drains, "Drains that began"),
    COUNTER("drain_failures_total", "", "", drains_failed, "Drains that ended with an error"),

    COUNTER("dump_rows_total", "", "", dump_rows, "Digests that dumps wrote, also those that failed later"),
    COUNTER("dump_bytes_total", "bytes", "", dump_bytes, "Bytes of them, compressed ones if so"),

    COUNTER("http_requests_total", "", "path, code", sample_http_requests,
            "HTTP requests answered; path other is every path that is not served"),
    GAUGE("http_connections", "", "", http_connections, "HTTP connections"),
    GAUGE("http_connections_max", "", "", http_connections_max, "HTTP connections at most (api.max_connections)"),
    COUNTER("http_connections_accepted_total", "", "", http_accepted, "HTTP connections accepted"),
    COUNTER("http_limit_hits_total", "", "limit", sample_http_limits,
            "Times a limit of the HTTP interface was reached, see docs/http.md"),
    COUNTER("http_handshake_failures_total", "", "", http_handshake_failures, "TLS handshakes that failed"),
    GAUGE("http_certificate_expiry_timestamp_seconds", "seconds", "", http_certificate_end,
          "When the certificate of the HTTP interface ends, since the Unix epoch"),
    COUNTER("http_certificate_loads_total", "", "", http_certificate_loads,
            "Certificates of the HTTP interface that were read"),
    COUNTER("http_certificate_load_failures_total", "", "", http_certificate_failures,
            "New certificates of the HTTP interface that could not be used"),

    GAUGE("control_clients", "", "", control_clients, "Clients of the control socket"),
    COUNTER("control_clients_accepted_total", "", "", control_accepted, "Clients of the control socket accepted"),
    COUNTER("control_requests_total", "", "", control_requests, "Requests on the control socket, also refused ones"),
    COUNTER("control_requests_refused_total", "", "", control_refused,
            "Requests on the control socket refused at once: malformed, another version, no right to it, wrong "
            "arguments"),
    COUNTER("control_clients_timed_out_total", "", "", control_timed_out,
            "Clients of the control socket that were ended because they were slow or silent"),
    COUNTER("control_clients_crowded_out_total", "", "", control_crowded,
            "Idle clients of the control socket that were ended for another because every place was taken"),

    {"process_cpu_seconds_total", METRIC_COUNTER, "seconds", "", "Processor time of the agent, user and system",
     process_cpu},
    {"process_resident_memory_bytes", METRIC_GAUGE, "bytes", "", "Resident memory of the agent", process_resident},
    {"process_virtual_memory_bytes", METRIC_GAUGE, "bytes", "", "Virtual memory of the agent", process_virtual},
    {"process_open_fds", METRIC_GAUGE, "", "", "Descriptors of the agent", process_fds},
    {"process_max_fds", METRIC_GAUGE, "", "", "Descriptors of the agent at most", process_fds_max},
    {"process_threads", METRIC_GAUGE, "", "", "Threads of the agent", process_threads},
    {"process_start_time_seconds", METRIC_GAUGE, "seconds", "", "When the agent started, since the Unix epoch",
     start_time},
    {NULL, METRIC_GAUGE, "", "", "", NULL},
};
/* clang-format on */
