#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/accounts.h"
#include "tests/fakes/proxysql/checksums.h"
#include "tests/fakes/proxysql/database.h"
#include "tests/fakes/proxysql/digests.h"
#include "tests/fakes/proxysql/faults.h"
#include "tests/fakes/proxysql/gate.h"
#include "tests/fakes/proxysql/statement_log.h"
#include "tests/fakes/proxysql/traffic_server.h"
#include "tests/fakes/proxysql/trap.h"

/*
 * One ProxySQL: its database behind the gate, who may log in, its traffic port, its faults. The admin and control
 * servers work on it; it knows neither.
 */
struct cluster;

struct node {
    const char *version;     /* what SELECT @@version says */
    const char *config_path; /* NULL = unknown */
    struct gate gate;
    struct database db; /* touched only inside the gate, or by control while nothing runs */
    struct checksums checksums;
    struct cluster *cluster;
    struct accounts accounts;
    struct statement_log statements;
    struct digests digests;
    struct faults faults;
    struct trap trap;
    struct traffic_server *traffic;
    atomic_llong boot_ms; /* monotonic; moved by the uptime knob */
    atomic_uint next_session_id;
};

struct node_options {
    const char *version;
    const char *config_path;           /* ProxySQL's configuration file, NULL = none */
    const char *disk_path;             /* file of the disk schema, NULL = in memory */
    const char *admin_credentials;     /* NULL = what is configured */
    const char *authentication_plugin; /* NULL = what is configured */
    const char *init_sql;              /* edits the memory tables before the first load; NULL = nothing */
};

/* A node whose memory tables are read from disk or from the configuration file; nothing runs yet. The options' texts
 * stay the caller's; version and config_path must outlive the node. node_fini() in every case. */
MUST_CHECK int node_init(struct node *node, const struct node_options *options, struct error *err);

/* "host:port" of the first interface that a memory variable names. free() it. */
char *node_interface(struct node *node, const char *variable);

/* Load everything to runtime as version 1, cluster checks included. The interfaces are those that were bound. */
void node_start(struct node *node, struct traffic_server *traffic, const char *admin_interface,
                const char *traffic_interface);

/* End what waits for the gate, running statements and the cluster's checks. */
void node_stop(struct node *node);
void node_fini(struct node *node);

/* Take logins, the greeting and the cluster's settings from the runtime variables again. Inside the gate. */
void node_apply_variables(struct node *node);
/* Take the cluster's peers from runtime_proxysql_servers again. Inside the gate. */
void node_apply_peers(struct node *node);

int64_t node_uptime_s(struct node *node);
