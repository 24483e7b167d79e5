#include "tests/fakes/proxysql/modules.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "tests/fakes/proxysql/config_file.h"

struct module_checksum {
    const char *name;
    const char *query; /* the rows it covers */
};

struct module {
    const char *command; /* as it stands in LOAD <command> TO RUNTIME */
    const char *section; /* in the configuration file */
    bool variables;
    const char *to_runtime;
    const char *to_memory;
    const char *to_disk;
    const char *from_disk;
    struct module_checksum checksums[2]; /* name NULL = none; a pull is decided by the last one */
    struct modules_pull pull;
};

#define COPY_TABLE(to, from, table) \
    "DELETE FROM " to "." table ";" \
    "INSERT INTO " to "." table " SELECT * FROM " from "." table ";"
/* The tables of MYSQL SERVERS and MYSQL QUERY RULES beside the one that gives them their name. No checksum covers them
 * here and no peer pulls them. */
#define COPY_MORE_SERVER_TABLES(to, from)                      \
    COPY_TABLE(to, from, "mysql_replication_hostgroups")       \
    COPY_TABLE(to, from, "mysql_group_replication_hostgroups") \
    COPY_TABLE(to, from, "mysql_galera_hostgroups")            \
    COPY_TABLE(to, from, "mysql_aws_aurora_hostgroups")        \
    COPY_TABLE(to, from, "mysql_servers_ssl_params")           \
    COPY_TABLE(to, from, "mysql_hostgroup_attributes")
#define COPY_FAST_ROUTING(to, from) COPY_TABLE(to, from, "mysql_query_rules_fast_routing")
#define COPY_VARIABLES(to, from, prefix)                                                                             \
    "REPLACE INTO " to ".global_variables SELECT * FROM " from ".global_variables WHERE variable_name LIKE '" prefix \
    "-%'"

/* A module's rows as its checksum covers them and as peers read them (include/ProxySQL_Cluster.hpp). */
#define SERVER_COLUMNS                                                                                             \
    "hostgroup_id, hostname, port, gtid_port, status, weight, compression, max_connections, max_replication_lag, " \
    "use_ssl, max_latency_ms, comment"
#define SELECT_SERVERS(table) \
    "SELECT " SERVER_COLUMNS " FROM " table " WHERE status<>'OFFLINE_HARD' ORDER BY hostgroup_id, hostname, port"
#define USER_COLUMNS_BEFORE                                                                                           \
    "username, password, active, use_ssl, default_hostgroup, default_schema, schema_locked, transaction_persistent, " \
    "fast_forward"
#define USER_COLUMNS_AFTER  "max_connections, attributes, comment"
#define USER_COLUMNS        USER_COLUMNS_BEFORE ", backend, frontend, " USER_COLUMNS_AFTER
#define SELECT_USERS(table) "SELECT " USER_COLUMNS " FROM " table " ORDER BY username, backend"
/* A frontend and a backend user of one name are one row of memory. */
#define JOIN_USERS                                                                           \
    "UPDATE OR REPLACE main.mysql_users SET frontend = 1 WHERE backend = 1 AND username IN " \
    "(SELECT username FROM main.mysql_users WHERE backend = 0 AND frontend = 1);"
#define SELECT_RULES(table) "SELECT * FROM " table " ORDER BY rule_id"
#define PEER_COLUMNS        "hostname, port, weight, comment"
#define SELECT_PEERS(table) "SELECT " PEER_COLUMNS " FROM " table " ORDER BY hostname, port"
/* Variables that belong to one node are neither compared nor copied (include/proxysql_glovars.hpp). */
#define OWN_MYSQL_VARIABLES "('mysql-threads', 'mysql-interfaces')"
#define OWN_ADMIN_VARIABLES                                                                               \
    "('admin-mysql_ifaces','admin-restapi_port','admin-telnet_admin_ifaces','admin-telnet_stats_ifaces'," \
    "'admin-web_port')"
