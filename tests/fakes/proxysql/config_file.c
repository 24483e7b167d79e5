#include "tests/fakes/proxysql/config_file.h"

#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

enum column_type { NUMBER, TEXT };
enum column_need { OPTIONAL, MANDATORY };

/* Members of a list's entry of one type. Those that an entry lacks get the table's default. */
struct columns {
    enum column_type type;
    enum column_need need;
    const char *names[12]; /* the last ones are NULL; "other|name": the other one is asked for first */
};

static const struct section {
    const char *module;   /* whose LOAD reads it */
    const char *names[2]; /* in the file, and the table's; another of the same form */
    struct columns columns[4];
} sections[] = {
    {"mysql_servers",
     {"mysql_servers"},
     {{NUMBER, MANDATORY, {"hostgroup|hostgroup_id"}},
      {TEXT, MANDATORY, {"address|hostname"}},
      {NUMBER,
       OPTIONAL,
       {"port", "gtid_port", "weight", "compression", "max_connections", "max_replication_lag", "use_ssl",
        "max_latency_ms"}},
      {TEXT, OPTIONAL, {"status", "comment"}}}},
    {"mysql_servers",
     {"mysql_replication_hostgroups"},
     {{NUMBER, MANDATORY, {"writer_hostgroup", "reader_hostgroup"}}, {TEXT, OPTIONAL, {"check_type", "comment"}}}},
    {"mysql_servers",
     {"mysql_group_replication_hostgroups", "mysql_galera_hostgroups"},
     {{NUMBER, MANDATORY, {"writer_hostgroup", "backup_writer_hostgroup", "reader_hostgroup", "offline_hostgroup"}},
      {NUMBER, OPTIONAL, {"active", "max_writers", "writer_is_also_reader", "max_transactions_behind"}},
      {TEXT, OPTIONAL, {"comment"}}}},
    {"mysql_servers",
     {"mysql_aws_aurora_hostgroups"},
     {{NUMBER, MANDATORY, {"writer_hostgroup", "reader_hostgroup"}},
      {NUMBER,
       OPTIONAL,
       {"active", "aurora_port", "max_lag_ms", "check_interval_ms", "check_timeout_ms", "writer_is_also_reader",
        "new_reader_weight"}},
      {TEXT, OPTIONAL, {"domain_name", "comment"}}}},
    {"mysql_servers",
     {"mysql_servers_ssl_params"},
     {{TEXT, MANDATORY, {"hostname"}},
      {NUMBER, OPTIONAL, {"port"}},
      {TEXT,
       OPTIONAL,
       {"username", "ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "ssl_crl", "ssl_crlpath", "ssl_cipher",
        "tls_version", "comment"}}}},
    {"mysql_users",
     {"mysql_users"},
     {{TEXT, MANDATORY, {"username"}},
      {NUMBER,
       OPTIONAL,
       {"active", "use_ssl", "default_hostgroup", "schema_locked", "transaction_persistent", "fast_forward",
        "max_connections"}},
      {TEXT, OPTIONAL, {"password", "default_schema", "attributes", "comment"}}}},
    {"mysql_query_rules",
     {"mysql_query_rules"},
     {{NUMBER, MANDATORY, {"rule_id"}},
      {NUMBER,
       OPTIONAL,
       {"active", "flagIN", "negate_match_pattern", "flagOUT", "destination_hostgroup", "cache_ttl", "timeout",
        "multiplex", "log", "apply"}},
      {TEXT,
       OPTIONAL,
       {"username", "schemaname", "match_digest", "match_pattern", "re_modifiers", "replace_pattern", "comment"}}}},
    {"proxysql_servers",
     {"proxysql_servers"},
     {{NUMBER, MANDATORY, {"port"}},
      {TEXT, MANDATORY, {"address|hostname"}},
      {NUMBER, OPTIONAL, {"weight"}},
      {TEXT, OPTIONAL, {"comment"}}}},
};

/* A value of the wrong type is as good as none, as with libconfig's lookupValue(). */
static bool append_value(const config_setting_t *setting, enum column_type type, sqlite3_str *values)
{
    if (setting == NULL)
        return false;
    if (type == TEXT && config_setting_type(setting) == CONFIG_TYPE_STRING)
        sqlite3_str_appendf(values, ", %Q", config_setting_get_string(setting));
    else if (type == NUMBER && config_setting_type(setting) == CONFIG_TYPE_INT)
        sqlite3_str_appendf(values, ", %d", config_setting_get_int(setting));
    else
        return false;
    return true;
}

