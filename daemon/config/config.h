#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/log.h"

/*
 * The settings of one agent, as validated by load.h. Whole seconds where the key has no unit, milliseconds
 * where it ends in _ms. Strings are never NULL: "" = not set. Read-only once loaded, so any thread may read it.
 * live.h says how a running agent's settings are read. The option table (options.c) documents every key.
 */
enum run_mode { RUN_MODE_NONE, RUN_MODE_CORE, RUN_MODE_SATELLITE, RUN_MODE_DUMP };
enum config_authority { CONFIG_AUTHORITY_FILE, CONFIG_AUTHORITY_CLUSTER };
enum dump_format { DUMP_FORMAT_CSV, DUMP_FORMAT_JSONL };
enum dump_compress { DUMP_COMPRESS_NONE, DUMP_COMPRESS_GZIP };
enum discovery_kind { DISCOVERY_KUBERNETES, DISCOVERY_DNS, DISCOVERY_STATIC };
enum tls_mode { TLS_MODE_DISABLED, TLS_MODE_REQUIRED, TLS_MODE_VERIFY };

struct string_list {
    char **items; /* NULL while count is 0 */
    size_t count;
};

struct config {
    int64_t start_delay;
    int run_mode; /* enum run_mode */
    struct {
        int level;  /* enum log_level */
        int format; /* enum log_format */
        bool source;
        bool probes;
    } log;
    struct {
        char *address; /* host:port of the admin interface */
        char *username;
        char *password;
        char *password_file;
        int64_t pool_size;
        int64_t connect_timeout_ms;
        int64_t query_timeout_ms;
        char *traffic_address; /* host:port */
        struct {
            int mode; /* enum tls_mode */
            char *ca_file;
            char *cert_file;
            char *key_file;
        } tls;
    } proxysql;
    struct {
        int64_t interval;
        int discovery;            /* enum discovery_kind */
        struct string_list peers; /* address or address:port each */
        struct {
            char *namespace;
            char *app;
            char *component;
        } podselector;
        char *bootstrap_hostname; /* the cores' service, as their configuration files name it */
        int64_t publish_interval_ms;
        struct {
            bool enabled;
            char *lease_name;
            int64_t lease_duration;
            int64_t renew_deadline;
            int64_t retry_period;
        } leader_election;
        int64_t accept_interval;
        int config_authority; /* enum config_authority */
    } core;
    struct {
        char *api_server; /* "" = in-cluster */
        char *token_file;
        char *ca_file;
    } kubernetes;
    struct {
        int64_t interval;
        int64_t missing_after;
    } satellite;
    struct string_list interfaces; /* accepted, unused */
    struct {
        int64_t max_age_ms;
        int64_t wedge_tolerance;   /* 0 = for ever */
        int64_t sync_gate_timeout; /* 0 = no gate */
    } health;
    struct {
        char *address; /* "" = every address */
        int64_t port;
        struct string_list shutdown_allow; /* networks */
        char *token_file;                  /* "" = no token */
        bool http2;
        int64_t max_connections;
        struct {
            char *cert_file; /* "" = no TLS */
            char *key_file;
        } tls;
    } api;
    struct {
        char *socket; /* "" = the default places */
        int mode;     /* of the socket's file */
    } control;
    struct {
        int64_t count;
    } workers;
    struct {
        char *dir;    /* "" = a new folder for temporary files */
        char *output; /* "-" = standard output; "" = a file in dir */
        int format;   /* enum dump_format */
        int compress; /* enum dump_compress */
        bool reset;
        int64_t max_bytes; /* 0 = any size */
        char *upload_url;  /* "" = no upload */
        struct {
            char *sigv4;
            char *access_key_file;
            char *secret_key_file;
            char *session_token_file;
            char *ca_file; /* "" = the system's */
            int64_t attempts;
            bool keep_file;
        } upload;
    } dump;
    struct {
        char *draining_file;
        int64_t drain_timeout;
        int64_t shutdown_timeout;
        int64_t pause_delay;
        int64_t maintenance_delay;
        bool close_idle;
        bool drain_on_signal;
    } shutdown;
};