#define WHERE_VARIABLES(prefix, own) " WHERE variable_name LIKE '" prefix "-%' AND variable_name NOT IN " own
#define SELECT_VARIABLES(table, prefix, own) \
    "SELECT variable_name, variable_value FROM " table WHERE_VARIABLES(prefix, own) " ORDER BY variable_name"

static const struct module modules[] = {
    {
        .command = "MYSQL SERVERS",
        .section = "mysql_servers",
        .to_runtime =
            COPY_TABLE("live", "main", "mysql_servers") "DELETE FROM live.mysql_servers_v2;"
                                                        "INSERT INTO live.mysql_servers_v2 SELECT * FROM "
                                                        "main.mysql_servers;" COPY_MORE_SERVER_TABLES("live", "main"),
        .to_memory = COPY_TABLE("main", "live", "mysql_servers") COPY_MORE_SERVER_TABLES("main", "live"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_servers") COPY_MORE_SERVER_TABLES("disk", "main"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_servers") COPY_MORE_SERVER_TABLES("main", "disk"),
        .checksums = {{"mysql_servers", SELECT_SERVERS("live.mysql_servers")},
                      {"mysql_servers_v2", SELECT_SERVERS("live.mysql_servers_v2")}},
        .pull = {"PROXY_" SELECT_SERVERS("mysql_servers_v2"), "DELETE FROM main.mysql_servers",
                 "INSERT INTO main.mysql_servers (" SERVER_COLUMNS ") VALUES", ""},
    },
    {
        .command = "MYSQL USERS",
        .section = "mysql_users",
        /* ProxySQL keeps a frontend and a backend user apart; one row of memory becomes two of runtime. */
        .to_runtime = "DELETE FROM live.mysql_users;"
                      "INSERT INTO live.mysql_users SELECT " USER_COLUMNS_BEFORE ", 0, 1, " USER_COLUMNS_AFTER
                      " FROM main.mysql_users WHERE active = 1 AND frontend = 1;"
                      "INSERT INTO live.mysql_users SELECT " USER_COLUMNS_BEFORE ", 1, 0, " USER_COLUMNS_AFTER
                      " FROM main.mysql_users WHERE active = 1 AND backend = 1;",
        .to_memory = COPY_TABLE("main", "live", "mysql_users"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_users"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_users"),
        .checksums = {{"mysql_users", SELECT_USERS("live.mysql_users")}},
        .pull = {"PROXY_" SELECT_USERS("runtime_mysql_users"), "DELETE FROM main.mysql_users",
                 "INSERT INTO main.mysql_users (" USER_COLUMNS ") VALUES", JOIN_USERS},
    },
    {
        .command = "MYSQL QUERY RULES",
        .section = "mysql_query_rules",
        .to_runtime = "DELETE FROM live.mysql_query_rules;"
                      "INSERT INTO live.mysql_query_rules SELECT * FROM main.mysql_query_rules WHERE active = "
                      "1;" COPY_FAST_ROUTING("live", "main"),
        .to_memory = COPY_TABLE("main", "live", "mysql_query_rules") COPY_FAST_ROUTING("main", "live"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_query_rules") COPY_FAST_ROUTING("disk", "main"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_query_rules") COPY_FAST_ROUTING("main", "disk"),
        .checksums = {{"mysql_query_rules", SELECT_RULES("live.mysql_query_rules")}},
        .pull = {"PROXY_" SELECT_RULES("runtime_mysql_query_rules"), "DELETE FROM main.mysql_query_rules",
                 "INSERT INTO main.mysql_query_rules VALUES", ""},
    },
    {
        .command = "PROXYSQL SERVERS",
        .section = "proxysql_servers",
        .to_runtime = COPY_TABLE("live", "main", "proxysql_servers"),
        .to_memory = COPY_TABLE("main", "live", "proxysql_servers"),
        .to_disk = COPY_TABLE("disk", "main", "proxysql_servers"),
        .from_disk = COPY_TABLE("main", "disk", "proxysql_servers"),
        .checksums = {{"proxysql_servers", SELECT_PEERS("live.proxysql_servers")}},
        .pull = {SELECT_PEERS("runtime_proxysql_servers"), "DELETE FROM main.proxysql_servers",
                 "INSERT INTO main.proxysql_servers (" PEER_COLUMNS ") VALUES", ""},
    },
    {
        .command = "MYSQL VARIABLES",
        .section = "mysql_variables",
        .variables = true,
        .to_runtime = COPY_VARIABLES("live", "main", "mysql"),
        .to_memory = COPY_VARIABLES("main", "live", "mysql"),
        .to_disk = COPY_VARIABLES("disk", "main", "mysql"),
        .from_disk = COPY_VARIABLES("main", "disk", "mysql"),
        .checksums = {{"mysql_variables", SELECT_VARIABLES("live.global_variables", "mysql", OWN_MYSQL_VARIABLES)}},
        .pull = {SELECT_VARIABLES("runtime_global_variables", "mysql", OWN_MYSQL_VARIABLES),
                 "DELETE FROM main.global_variables" WHERE_VARIABLES("mysql", OWN_MYSQL_VARIABLES),
                 "INSERT INTO main.global_variables VALUES", ""},
    },
    {
        .command = "ADMIN VARIABLES",
        .section = "admin_variables",
        .variables = true,
        .to_runtime = COPY_VARIABLES("live", "main", "admin"),
        .to_memory = COPY_VARIABLES("main", "live", "admin"),
        .to_disk = COPY_VARIABLES("disk", "main", "admin"),
        .from_disk = COPY_VARIABLES("main", "disk", "admin"),
        .checksums = {{"admin_variables", SELECT_VARIABLES("live.global_variables", "admin", OWN_ADMIN_VARIABLES)}},
        .pull = {SELECT_VARIABLES("runtime_global_variables", "admin", OWN_ADMIN_VARIABLES),
                 "DELETE FROM main.global_variables" WHERE_VARIABLES("admin", OWN_ADMIN_VARIABLES),
                 "INSERT INTO main.global_variables VALUES", ""},
    },
};

