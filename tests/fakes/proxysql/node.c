#include "tests/fakes/proxysql/node.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/config_file.h"
#include "tests/fakes/proxysql/modules.h"

static void set_variable(struct database *db, const char *name, const char *value)
{
    database_mustf(db, "UPDATE main.global_variables SET variable_value = %Q WHERE variable_name = %Q", value, name);
}

/* Its PostgreSQL module has no clients but those that a test writes down. */
static void create_pgsql_tables(struct node *node)
{
    if (node->version[0] >= '3')
        database_must(&node->db, "CREATE TABLE stats.stats_pgsql_global (Variable_Name VARCHAR NOT NULL PRIMARY KEY, "
                                 "Variable_Value VARCHAR NOT NULL); "
                                 "INSERT INTO stats.stats_pgsql_global VALUES ('Client_Connections_connected', '0'), "
                                 "('Client_Connections_created', '0')");
}

/* What the command line says goes over what is configured. */
static int configure(struct node *node, const struct node_options *options, struct error *err)
{
    set_variable(&node->db, "admin-admin_credentials", "admin:admin;radmin:radmin");
    int r = modules_read(node, err);
    if (r < 0)
        return r;
    set_variable(&node->db, "admin-version", options->version);
    if (options->admin_credentials != NULL)
        set_variable(&node->db, "admin-admin_credentials", options->admin_credentials);
    if (options->authentication_plugin != NULL)
        set_variable(&node->db, "mysql-default_authentication_plugin", options->authentication_plugin);
    return options->init_sql != NULL ? database_run(&node->db, options->init_sql, err) : 0;
}

/* A file that is missing at start is not looked for again (src/main.cpp, configfile_open). */
static int find_config(struct node *node, const char *path, struct error *err)
{
    node->config_path = path;
    int r = path != NULL ? config_file_check(path, err) : 0;
    if (r != -ENOENT)
        return r;
    (void)fprintf(stderr, "fake-proxysql: %s\n", err->text);
    error_clear(err);
    node->config_path = NULL;
    return 0;
}

int node_init(struct node *node, const struct node_options *options, struct error *err)
{
    node->version = options->version;
    atomic_store(&node->boot_ms, clock_mono_ms());
    gate_init(&node->gate);
    accounts_init(&node->accounts);
    checksums_init(&node->checksums);
    statement_log_init(&node->statements);
    trap_init(&node->trap);
    digests_init(&node->digests);
    node->cluster = cluster_new(node);
    int r = find_config(node, options->config_path, err);
    if (r == 0)
        r = database_init(&node->db, "node", options->disk_path, err);
    if (r < 0)
        return error_wrap(err, "initial configuration");
    digests_create(node);
    create_pgsql_tables(node);
    r = configure(node, options, err);
    return r < 0 ? error_wrap(err, "initial configuration") : 0;
}

char *node_interface(struct node *node, const char *variable)
{
    cleanup_free char *sql =
        xasprintf("SELECT variable_value FROM main.global_variables WHERE variable_name = '%s'", variable);
    char *value = database_text(&node->db, sql);
    if (value == NULL)
        return xstrdup("");
    value[strcspn(value, ";")] = '\0';
    return value;
}

void node_start(struct node *node, struct traffic_server *traffic, const char *admin_interface,
                const char *traffic_interface)
{
    node->traffic = traffic;
    set_variable(&node->db, "admin-mysql_ifaces", admin_interface);
    set_variable(&node->db, "mysql-interfaces", traffic_interface);
    if (!node->db.disk_existed)
        modules_save(node);
    modules_start(node);
}

void node_stop(struct node *node)
{
    gate_stop(&node->gate);
    if (node->db.admin != NULL)
        sqlite3_interrupt(node->db.admin);
    if (node->db.stats != NULL)
        sqlite3_interrupt(node->db.stats);
    cluster_stop(node->cluster);
}

void node_fini(struct node *node)
{
    cluster_free(node->cluster);
    database_fini(&node->db);
    trap_fini(&node->trap);
    digests_fini(&node->digests);
    statement_log_fini(&node->statements);
    checksums_fini(&node->checksums);
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

static int64_t runtime_number(struct node *node, const char *name)
{
    cleanup_free char *text = runtime_variable(node, name);
    return strtoll(text, NULL, 10);
}

static void copy_variable(struct node *node, const char *name, char ret_text[static CLUSTER_TEXT_MAX])
{
    cleanup_free char *text = runtime_variable(node, name);
    (void)snprintf(ret_text, CLUSTER_TEXT_MAX, "%s", text);
}

static void apply_cluster_variables(struct node *node)
{
    struct cluster_settings settings = {.check_interval_ms = runtime_number(node, "admin-cluster_check_interval_ms")};
    settings.status_frequency = runtime_number(node, "admin-cluster_check_status_frequency");
    copy_variable(node, "admin-cluster_username", settings.username);
    copy_variable(node, "admin-cluster_password", settings.password);
    copy_variable(node, "admin-mysql_ifaces", settings.interfaces);
    for (int i = 0; i < CHECKSUM_NAMES; i++) {
        /* mysql_servers_v2 has the variables of mysql_servers */
        int name_len =
            (int)(strstr(checksum_names[i], "_v2") != NULL ? strlen("mysql_servers") : strlen(checksum_names[i]));
        cleanup_free char *diffs = xasprintf("admin-cluster_%.*s_diffs_before_sync", name_len, checksum_names[i]);
        cleanup_free char *save = xasprintf("admin-cluster_%.*s_save_to_disk", name_len, checksum_names[i]);
        settings.diffs[i] = (unsigned)runtime_number(node, diffs);
        cleanup_free char *save_value = runtime_variable(node, save);
        settings.save_to_disk[i] = strcmp(save_value, "true") == 0;
    }
    cluster_configure(node->cluster, &settings);
}

void node_apply_variables(struct node *node)
{
    cleanup_free char *admins = runtime_variable(node, "admin-admin_credentials");
    cleanup_free char *readers = runtime_variable(node, "admin-stats_credentials");
    cleanup_free char *plugin = runtime_variable(node, "mysql-default_authentication_plugin");
    cleanup_free char *version = runtime_variable(node, "mysql-server_version");
    accounts_set(&node->accounts, admins, readers, plugin, version);
    traffic_server_set_wait_timeout(node->traffic, runtime_number(node, "mysql-wait_timeout"));
    apply_cluster_variables(node);
}

void node_apply_peers(struct node *node)
{
    char **rows = NULL; /* the first one is the columns' names */
    int count = 0;
    int columns = 0;
    if (sqlite3_get_table(node->db.admin, "SELECT hostname, port, weight, comment FROM live.proxysql_servers", &rows,
                          &count, &columns, NULL) != SQLITE_OK)
        abort();
    cluster_peers_begin(node->cluster);
    for (int i = 1; i <= count; i++) {
        char *const *row = rows + (ptrdiff_t)i * columns;
        cluster_peers_add(node->cluster, row[0], (uint16_t)strtoul(row[1], NULL, 10), strtoll(row[2], NULL, 10),
                          row[3]);
    }
    cluster_peers_end(node->cluster);
    sqlite3_free_table(rows);
}

int64_t node_uptime_s(struct node *node)
{
    return (clock_mono_ms() - atomic_load(&node->boot_ms)) / 1000;
}
