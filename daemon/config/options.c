#include "daemon/config/options.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "shared/str.h"

/* No wait of an agent is longer than a year. */
#define YEAR_S INT64_C(31536000)

static const struct option_name run_mode_names[] = {
    {"core", RUN_MODE_CORE, false},
    {"satellite", RUN_MODE_SATELLITE, false},
    {"dump", RUN_MODE_DUMP, false},
    {"", RUN_MODE_NONE, true},
    {NULL, 0, false},
};

static const struct option_name log_level_names[] = {
    {"DEBUG", LOG_LEVEL_DEBUG, false},
    {"INFO", LOG_LEVEL_INFO, false},
    {"WARN", LOG_LEVEL_WARN, false},
    {"ERROR", LOG_LEVEL_ERROR, false},
    {NULL, 0, false},
};

static const struct option_name log_format_names[] = {
    {"text", LOG_FORMAT_TEXT, false},
    {"JSON", LOG_FORMAT_JSON, false},
    {"plain", LOG_FORMAT_TEXT, true},
    {NULL, 0, false},
};

static const struct option_name config_authority_names[] = {
    {"file", CONFIG_AUTHORITY_FILE, false},
    {"cluster", CONFIG_AUTHORITY_CLUSTER, false},
    {NULL, 0, false},
};

static const struct option_name dump_format_names[] = {
    {"csv", DUMP_FORMAT_CSV, false},
    {"jsonl", DUMP_FORMAT_JSONL, false},
    {NULL, 0, false},
};

static const struct option_name dump_compress_names[] = {
    {"none", DUMP_COMPRESS_NONE, false},
    {"gzip", DUMP_COMPRESS_GZIP, false},
    {NULL, 0, false},
};

static const struct option_name discovery_names[] = {
    {"kubernetes", DISCOVERY_KUBERNETES, false},
    {"dns", DISCOVERY_DNS, false},
    {"static", DISCOVERY_STATIC, false},
    {NULL, 0, false},
};

static const struct option_name tls_mode_names[] = {
    {"disabled", TLS_MODE_DISABLED, false},
    {"required", TLS_MODE_REQUIRED, false},
    {"verify", TLS_MODE_VERIFY, false},
    {NULL, 0, false},
};

static const struct option_name socket_mode_names[] = {
    {"0600", 0600, false}, {"0660", 0660, false}, {"0666", 0666, false}, {"600", 0600, true},
    {"660", 0660, true},   {"666", 0666, true},   {NULL, 0, false},
};

#define FIELD(key_, type_, field_, default_, flags_)                                                       \
    .key = (key_), .type = (type_), .offset = offsetof(struct config, field_), .default_text = (default_), \
    .flags = (flags_)
#define INT(key_, field_, default_, min_, max_, unit_, flags_, summary_)                                  \
    {                                                                                                     \
        FIELD(key_, OPTION_INT, field_, default_, flags_), .min = (min_), .max = (max_), .unit = (unit_), \
                                                           .summary = (summary_)                          \
    }
#define ENUM(key_, field_, default_, names_, flags_, summary_)                                       \
    {                                                                                                \
        FIELD(key_, OPTION_ENUM, field_, default_, flags_), .names = (names_), .summary = (summary_) \
    }
#define PLAIN(key_, type_, field_, default_, flags_, summary_)              \
    {                                                                       \
        FIELD(key_, type_, field_, default_, flags_), .summary = (summary_) \
    }
#define BOOL(key_, field_, default_, flags_, summary_)   PLAIN(key_, OPTION_BOOL, field_, default_, flags_, summary_)
#define STRING(key_, field_, default_, flags_, summary_) PLAIN(key_, OPTION_STRING, field_, default_, flags_, summary_)
#define HOST_PORT(key_, field_, default_, flags_, summary_) \
    PLAIN(key_, OPTION_HOST_PORT, field_, default_, flags_, summary_)
#define CIDR_LIST(key_, field_, default_, flags_, summary_) \
    PLAIN(key_, OPTION_CIDR_LIST, field_, default_, flags_, summary_)
#define LIST(key_, field_, default_, flags_, summary_) PLAIN(key_, OPTION_LIST, field_, default_, flags_, summary_)