/* Where a command's tail leads; SAVE ... TO MEMORY and LOAD ... TO MEMORY are two different things. */
enum copy { COPY_TO_RUNTIME, COPY_TO_MEMORY, COPY_TO_DISK, COPY_FROM_DISK, COPY_FROM_CONFIG };

static const struct tail {
    const char *verb;
    const char *tail;
    enum copy copy;
} tails[] = {
    {"LOAD ", " TO RUNTIME", COPY_TO_RUNTIME},   {"LOAD ", " TO RUN", COPY_TO_RUNTIME},
    {"LOAD ", " FROM MEMORY", COPY_TO_RUNTIME},  {"LOAD ", " FROM MEM", COPY_TO_RUNTIME},
    {"SAVE ", " TO MEMORY", COPY_TO_MEMORY},     {"SAVE ", " TO MEM", COPY_TO_MEMORY},
    {"SAVE ", " FROM RUNTIME", COPY_TO_MEMORY},  {"SAVE ", " FROM RUN", COPY_TO_MEMORY},
    {"SAVE ", " TO DISK", COPY_TO_DISK},         {"SAVE ", " FROM MEMORY", COPY_TO_DISK},
    {"SAVE ", " FROM MEM", COPY_TO_DISK},        {"LOAD ", " FROM DISK", COPY_FROM_DISK},
    {"LOAD ", " TO MEMORY", COPY_FROM_DISK},     {"LOAD ", " TO MEM", COPY_FROM_DISK},
    {"LOAD ", " FROM CONFIG", COPY_FROM_CONFIG},
};

/* A LOAD TO RUNTIME is a new version with a new epoch, also when nothing changed. from_peer NULL = it was not pulled.
 */
