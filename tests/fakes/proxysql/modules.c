#include "tests/fakes/proxysql/modules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

struct checksum {
    const char *name;
    const char *query; /* the rows it covers */
};

struct module {
    const char *command; /* as it stands in LOAD <command> TO RUNTIME */
    bool variables;
    const char *to_runtime;
    const char *to_memory;
    const char *to_disk;
    const char *from_disk;
    struct checksum checksums[2]; /* name NULL = none */
};

#define COPY_TABLE(to, from, table) \
    "DELETE FROM " to "." table ";" \
    "INSERT INTO " to "." table " SELECT * FROM " from "." table ";"
#define COPY_VARIABLES(to, from, prefix)                                                                             \
    "REPLACE INTO " to ".global_variables SELECT * FROM " from ".global_variables WHERE variable_name LIKE '" prefix \
    "-%'"
#define CHECKSUM_VARIABLES(prefix) \
    "SELECT * FROM live.global_variables WHERE variable_name LIKE '" prefix "-%' ORDER BY variable_name"
#define USER_COLUMNS_BEFORE                                                                                           \
    "username, password, active, use_ssl, default_hostgroup, default_schema, schema_locked, transaction_persistent, " \
    "fast_forward"
#define USER_COLUMNS_AFTER "max_connections, attributes, comment"

static const struct module modules[] = {
    {
        .command = "MYSQL SERVERS",
        .to_runtime = COPY_TABLE("live", "main", "mysql_servers"),
        .to_memory = COPY_TABLE("main", "live", "mysql_servers"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_servers"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_servers"),
        .checksums = {{"mysql_servers", "SELECT * FROM live.mysql_servers ORDER BY hostgroup_id, hostname, port"},
                      {"mysql_servers_v2", "SELECT * FROM live.mysql_servers ORDER BY hostgroup_id, hostname, port"}},
    },
    {
        .command = "MYSQL USERS",
        /* ProxySQL keeps a frontend and a backend user apart; one row of memory becomes two of runtime. */
        .to_runtime = "DELETE FROM live.mysql_users;"
                      "INSERT INTO live.mysql_users SELECT " USER_COLUMNS_BEFORE ", 0, 1, " USER_COLUMNS_AFTER
                      " FROM main.mysql_users WHERE active = 1 AND frontend = 1;"
                      "INSERT INTO live.mysql_users SELECT " USER_COLUMNS_BEFORE ", 1, 0, " USER_COLUMNS_AFTER
                      " FROM main.mysql_users WHERE active = 1 AND backend = 1;",
        .to_memory = COPY_TABLE("main", "live", "mysql_users"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_users"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_users"),
        .checksums = {{"mysql_users", "SELECT * FROM live.mysql_users ORDER BY username, backend"}},
    },
    {
        .command = "MYSQL QUERY RULES",
        .to_runtime = COPY_TABLE("live", "main", "mysql_query_rules"),
        .to_memory = COPY_TABLE("main", "live", "mysql_query_rules"),
        .to_disk = COPY_TABLE("disk", "main", "mysql_query_rules"),
        .from_disk = COPY_TABLE("main", "disk", "mysql_query_rules"),
        .checksums = {{"mysql_query_rules", "SELECT * FROM live.mysql_query_rules ORDER BY rule_id"}},
    },
    {
        .command = "PROXYSQL SERVERS",
        .to_runtime = COPY_TABLE("live", "main", "proxysql_servers"),
        .to_memory = COPY_TABLE("main", "live", "proxysql_servers"),
        .to_disk = COPY_TABLE("disk", "main", "proxysql_servers"),
        .from_disk = COPY_TABLE("main", "disk", "proxysql_servers"),
        .checksums = {{"proxysql_servers", "SELECT * FROM live.proxysql_servers ORDER BY hostname, port"}},
    },
    {
        .command = "MYSQL VARIABLES",
        .variables = true,
        .to_runtime = COPY_VARIABLES("live", "main", "mysql"),
        .to_memory = COPY_VARIABLES("main", "live", "mysql"),
        .to_disk = COPY_VARIABLES("disk", "main", "mysql"),
        .from_disk = COPY_VARIABLES("main", "disk", "mysql"),
        .checksums = {{"mysql_variables", CHECKSUM_VARIABLES("mysql")}},
    },
    {
        .command = "ADMIN VARIABLES",
        .variables = true,
        .to_runtime = COPY_VARIABLES("live", "main", "admin"),
        .to_memory = COPY_VARIABLES("main", "live", "admin"),
        .to_disk = COPY_VARIABLES("disk", "main", "admin"),
        .from_disk = COPY_VARIABLES("main", "disk", "admin"),
        .checksums = {{"admin_variables", CHECKSUM_VARIABLES("admin")}},
    },
};