/* clang-format off: one option after the other, groups together (a group's keys must be neighbours). */
const struct option option_table[] = {
    INT("start_delay", start_delay, "0", 0, YEAR_S, "seconds", OPTION_REFERENCE,
        "How long to wait before ProxySQL is first talked to; probes are answered meanwhile."),
    ENUM("run_mode", run_mode, "", run_mode_names, OPTION_REFERENCE,
         "What this agent does. Without one it says so and exits with status 0."),
    ENUM("log.level", log.level, "INFO", log_level_names, OPTION_REFERENCE | OPTION_RELOAD | OPTION_TOLERANT,
         "The least important lines to write."),
    ENUM("log.format", log.format, "text", log_format_names, OPTION_REFERENCE | OPTION_RELOAD | OPTION_TOLERANT,
         "How lines look on standard output: logfmt or one JSON object each."),
    BOOL("log.source", log.source, "false", OPTION_REFERENCE | OPTION_RELOAD,
         "Add the source file and line to each line."),
    BOOL("log.probes", log.probes, "false", OPTION_REFERENCE | OPTION_RELOAD,
         "Write a line for each probe that is answered."),
    HOST_PORT("proxysql.address", proxysql.address, "127.0.0.1:6032", OPTION_REFERENCE,
              "ProxySQL's admin interface. Its port is also the cluster port written into proxysql_servers."),
    STRING("proxysql.username", proxysql.username, "radmin", OPTION_REFERENCE | OPTION_RELOAD,
           "User for the admin interface."),
    STRING("proxysql.password", proxysql.password, "", OPTION_REFERENCE | OPTION_RELOAD | OPTION_SECRET,
           "Password for the admin interface. A flag shows it to every process: use a file or the environment."),
    STRING("proxysql.password_file", proxysql.password_file, "", OPTION_RELOAD,
           "File that holds the password, read again when a login is refused. Goes before proxysql.password."),
    INT("proxysql.pool_size", proxysql.pool_size, "4", 3, 16, "connections", 0, "Admin connections at most."),
    INT("proxysql.connect_timeout_ms", proxysql.connect_timeout_ms, "600", 50, 10000, "milliseconds", OPTION_RELOAD,
        "Total time for connecting to the admin interface, login included."),
    INT("proxysql.query_timeout_ms", proxysql.query_timeout_ms, "5000", 100, 60000, "milliseconds", OPTION_RELOAD,
        "Total time for one admin statement."),
    HOST_PORT("proxysql.traffic_address", proxysql.traffic_address, "127.0.0.1:6033", 0,
              "Where ProxySQL serves clients, asked for a greeting when its admin interface cannot tell the address."),
    ENUM("proxysql.tls.mode", proxysql.tls.mode, "disabled", tls_mode_names, OPTION_RELOAD,
         "TLS to the admin interface: none, encrypted, or encrypted with the certificate verified."),
    STRING("proxysql.tls.ca_file", proxysql.tls.ca_file, "", OPTION_RELOAD,
           "CA certificates (PEM) that verify ProxySQL's; without it the system's are used."),
    STRING("proxysql.tls.cert_file", proxysql.tls.cert_file, "", OPTION_RELOAD,
           "Certificate (PEM) to show to ProxySQL; needs proxysql.tls.key_file."),
    STRING("proxysql.tls.key_file", proxysql.tls.key_file, "", OPTION_RELOAD,
           "Private key (PEM) of proxysql.tls.cert_file."),
    INT("core.interval", core.interval, "10", 1, YEAR_S, "seconds", OPTION_REFERENCE | OPTION_RELOAD,
        "How often a core compares the cluster's members with the pods, or asks DNS."),
    ENUM("core.discovery", core.discovery, "kubernetes", discovery_names, 0,
         "Where a core learns who the cores are: the API server, DNS (core.bootstrap_hostname) or core.peers."),
    LIST("core.peers", core.peers, "", 0,
         "The cores for core.discovery static: address or address:port each, the own one among them."),
    STRING("core.podselector.namespace", core.podselector.namespace, "proxysql", OPTION_REFERENCE,
           "Namespace of the cluster's pods."),
    STRING("core.podselector.app", core.podselector.app, "proxysql", OPTION_REFERENCE,
           "Value of the label app on the cluster's pods."),
    STRING("core.podselector.component", core.podselector.component, "core", OPTION_REFERENCE,
           "Value of the label component on core pods."),
    STRING("core.bootstrap_hostname", core.bootstrap_hostname, "proxysql-core", 0,
           "Name of the service of the cores, as their configuration files have it in proxysql_servers."),
    INT("core.publish_interval_ms", core.publish_interval_ms, "1000", 0, 60000, "milliseconds", OPTION_RELOAD,
        "Changes of pods within this time of the last pass share the next one; the first one acts at once."),
    INT("core.accept_interval", core.accept_interval, "5", 1, 3600, "seconds", OPTION_RELOAD,
        "How often a core publishes its list again at most so that new satellites are accepted."),
    ENUM("core.config_authority", core.config_authority, "file", config_authority_names, OPTION_RELOAD,
         "What a core that has just started loads: its configuration file, or what other cores have loaded already."),
    BOOL("core.leader_election.enabled", core.leader_election.enabled, "false", 0,
         "One core leads and writes the members, by a Lease; without it every core does. For core.discovery "
         "kubernetes."),
    STRING("core.leader_election.lease_name", core.leader_election.lease_name, "proxysql-agent", 0,
           "Name of the Lease, in core.podselector.namespace; each ProxySQL cluster there needs one of its own."),
    INT("core.leader_election.lease_duration", core.leader_election.lease_duration, "15", 2, 3600, "seconds", 0,
        "How long followers wait for a leader that renews no more; longer than renew_deadline."),
    INT("core.leader_election.renew_deadline", core.leader_election.renew_deadline, "10", 1, 3600, "seconds", 0,
        "A leader that could not renew its lease for so long writes no more; longer than retry_period."),
    INT("core.leader_election.retry_period", core.leader_election.retry_period, "2", 1, 3600, "seconds", 0,
        "How often the leader renews the lease, and the others look at it."),
    STRING("kubernetes.api_server", kubernetes.api_server, "", 0,
           "URL of the Kubernetes API server (https, or http to loopback); empty = as a pod finds it."),
    STRING("kubernetes.token_file", kubernetes.token_file, "/var/run/secrets/kubernetes.io/serviceaccount/token", 0,
           "File that holds the token for the API server, read again before every request; empty = none is sent."),
    STRING("kubernetes.ca_file", kubernetes.ca_file, "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", 0,
           "CA certificates (PEM) that the API server's certificate must come from; no others are trusted."),
    INT("satellite.interval", satellite.interval, "10", 1, YEAR_S, "seconds", OPTION_REFERENCE | OPTION_RELOAD,
        "How often a satellite looks for cores it has lost."),
    INT("satellite.missing_after", satellite.missing_after, "10", 1, 3600, "seconds", OPTION_RELOAD,
        "A core that was not checked successfully for longer than this, twice, may be missing."),
    LIST("interfaces", interfaces, "", OPTION_REFERENCE | OPTION_RELOAD | OPTION_HIDDEN | OPTION_UNUSED,
         "Accepted so that existing files go on working; nothing reads it."),
    INT("health.max_age_ms", health.max_age_ms, "500", 0, 10000, "milliseconds", OPTION_RELOAD,
        "A probe is answered from the last health check when it is not older than this."),
    INT("health.wedge_tolerance", health.wedge_tolerance, "300", 0, 86400, "seconds", OPTION_RELOAD,
        "How long a ProxySQL that serves clients but not its admin interface counts as alive; 0 = for ever."),
    INT("health.sync_gate_timeout", health.sync_gate_timeout, "60", 0, 3600, "seconds", OPTION_RELOAD,
        "How long a satellite is not ready for want of its cores' users and servers; 0 = it never waits for them."),
    STRING("api.address", api.address, "", 0, "Address that the HTTP interface listens on; empty = all."),
    INT("api.port", api.port, "8080", 1, 65535, NULL, OPTION_REFERENCE, "Port of the HTTP interface."),
    CIDR_LIST("api.shutdown_allow", api.shutdown_allow, "", OPTION_RELOAD,
              "Who may use /shutdown (empty = everybody) and POST /api/v1/* (empty = nobody without the token)."),
    STRING("api.token_file", api.token_file, "", OPTION_RELOAD,
           "File that holds the bearer token, read at each use; /shutdown needs it then, POST /api/v1/* takes it."),
    BOOL("api.http2", api.http2, "true", 0, "Serve HTTP/2 beside HTTP/1.1, in clear text (h2c) and over TLS."),
    INT("api.max_connections", api.max_connections, "128", 8, 4096, "connections", 0,
        "HTTP connections at most; one more ends the one idle longest, of the address that has the most."),
    STRING("api.tls.cert_file", api.tls.cert_file, "", 0,
           "Certificate (PEM, with its chain) for HTTPS, read again when it changes; needs api.tls.key_file."),
    STRING("api.tls.key_file", api.tls.key_file, "", 0,
           "Private key (PEM) of api.tls.cert_file. With both the port serves HTTPS only."),
    STRING("control.socket", control.socket, "", 0,
           "Unix socket that proxysql-agentctl talks to; empty = /run/proxysql-agent/agent.sock, else "
           "proxysql-agent-UID/agent.sock in TMPDIR or /tmp."),
    ENUM("control.mode", control.mode, "0660", socket_mode_names, 0,
         "Who may connect to it: the mode of its file. Changes are for uid 0 and the agent's own user alone."),
    INT("workers.count", workers.count, "4", 3, 16, "threads", 0, "Threads that run jobs."),
    STRING("dump.dir", dump.dir, "", OPTION_RELOAD,
           "Folder for dumped files; empty = a new one under $TMPDIR or /tmp for each dump."),
    STRING("dump.output", dump.output, "", 0,
           "\"-\" in run_mode dump: write to standard output, and the log to standard error. Empty = files."),
    ENUM("dump.format", dump.format, "csv", dump_format_names, OPTION_RELOAD, "How rows are written."),
    ENUM("dump.compress", dump.compress, "none", dump_compress_names, OPTION_RELOAD, "How files are compressed."),
    BOOL("dump.reset", dump.reset, "false", OPTION_RELOAD,
         "Take what is dumped out of ProxySQL's statistics, in the same statement."),
    INT("dump.max_bytes", dump.max_bytes, "0", 0, INT64_C(1) << 50, "bytes", OPTION_RELOAD,
        "A file that would grow beyond this fails the dump; 0 = any size."),
    STRING("dump.upload_url", dump.upload_url, "", OPTION_RELOAD | OPTION_SECRET,
           "Where each file is PUT: an https URL; %h is the host, %t the time, %n the namespace, %k the file's kind."),
    STRING("dump.upload.sigv4", dump.upload.sigv4, "", OPTION_RELOAD,
           "Sign uploads (AWS signature 4): aws:amz:REGION:SERVICE, for instance aws:amz:eu-west-1:s3."),
    STRING("dump.upload.access_key_file", dump.upload.access_key_file, "", OPTION_RELOAD,
           "File that holds the access key of the signature, read before each upload."),
    STRING("dump.upload.secret_key_file", dump.upload.secret_key_file, "", OPTION_RELOAD,
           "File that holds the secret key of the signature, read before each upload."),
    STRING("dump.upload.session_token_file", dump.upload.session_token_file, "", OPTION_RELOAD,
           "File that holds the session token of temporary keys; empty = none."),
    STRING("dump.upload.ca_file", dump.upload.ca_file, "", OPTION_RELOAD,
           "CA certificates (PEM) that the upload's server must come from; empty = the system's."),
    INT("dump.upload.attempts", dump.upload.attempts, "5", 1, 100, "attempts", OPTION_RELOAD,
        "How often an upload is tried when it is cut or answered with 408, 429 or 5xx."),
    BOOL("dump.upload.keep_file", dump.upload.keep_file, "false", OPTION_RELOAD,
         "Keep a file that was uploaded; one that was not is always kept."),
    STRING("shutdown.draining_file", shutdown.draining_file, "/var/lib/proxysql/draining", OPTION_REFERENCE,
           "File that marks this pod as draining; it makes readiness fail."),
    INT("shutdown.drain_timeout", shutdown.drain_timeout, "30", 0, YEAR_S, "seconds", OPTION_REFERENCE | OPTION_RELOAD,
        "How long a drain waits for clients to leave, shutdown.pause_delay included; who is left then is cut."),
    INT("shutdown.shutdown_timeout", shutdown.shutdown_timeout, "60", 0, YEAR_S, "seconds",
        OPTION_REFERENCE | OPTION_RELOAD,
        "Total time for a shutdown: the drain, the end of ProxySQL and of the agent. Less than 2 s is taken as 2 s."),
    INT("shutdown.pause_delay", shutdown.pause_delay, "5", 0, 3600, "seconds", OPTION_RELOAD,
        "How long a shutdown still accepts clients while the balancers learn; a third of drain_timeout at most."),
    INT("shutdown.maintenance_delay", shutdown.maintenance_delay, "20", 0, 3600, "seconds", OPTION_RELOAD,
        "The same for a maintenance, of which the balancers learn by readiness only; drain_timeout counts after it."),
    BOOL("shutdown.drain_on_signal", shutdown.drain_on_signal, "true", OPTION_RELOAD,
         "SIGTERM, SIGINT and SIGQUIT drain and stop ProxySQL too; false = the agent ends alone, ProxySQL goes on."),
    BOOL("shutdown.close_idle", shutdown.close_idle, "true", OPTION_RELOAD,
         "Close client sessions that are idle and hold nothing while draining; false = only wait for them."),
};
/* clang-format on */