static void load_to_runtime(struct node *node, const struct module *module, const struct checksum *from_peer)
{
    database_must(&node->db, module->to_runtime);
    for (size_t i = 0; i < ARRAY_LEN(module->checksums); i++) {
        const struct module_checksum *sum = &module->checksums[i];
        if (sum->name == NULL)
            continue;
        char text[CHECKSUM_TEXT_SIZE];
        checksum_format(database_checksum(&node->db, sum->query), text);
        checksums_stamp(&node->checksums, sum->name, text, from_peer != NULL ? from_peer->text : NULL,
                        from_peer != NULL ? from_peer->epoch : 0);
    }
    if (module->variables)
        node_apply_variables(node);
    if (strcmp(module->section, "proxysql_servers") == 0)
        node_apply_peers(node);
}

int modules_read(struct node *node, struct error *err)
{
    if (node->db.disk_existed) {
        for (size_t i = 0; i < ARRAY_LEN(modules); i++)
            database_must(&node->db, modules[i].from_disk);
        return 0;
    }
    uint64_t rows = 0;
    for (size_t i = 0; node->config_path != NULL && i < ARRAY_LEN(modules); i++) {
        int r = config_file_load(node->config_path, modules[i].section, &node->db, &rows, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void modules_save(struct node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(modules); i++)
        database_must(&node->db, modules[i].to_disk);
}

void modules_start(struct node *node)
{
    for (size_t i = 0; i < ARRAY_LEN(modules); i++)
        load_to_runtime(node, &modules[i], NULL);
}

static int load_from_config(struct node *node, const struct module *module, uint64_t *ret_rows, struct error *err)
{
    if (node->config_path == NULL)
        return error_set(err, -ENOENT, "Config file unknown");
    struct error why = ERROR_INIT;
    if (config_file_load(node->config_path, module->section, &node->db, ret_rows, &why) < 0)
        return error_set(err, why.code, "Unable to open or parse config file %s", node->config_path);
    return 0;
}

static int copy(struct node *node, const struct module *module, enum copy what, uint64_t *ret_rows, struct error *err)
{
    *ret_rows = 0;
    switch (what) {
    case COPY_TO_RUNTIME:
        load_to_runtime(node, module, NULL);
        break;
    case COPY_TO_MEMORY:
        database_must(&node->db, module->to_memory);
        break;
    case COPY_TO_DISK:
        database_must(&node->db, module->to_disk);
        break;
    case COPY_FROM_DISK:
        database_must(&node->db, module->from_disk);
        break;
    case COPY_FROM_CONFIG:
        return load_from_config(node, module, ret_rows, err);
    }
    return 0;
}

enum modules_result modules_command(struct node *node, const char *command, uint64_t *ret_rows, struct error *err)
{
    const size_t verb_len = strlen("LOAD ");
    if (strncasecmp(command, "LOAD ", verb_len) != 0 && strncasecmp(command, "SAVE ", verb_len) != 0)
        return MODULES_NOT_MINE;
    for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
        size_t name_len = strlen(modules[i].command);
        if (strncasecmp(command + verb_len, modules[i].command, name_len) != 0)
            continue;
        for (size_t t = 0; t < ARRAY_LEN(tails); t++)
            if (strncasecmp(command, tails[t].verb, verb_len) == 0 &&
                strcasecmp(command + verb_len + name_len, tails[t].tail) == 0)
                return copy(node, &modules[i], tails[t].copy, ret_rows, err) == 0 ? MODULES_DONE : MODULES_FAILED;
    }
    return MODULES_NOT_MINE;
}

static const struct module *find_pulled(int which)
{
    for (size_t i = 0; i < ARRAY_LEN(modules); i++) {
        const struct module_checksum *last = &modules[i].checksums[modules[i].checksums[1].name != NULL];
        if (strcmp(last->name, checksum_names[which]) == 0)
            return &modules[i];
    }
    return NULL;
}

const struct modules_pull *modules_pull(int which)
{
    const struct module *module = find_pulled(which);
    return module != NULL ? &module->pull : NULL;
}

void modules_load_pulled(struct node *node, int which, const struct checksum *from_peer, bool save_to_disk)
{
    const struct module *module = find_pulled(which);
    load_to_runtime(node, module, from_peer);
    if (save_to_disk)
        database_must(&node->db, module->to_disk);
}
