#include "daemon/config/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/config/check_core.h"
#include "daemon/config/option_value.h"
#include "daemon/config/yaml.h"
#include "daemon/dump/upload_url.h"
#include "shared/mem.h"

#define ENV_PREFIX      "AGENT_"
#define ENV_CONFIG_FILE "AGENT_CONFIG_FILE"

static const char *const default_folders[] = {"/etc/proxysql-agent", ".", NULL};
static const char *const default_names[] = {"config.yaml", "config.yml", "config", NULL};

/* Set one option. where begins the message when the value is refused. */
static int apply(struct loaded_config *loaded, size_t row, const char *text, enum config_source source,
                 const char *where, struct error *err)
{
    const struct option *option = &option_table[row];
    struct error reason = ERROR_INIT;
    int rc = option_set(&loaded->config, option, text, &reason);
    loaded->origin[row].source = source;
    if (rc == 0)
        return 0;
    if ((option->flags & OPTION_TOLERANT) == 0)
        return error_set(err, rc, "%s: %s", where, reason.text);
    config_warnings_add(&loaded->warnings, "%s: %s, the default %s is used", where, reason.text, option->default_text);
    option_reset(&loaded->config, option);
    loaded->origin[row].source = CONFIG_FROM_DEFAULT;
    return 0;
}

