#include "tests/fakes/proxysql/node.h"

#include <stdlib.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/modules.h"

static void set_variable(struct database *db, const char *name, const char *value)
{
    database_mustf(db, "UPDATE main.global_variables SET variable_value = %Q WHERE variable_name = %Q", value, name);
}

int node_init(struct node *node, const struct node_options *options, struct traffic_server *traffic, struct error *err)
{
    node->version = options->version;
    node->traffic = traffic;
    atomic_store(&node->boot_ms, clock_mono_ms());
    gate_init(&node->gate);
    accounts_init(&node->accounts);
    statement_log_init(&node->statements);
    int r = database_init(&node->db, "node", err);
    if (r < 0)
        return r;
    set_variable(&node->db, "admin-version", options->version);
    set_variable(&node->db, "admin-admin_credentials", options->admin_credentials);
    set_variable(&node->db, "admin-mysql_ifaces", options->admin_interface);
    set_variable(&node->db, "mysql-interfaces", options->traffic_interface);
    set_variable(&node->db, "mysql-default_authentication_plugin", options->authentication_plugin);
    if (options->init_sql != NULL) {
        r = database_run(&node->db, options->init_sql, err);
        if (r < 0)
            return error_wrap(err, "initial configuration");
    }
    modules_start(&node->db);
    node_apply_variables(node);
    return 0;
}

void node_fini(struct node *node)
{
    database_fini(&node->db);
    statement_log_fini(&node->statements);
    accounts_fini(&node->accounts);
    gate_fini(&node->gate);
}

static char *runtime_variable(struct node *node, const char *name)
{
    cleanup_free char *sql =
        xasprintf("SELECT variable_value FROM live.global_variables WHERE variable_name = '%s'", name);
    char *value = database_text(&node->db, sql);
    return value != NULL ? value : xstrdup("");
}

void node_apply_variables(struct node *node)
{
    cleanup_free char *admins = runtime_variable(node, "admin-admin_credentials");
    cleanup_free char *readers = runtime_variable(node, "admin-stats_credentials");
    cleanup_free char *plugin = runtime_variable(node, "mysql-default_authentication_plugin");
    cleanup_free char *version = runtime_variable(node, "mysql-server_version");
    accounts_set(&node->accounts, admins, readers, plugin, version);
}

int64_t node_uptime_s(struct node *node)
{
    return (clock_mono_ms() - atomic_load(&node->boot_ms)) / 1000;
}