const size_t option_count = ARRAY_LEN(option_table);
static_assert(ARRAY_LEN(option_table) <= OPTION_COUNT_MAX, "raise OPTION_COUNT_MAX");

int option_find(const char *key, bool any_case)
{
    for (size_t i = 0; i < option_count; i++) {
        const char *known = option_table[i].key;
        if ((any_case ? strcasecmp(known, key) : strcmp(known, key)) == 0)
            return (int)i;
    }
    return -1;
}

int option_find_group(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < option_count; i++) {
        if (strncasecmp(option_table[i].key, key, len) == 0 && option_table[i].key[len] == '.')
            return (int)i;
    }
    return -1;
}

/* Further away than a third of the text it is a guess that misleads. */
static unsigned nearest_limit(const char *text)
{
    size_t len = strlen(text);
    return len < OPTION_KEY_MAX ? (unsigned)len / 3 + 2 : 0;
}

/* Keep a candidate (the first len bytes of known) when it is nearer than the best so far. */
static void consider(const char *key, const char *known, size_t len, unsigned *best, const char **ret_known,
                     size_t *ret_len)
{
    char candidate[OPTION_KEY_MAX];
    memcpy(candidate, known, len);
    candidate[len] = '\0';
    unsigned distance = str_distance(key, candidate);
    if (distance >= *best)
        return;
    *best = distance;
    *ret_known = known;
    *ret_len = len;
}