/* Where a command's tail leads; SAVE ... TO MEMORY and LOAD ... TO MEMORY are two different things. */
enum copy { COPY_TO_RUNTIME, COPY_TO_MEMORY, COPY_TO_DISK, COPY_FROM_DISK };

static const struct tail {
    const char *verb;
    const char *tail;
    enum copy copy;
} tails[] = {
    {"LOAD ", " TO RUNTIME", COPY_TO_RUNTIME},  {"LOAD ", " TO RUN", COPY_TO_RUNTIME},
    {"LOAD ", " FROM MEMORY", COPY_TO_RUNTIME}, {"LOAD ", " FROM MEM", COPY_TO_RUNTIME},
    {"SAVE ", " TO MEMORY", COPY_TO_MEMORY},    {"SAVE ", " TO MEM", COPY_TO_MEMORY},
    {"SAVE ", " FROM RUNTIME", COPY_TO_MEMORY}, {"SAVE ", " FROM RUN", COPY_TO_MEMORY},
    {"SAVE ", " TO DISK", COPY_TO_DISK},        {"SAVE ", " FROM MEMORY", COPY_TO_DISK},
    {"SAVE ", " FROM MEM", COPY_TO_DISK},       {"LOAD ", " FROM DISK", COPY_FROM_DISK},
    {"LOAD ", " TO MEMORY", COPY_FROM_DISK},    {"LOAD ", " TO MEM", COPY_FROM_DISK},
};

/* A LOAD TO RUNTIME is a new version with a new epoch, also when nothing changed. */
static void stamp(struct database *db, const struct module *module)
{
    for (size_t i = 0; i < ARRAY_LEN(module->checksums); i++) {
        const struct checksum *sum = &module->checksums[i];
        if (sum->name == NULL)
            continue;
        char hex[32];
        (void)snprintf(hex, sizeof hex, "0x%016" PRIX64, database_checksum(db, sum->query));
        database_mustf(db,
                       "REPLACE INTO live.checksums VALUES (%Q, 1 + IFNULL((SELECT version FROM live.checksums "
                       "WHERE name = %Q), 0), %lld, %Q)",
                       sum->name, sum->name, (long long)time(NULL), hex);
    }
}

static void load_to_runtime(struct database *db, const struct module *module)
{
    database_must(db, module->to_runtime);
    stamp(db, module);
}

void modules_start(struct database *db)
{
    for (size_t i = 0; i < ARRAY_LEN(modules); i++)
        load_to_runtime(db, &modules[i]);
}

static enum modules_result copy(struct database *db, const struct module *module, enum copy what)
{
    switch (what) {
    case COPY_TO_RUNTIME:
        load_to_runtime(db, module);
        return module->variables ? MODULES_DONE_VARIABLES : MODULES_DONE;
    case COPY_TO_MEMORY:
        database_must(db, module->to_memory);
        break;
    case COPY_TO_DISK:
        database_must(db, module->to_disk);
        break;
    case COPY_FROM_DISK:
        database_must(db, module->from_disk);
        break;
    }
    return MODULES_DONE;
}

enum modules_result modules_command(struct database *db, const char *command)
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
                return copy(db, &modules[i], tails[t].copy);
    }
    return MODULES_NOT_MINE;
}
