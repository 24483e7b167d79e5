#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/compiler.h"
#include "shared/error.h"
#include "tests/fakes/proxysql/accounts.h"
#include "tests/fakes/proxysql/database.h"
#include "tests/fakes/proxysql/faults.h"
#include "tests/fakes/proxysql/gate.h"
#include "tests/fakes/proxysql/statement_log.h"
#include "tests/fakes/proxysql/traffic_server.h"

/*
 * One ProxySQL: its database behind the gate, who may log in, its traffic port, its faults. The admin and control
 * servers work on it; it knows neither.
 */
struct node {
    const char *version; /* what SELECT @@version says */
    struct gate gate;
    struct database db; /* touched only inside the gate, or by control while nothing runs */
    struct accounts accounts;
    struct statement_log statements;
    struct faults faults;
    struct traffic_server *traffic;
    atomic_llong boot_ms; /* monotonic; moved by the uptime knob */
    atomic_uint next_session_id;
};

struct node_options {
    const char *version;
    const char *admin_credentials;
    const char *authentication_plugin;
    const char *admin_interface;   /* shown in admin-mysql_ifaces */
    const char *traffic_interface; /* shown in mysql-interfaces */
    const char *init_sql;          /* edits the memory tables before the first load; NULL = nothing */
};

/* A running node without its servers: everything loaded to runtime as version 1. The options' texts stay the
 * caller's; version must outlive the node. node_fini() in every case. */
MUST_CHECK int node_init(struct node *node, const struct node_options *options, struct traffic_server *traffic,
                         struct error *err);
void node_fini(struct node *node);

/* Take logins and the greeting from the runtime variables again. Inside the gate. */
void node_apply_variables(struct node *node);

int64_t node_uptime_s(struct node *node);