const char *option_nearest(const char *key, bool groups, size_t *ret_len)
{
    unsigned best = nearest_limit(key);
    const char *nearest = NULL;
    for (size_t i = 0; i < option_count; i++) {
        const char *known = option_table[i].key;
        for (const char *dot = groups ? strchr(known, '.') : NULL; dot != NULL; dot = strchr(dot + 1, '.'))
            consider(key, known, (size_t)(dot - known), &best, &nearest, ret_len);
        consider(key, known, strlen(known), &best, &nearest, ret_len);
    }
    return nearest;
}

void option_env_name(const struct option *option, char ret_name[OPTION_ENV_MAX])
{
    (void)snprintf(ret_name, OPTION_ENV_MAX, "AGENT_%s", option->key);
    for (char *c = ret_name; *c != '\0'; c++)
        *c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

int option_find_env(const char *name)
{
    for (size_t i = 0; i < option_count; i++) {
        char known[OPTION_ENV_MAX];
        option_env_name(&option_table[i], known);
        if (strcmp(known, name) == 0)
            return (int)i;
    }
    return -1;
}

const struct option *option_nearest_env(const char *name)
{
    unsigned best = nearest_limit(name);
    const struct option *nearest = NULL;
    for (size_t i = 0; i < option_count; i++) {
        char known[OPTION_ENV_MAX];
        option_env_name(&option_table[i], known);
        unsigned distance = str_distance(name, known);
        if (distance < best) {
            best = distance;
            nearest = &option_table[i];
        }
    }
    return nearest;
}

static void allowed_names(const struct option_name *names, char ret_text[OPTION_ALLOWED_MAX])
{
    size_t used = 0;
    ret_text[0] = '\0';
    for (const struct option_name *n = names; n->name != NULL && used < OPTION_ALLOWED_MAX; n++) {
        if (n->alias)
            continue;
        used += (size_t)snprintf(ret_text + used, OPTION_ALLOWED_MAX - used, "%s%s", used == 0 ? "" : ", ", n->name);
    }
}

void option_allowed(const struct option *option, char ret_text[OPTION_ALLOWED_MAX])
{
    switch (option->type) {
    case OPTION_INT:
        (void)snprintf(ret_text, OPTION_ALLOWED_MAX, "%lld to %lld", (long long)option->min, (long long)option->max);
        return;
    case OPTION_BOOL:
        (void)snprintf(ret_text, OPTION_ALLOWED_MAX, "true, false");
        return;
    case OPTION_ENUM:
        allowed_names(option->names, ret_text);
        return;
    case OPTION_HOST_PORT:
        (void)snprintf(ret_text, OPTION_ALLOWED_MAX, "host:port or [IPv6]:port");
        return;
    case OPTION_CIDR_LIST:
        (void)snprintf(ret_text, OPTION_ALLOWED_MAX, "IP networks (10.0.0.0/8, 2001:db8::/32) or addresses");
        return;
    case OPTION_STRING:
    case OPTION_LIST:
        ret_text[0] = '\0';
        return;
    }
}