static int apply_file(struct loaded_config *loaded, const struct yaml_values *values, struct error *err)
{
    for (size_t row = 0; row < option_count; row++) {
        if (values->text[row] == NULL)
            continue;
        const struct yaml_place *place = &values->places.of[row];
        cleanup_free char *where =
            xasprintf("config file %s:%zu:%zu: %s", loaded->file, place->line, place->column, option_table[row].key);
        loaded->origin[row].line = place->line;
        int rc = apply(loaded, row, values->text[row], CONFIG_FROM_FILE, where, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The first default file that exists, or NULL. A folder of the bare name is likely something else's. */
static char *find_default_file(const char *const folders[])
{
    for (; *folders != NULL; folders++) {
        for (const char *const *name = default_names; *name != NULL; name++) {
            cleanup_free char *path = xasprintf("%s/%s", *folders, *name);
            struct stat status;
            if (stat(path, &status) < 0 ? errno == ENOENT || errno == ENOTDIR
                                        : S_ISDIR(status.st_mode) && strchr(*name, '.') == NULL)
                continue;
            return take_ptr(path);
        }
    }
    return NULL;
}

/* The value of a variable; an empty one counts as unset. */
static const char *find_env(char *const environment[], const char *name)
{
    size_t len = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return (*environment)[len + 1] == '\0' ? NULL : *environment + len + 1;
    }
    return NULL;
}

static int load_file(struct loaded_config *loaded, const char *const folders[], char *const environment[],
                     struct error *err)
{
    const char *named = find_env(environment, ENV_CONFIG_FILE);
    loaded->file = named != NULL ? xstrdup(named) : find_default_file(folders);
    if (loaded->file == NULL)
        return 0;
    struct yaml_values values;
    int rc = yaml_load(loaded->file, &values, &loaded->warnings, err);
    if (rc < 0)
        return rc;
    rc = apply_file(loaded, &values, err);
    yaml_values_fini(&values);
    return rc;
}

static int apply_environment(struct loaded_config *loaded, char *const environment[], struct error *err)
{
    for (size_t row = 0; row < option_count; row++) {
        char name[OPTION_ENV_MAX];
        option_env_name(&option_table[row], name);
        const char *text = find_env(environment, name);
        if (text == NULL)
            continue;
        char where[OPTION_ENV_MAX + sizeof("environment ")];
        (void)snprintf(where, sizeof(where), "environment %s", name);
        int rc = apply(loaded, row, text, CONFIG_FROM_ENVIRONMENT, where, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void warn_unknown_variable(struct loaded_config *loaded, const char *name)
{
    char shown[OPTION_SHOWN_MAX];
    option_quote(name, shown);
    const struct option *near = option_nearest_env(name);
    if (near == NULL) {
        config_warnings_add(&loaded->warnings, "environment: unknown variable %s is ignored", shown);
        return;
    }
    char meant[OPTION_ENV_MAX];
    option_env_name(near, meant);
    config_warnings_add(&loaded->warnings, "environment: unknown variable %s is ignored (is %s meant?)", shown, meant);
}

static void warn_unknown_variables(struct loaded_config *loaded, char *const environment[])
{
    for (; *environment != NULL; environment++) {
        size_t len = strcspn(*environment, "=");
        if (strncmp(*environment, ENV_PREFIX, strlen(ENV_PREFIX)) != 0 || (*environment)[len] == '\0' ||
            (*environment)[len + 1] == '\0')
            continue;
        cleanup_free char *name = xasprintf("%.*s", (int)(len < OPTION_ENV_MAX ? len : OPTION_ENV_MAX), *environment);
        if (strcmp(name, ENV_CONFIG_FILE) != 0 && option_find_env(name) < 0)
            warn_unknown_variable(loaded, name);
    }
}

static int apply_flags(struct loaded_config *loaded, const struct flags *flags, struct error *err)
{
    for (size_t row = 0; row < option_count; row++) {
        if (flags->text[row] == NULL)
            continue;
        char where[OPTION_KEY_MAX + sizeof("flag --")];
        (void)snprintf(where, sizeof(where), "flag --%s", option_table[row].key);
        int rc = apply(loaded, row, flags->text[row], CONFIG_FROM_FLAG, where, err);
        if (rc < 0)
            return rc;
        if ((option_table[row].flags & OPTION_SECRET) != 0)
            config_warnings_add(&loaded->warnings, "%s: every process on this machine can read it, use a file or %s",
                                where, "the environment");
    }
    return 0;
}

static int check_pair(const char *section, const char *cert_file, const char *key_file, struct error *err)
{
    bool cert = cert_file[0] != '\0';
    bool key = key_file[0] != '\0';
    if (cert == key)
        return 0;
    return error_set(err, -EINVAL, "%s.%s_file: needs %s.%s_file too", section, cert ? "cert" : "key", section,
                     cert ? "key" : "cert");
}

static int check_tls(struct loaded_config *loaded, struct error *err)
{
    const struct config *config = &loaded->config;
    bool ca = config->proxysql.tls.ca_file[0] != '\0';
    bool cert = config->proxysql.tls.cert_file[0] != '\0';
    int rc = check_pair("proxysql.tls", config->proxysql.tls.cert_file, config->proxysql.tls.key_file, err);
    if (rc == 0)
        rc = check_pair("api.tls", config->api.tls.cert_file, config->api.tls.key_file, err);
    if (rc < 0)
        return rc;
    if (config->proxysql.tls.mode == TLS_MODE_VERIFY && !ca)
        config_warnings_add(&loaded->warnings, "proxysql.tls.mode: verify without proxysql.tls.ca_file accepts only "
                                               "certificates of the system's CAs");
    if (config->proxysql.tls.mode == TLS_MODE_DISABLED && (ca || cert))
        config_warnings_add(&loaded->warnings, "proxysql.tls.mode: is disabled, so the files of proxysql.tls are not "
                                               "used");
    return 0;
}

/* "aws:amz:eu-west-1:s3" */
static bool is_signature(const char *text)
{
    static const char provider[] = "aws:amz:";
    if (strncmp(text, provider, sizeof(provider) - 1) != 0)
        return false;
    const char *region = text + sizeof(provider) - 1;
    size_t region_len = strcspn(region, ":");
    const char *service = region + region_len + 1;
    return region_len > 0 && region[region_len] == ':' && service[0] != '\0' && strchr(service, ':') == NULL;
}

static int check_upload(const struct config *config, struct error *err)
{
    int rc = upload_url_check(config->dump.upload_url, err);
    if (rc < 0)
        return error_wrap(err, "dump.upload_url");
    bool sigv4 = config->dump.upload.sigv4[0] != '\0';
    bool keys = config->dump.upload.access_key_file[0] != '\0' && config->dump.upload.secret_key_file[0] != '\0';
    if (sigv4 && !is_signature(config->dump.upload.sigv4))
        return error_set(err, -EINVAL, "dump.upload.sigv4: is not aws:amz:REGION:SERVICE");
    if (sigv4 && !keys)
        return error_set(err, -EINVAL,
                         "dump.upload.sigv4: needs dump.upload.access_key_file and dump.upload.secret_key_file too");
    return 0;
}

static int check_dump(const struct config *config, struct error *err)
{
    const char *output = config->dump.output;
    bool upload = config->dump.upload_url[0] != '\0';
    if (output[0] != '\0' && strcmp(output, "-") != 0)
        return error_set(err, -EINVAL, "dump.output: only \"-\" is known (a folder goes into dump.dir)");
    if (output[0] != '\0' && upload)
        return error_set(err, -EINVAL,
                         "dump.output: what goes to standard output is not uploaded, leave "
                         "dump.upload_url empty");
    return upload ? check_upload(config, err) : 0;
}

/* What only shows when all values are known. */
static int check(struct loaded_config *loaded, struct error *err)
{
    const struct config *config = &loaded->config;
    if (config->proxysql.password[0] != '\0' && config->proxysql.password_file[0] != '\0')
        config_warnings_add(&loaded->warnings, "proxysql.password: is not used, proxysql.password_file goes before it");
    int rc = check_tls(loaded, err);
    if (rc == 0)
        rc = config_check_core(loaded, err);
    return rc == 0 ? check_dump(&loaded->config, err) : rc;
}

static int load_sources(struct loaded_config *loaded, const char *const folders[], const struct flags *flags,
                        char *const environment[], struct error *err)
{
    int rc = load_file(loaded, folders, environment, err);
    if (rc == 0)
        rc = apply_environment(loaded, environment, err);
    if (rc == 0)
        warn_unknown_variables(loaded, environment);
    if (rc == 0)
        rc = apply_flags(loaded, flags, err);
    return rc == 0 ? check(loaded, err) : rc;
}

int config_load_from(const char *const folders[], int argc, char *const argv[], char *const environment[],
                     struct loaded_config **ret_loaded, struct error *err)
{
    struct flags flags;
    int rc = flags_parse(argc, argv, &flags, err);
    if (rc < 0)
        return rc;
    struct loaded_config *loaded = xcalloc(1, sizeof(*loaded));
    loaded->action = flags.action;
    loaded->sources = (struct config_sources){folders, argc, argv, environment};
    option_set_defaults(&loaded->config);
    if (flags.action != CONFIG_HELP && flags.action != CONFIG_VERSION)
        rc = load_sources(loaded, folders, &flags, environment, err);
    if (rc < 0)
        config_free(loaded);
    else
        *ret_loaded = loaded;
    return rc;
}

int config_load(int argc, char *const argv[], char *const environment[], struct loaded_config **ret_loaded,
                struct error *err)
{
    return config_load_from(default_folders, argc, argv, environment, ret_loaded, err);
}

int config_load_again(const struct loaded_config *before, struct loaded_config **ret_loaded, struct error *err)
{
    const struct config_sources *from = &before->sources;
    struct loaded_config *loaded = NULL;
    int rc = config_load_from(from->folders, from->argc, from->argv, from->environment, &loaded, err);
    if (rc < 0)
        return rc;
    if (before->file != NULL && loaded->file == NULL) {
        config_free(loaded);
        return error_set(err, -ENOENT, "config file %s: is gone", before->file);
    }
    *ret_loaded = loaded;
    return 0;
}

void config_free(struct loaded_config *loaded)
{
    if (loaded == NULL)
        return;
    option_clear_all(&loaded->config);
    config_warnings_fini(&loaded->warnings);
    free(loaded->file);
    free(loaded);
}