/* name: as in struct columns. */
static bool append_column(const config_setting_t *entry, const char *name, enum column_type type, sqlite3_str *columns,
                          sqlite3_str *values)
{
    const char *bar = strchr(name, '|');
    bool found = false;
    if (bar != NULL) {
        cleanup_free char *other = xasprintf("%.*s", (int)(bar - name), name);
        found = append_value(config_setting_get_member(entry, other), type, values);
        name = bar + 1;
    }
    found = found || append_value(config_setting_get_member(entry, name), type, values);
    if (found)
        sqlite3_str_appendf(columns, ", %s", name);
    return found;
}

/* False: the entry lacks something mandatory. */
static bool append_columns(const config_setting_t *entry, const struct columns *c, sqlite3_str *columns,
                           sqlite3_str *values)
{
    for (size_t i = 0; i < ARRAY_LEN(c->names) && c->names[i] != NULL; i++)
        if (!append_column(entry, c->names[i], c->type, columns, values) && c->need == MANDATORY)
            return false;
    return true;
}

/* False: the entry lacks something mandatory and is not read. */
static bool load_entry(const config_setting_t *entry, const struct section *section, const char *table,
                       struct database *db)
{
    sqlite3_str *columns = sqlite3_str_new(NULL);
    sqlite3_str *values = sqlite3_str_new(NULL);
    bool whole = config_setting_is_group(entry);
    for (size_t i = 0; whole && i < ARRAY_LEN(section->columns); i++)
        whole = append_columns(entry, &section->columns[i], columns, values);
    char *column_list = sqlite3_str_finish(columns);
    char *value_list = sqlite3_str_finish(values);
    if (whole) {
        char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO main.%s (%s) VALUES (%s)", table,
                                    column_list + strlen(", "), value_list + strlen(", "));
        struct error ignored = ERROR_INIT; /* a row that the table refuses is counted all the same */
        (void)!database_run(db, sql, &ignored);
        sqlite3_free(sql);
    }
    sqlite3_free(column_list);
    sqlite3_free(value_list);
    return whole;
}

static uint64_t load_list(const config_setting_t *list, const struct section *section, const char *table,
                          struct database *db)
{
    uint64_t rows = 0;
    for (int i = 0; i < config_setting_length(list); i++)
        rows += load_entry(config_setting_get_elem(list, (unsigned)i), section, table, db);
    return rows;
}

static uint64_t load_variables(const config_setting_t *group, const char *section, struct database *db)
{
    int prefix_len = (int)strcspn(section, "_"); /* "admin" of "admin_variables" */
    int count = config_setting_length(group);
    for (int i = 0; i < count; i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        char number[32] = "";
        const char *value = number;
        if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
            value = config_setting_get_bool(setting) != 0 ? "true" : "false";
        else if (config_setting_type(setting) == CONFIG_TYPE_INT)
            (void)snprintf(number, sizeof number, "%d", config_setting_get_int(setting));
        else if (config_setting_type(setting) == CONFIG_TYPE_STRING)
            value = config_setting_get_string(setting);
        database_mustf(db, "INSERT OR REPLACE INTO main.global_variables VALUES ('%.*q-%q', %Q)", prefix_len, section,
                       config_setting_name(setting), value);
    }
    return (uint64_t)count;
}

static int read_file(config_t *config, const char *path, struct error *err)
{
    if (access(path, R_OK) < 0)
        return error_set(err, -ENOENT, "%s: %s", path, strerror(errno));
    if (config_read_file(config, path) != CONFIG_TRUE)
        return error_set(err, -EINVAL, "%s:%d: %s", path, config_error_line(config), config_error_text(config));
    return 0;
}

int config_file_check(const char *path, struct error *err)
{
    config_t config;
    config_init(&config);
    int r = read_file(&config, path, err);
    config_destroy(&config);
    return r;
}

static uint64_t load_section(const config_t *config, const struct section *section, struct database *db)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(section->names) && section->names[i] != NULL; i++) {
        const config_setting_t *list = config_lookup(config, section->names[i]);
        if (list != NULL)
            rows += load_list(list, section, section->names[i], db);
    }
    return rows;
}

static uint64_t load_sections(const config_t *config, const char *module, struct database *db)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (strcmp(sections[i].module, module) == 0)
            rows += load_section(config, &sections[i], db);
    return rows;
}

int config_file_load(const char *path, const char *module, struct database *db, uint64_t *ret_rows, struct error *err)
{
    config_t config;
    config_init(&config);
    int r = read_file(&config, path, err);
    const config_setting_t *setting = r == 0 ? config_lookup(&config, module) : NULL;
    uint64_t rows = 0;
    if (setting != NULL && config_setting_is_group(setting))
        rows = load_variables(setting, module, db);
    else if (r == 0)
        rows = load_sections(&config, module, db);
    config_destroy(&config);
    if (r == 0)
        *ret_rows = rows;
    return r;
}
