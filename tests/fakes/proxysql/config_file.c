#include "tests/fakes/proxysql/config_file.h"

#include <errno.h>
#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A member of a list's entry. Fields that an entry lacks get the table's default. */
struct field {
    const char *column;
    bool text;
    bool mandatory;
    const char *other_name; /* asked for first; NULL = none */
};

struct section {
    const char *module; /* whose LOAD reads it */
    const char *name;   /* in the file, and the table's name */
    struct field fields[20];
};

static const struct section sections[] = {
    {"mysql_servers",
     "mysql_servers",
     {
         {"hostname", true, true, "address"},
         {"hostgroup_id", false, true, "hostgroup"},
         {"port", false, false, NULL},
         {"gtid_port", false, false, NULL},
         {"status", true, false, NULL},
         {"weight", false, false, NULL},
         {"compression", false, false, NULL},
         {"max_connections", false, false, NULL},
         {"max_replication_lag", false, false, NULL},
         {"use_ssl", false, false, NULL},
         {"max_latency_ms", false, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_servers",
     "mysql_replication_hostgroups",
     {
         {"writer_hostgroup", false, true, NULL},
         {"reader_hostgroup", false, true, NULL},
         {"check_type", true, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_servers",
     "mysql_group_replication_hostgroups",
     {
         {"writer_hostgroup", false, true, NULL},
         {"backup_writer_hostgroup", false, true, NULL},
         {"reader_hostgroup", false, true, NULL},
         {"offline_hostgroup", false, true, NULL},
         {"active", false, false, NULL},
         {"max_writers", false, false, NULL},
         {"writer_is_also_reader", false, false, NULL},
         {"max_transactions_behind", false, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_servers",
     "mysql_galera_hostgroups",
     {
         {"writer_hostgroup", false, true, NULL},
         {"backup_writer_hostgroup", false, true, NULL},
         {"reader_hostgroup", false, true, NULL},
         {"offline_hostgroup", false, true, NULL},
         {"active", false, false, NULL},
         {"max_writers", false, false, NULL},
         {"writer_is_also_reader", false, false, NULL},
         {"max_transactions_behind", false, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_servers",
     "mysql_aws_aurora_hostgroups",
     {
         {"writer_hostgroup", false, true, NULL},
         {"reader_hostgroup", false, true, NULL},
         {"active", false, false, NULL},
         {"aurora_port", false, false, NULL},
         {"domain_name", true, false, NULL},
         {"max_lag_ms", false, false, NULL},
         {"check_interval_ms", false, false, NULL},
         {"check_timeout_ms", false, false, NULL},
         {"writer_is_also_reader", false, false, NULL},
         {"new_reader_weight", false, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_servers",
     "mysql_servers_ssl_params",
     {
         {"hostname", true, true, NULL},
         {"port", false, false, NULL},
         {"username", true, false, NULL},
         {"ssl_ca", true, false, NULL},
         {"ssl_cert", true, false, NULL},
         {"ssl_key", true, false, NULL},
         {"ssl_capath", true, false, NULL},
         {"ssl_crl", true, false, NULL},
         {"ssl_crlpath", true, false, NULL},
         {"ssl_cipher", true, false, NULL},
         {"tls_version", true, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_users",
     "mysql_users",
     {
         {"username", true, true, NULL},
         {"password", true, false, NULL},
         {"active", false, false, NULL},
         {"use_ssl", false, false, NULL},
         {"default_hostgroup", false, false, NULL},
         {"default_schema", true, false, NULL},
         {"schema_locked", false, false, NULL},
         {"transaction_persistent", false, false, NULL},
         {"fast_forward", false, false, NULL},
         {"max_connections", false, false, NULL},
         {"attributes", true, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"mysql_query_rules",
     "mysql_query_rules",
     {
         {"rule_id", false, true, NULL},
         {"active", false, false, NULL},
         {"username", true, false, NULL},
         {"schemaname", true, false, NULL},
         {"flagIN", false, false, NULL},
         {"match_digest", true, false, NULL},
         {"match_pattern", true, false, NULL},
         {"negate_match_pattern", false, false, NULL},
         {"re_modifiers", true, false, NULL},
         {"flagOUT", false, false, NULL},
         {"replace_pattern", true, false, NULL},
         {"destination_hostgroup", false, false, NULL},
         {"cache_ttl", false, false, NULL},
         {"timeout", false, false, NULL},
         {"multiplex", false, false, NULL},
         {"log", false, false, NULL},
         {"apply", false, false, NULL},
         {"comment", true, false, NULL},
     }},
    {"proxysql_servers",
     "proxysql_servers",
     {
         {"hostname", true, true, "address"},
         {"port", false, true, NULL},
         {"weight", false, false, NULL},
         {"comment", true, false, NULL},
     }},
};

/* A value of the wrong type is as good as none, as with libconfig's lookupValue(). */
static bool append_value(const config_setting_t *setting, bool text, sqlite3_str *values)
{
    if (setting == NULL)
        return false;
    if (text && config_setting_type(setting) == CONFIG_TYPE_STRING)
        sqlite3_str_appendf(values, ", %Q", config_setting_get_string(setting));
    else if (!text && config_setting_type(setting) == CONFIG_TYPE_INT)
        sqlite3_str_appendf(values, ", %d", config_setting_get_int(setting));
    else
        return false;
    return true;
}

static bool append_field(const config_setting_t *entry, const struct field *field, sqlite3_str *columns,
                         sqlite3_str *values)
{
    bool found = field->other_name != NULL &&
                 append_value(config_setting_get_member(entry, field->other_name), field->text, values);
    if (!found)
        found = append_value(config_setting_get_member(entry, field->column), field->text, values);
    if (found)
        sqlite3_str_appendf(columns, ", %s", field->column);
    return found || !field->mandatory;
}

/* False: the entry lacks something mandatory and is not read. */
static bool load_entry(const config_setting_t *entry, const struct section *section, struct database *db)
{
    sqlite3_str *columns = sqlite3_str_new(NULL);
    sqlite3_str *values = sqlite3_str_new(NULL);
    bool whole = config_setting_is_group(entry);
    for (size_t i = 0; whole && section->fields[i].column != NULL; i++)
        whole = append_field(entry, &section->fields[i], columns, values);
    char *column_list = sqlite3_str_finish(columns);
    char *value_list = sqlite3_str_finish(values);
    if (whole) {
        char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO main.%s (%s) VALUES (%s)", section->name,
                                    column_list + strlen(", "), value_list + strlen(", "));
        struct error ignored = ERROR_INIT; /* a row that the table refuses is counted all the same */
        (void)!database_run(db, sql, &ignored);
        sqlite3_free(sql);
    }
    sqlite3_free(column_list);
    sqlite3_free(value_list);
    return whole;
}

static uint64_t load_list(const config_setting_t *list, const struct section *section, struct database *db)
{
    uint64_t rows = 0;
    for (int i = 0; i < config_setting_length(list); i++)
        rows += load_entry(config_setting_get_elem(list, (unsigned)i), section, db);
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

static uint64_t load_sections(const config_t *config, const char *module, struct database *db)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        const config_setting_t *list =
            strcmp(sections[i].module, module) == 0 ? config_lookup(config, sections[i].name) : NULL;
        if (list != NULL)
            rows += load_list(list, &sections[i], db);
    }
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
