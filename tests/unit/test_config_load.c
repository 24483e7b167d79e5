#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/config/option_value.h"
#include "tests/unit/config_fixture.h"

/* Every key of the Go agent that this one takes the place of: its default, and another value with how both print. */
static const struct {
    const char *key;
    const char *printed_default;
    const char *text;
    const char *printed;
} reference_keys[] = {
    {"start_delay", "0", "5", "5"},
    {"run_mode", "\"\"", "satellite", "satellite"},
    {"log.level", "INFO", "debug", "DEBUG"},
    {"log.format", "text", "json", "JSON"},
    {"log.source", "false", "true", "true"},
    {"log.probes", "false", "T", "true"},
    {"proxysql.address", "\"127.0.0.1:6032\"", "localhost:7032", "\"localhost:7032\""},
    {"proxysql.username", "\"radmin\"", "admin", "\"admin\""},
    {"proxysql.password", "\"\"", "s3cret", "\"********\""},
    {"core.interval", "10", "3", "3"},
    {"core.podselector.namespace", "\"proxysql\"", "db", "\"db\""},
    {"core.podselector.app", "\"proxysql\"", "px", "\"px\""},
    {"core.podselector.component", "\"core\"", "hub", "\"hub\""},
    {"satellite.interval", "10", "7", "7"},
    {"interfaces", "[]", "eth0", "[\"eth0\"]"},
    {"api.port", "8080", "9090", "9090"},
    {"shutdown.draining_file", "\"/var/lib/proxysql/draining\"", "/tmp/d", "\"/tmp/d\""},
    {"shutdown.drain_timeout", "30", "0", "0"},
    {"shutdown.shutdown_timeout", "60", "90", "90"},
};

static void must_print(const struct config_fixture *f, const char *key, const char *wanted, enum config_source source)
{
    int row = option_find(key, false);
    assert_true(row >= 0);
    cleanup_buf struct buf text;
    buf_init(&text, 1024);
    assert_int_equal(option_write(&f->loaded->config, &option_table[row], &text), 0);
    if (strcmp(text.data, wanted) != 0 || f->loaded->origin[row].source != source)
        fail_msg("%s is %s from %d, wanted %s from %d", key, text.data, (int)f->loaded->origin[row].source, wanted,
                 (int)source);
}

/* The file that gives one key, as levels or as one key with dots. */
static void write_key(struct config_fixture *f, const char *key, const char *text, bool dotted)
{
    cleanup_buf struct buf file;
    buf_init(&file, 4096);
    int indent = 0;
    for (const char *dot = strchr(key, '.'); !dotted && dot != NULL; dot = strchr(key, '.')) {
        assert_int_equal(buf_printf(&file, "%*s%.*s:\n", indent, "", (int)(dot - key), key), 0);
        key = dot + 1;
        indent += 2;
    }
    assert_int_equal(buf_printf(&file, "%*s%s: %s\n", indent, "", key, text), 0);
    config_fixture_write(f, file.data);
}

static void table_holds_every_reference_key(void **state)
{
    (void)state;
    size_t marked = 0;
    for (size_t i = 0; i < option_count; i++)
        marked += (option_table[i].flags & OPTION_REFERENCE) != 0 ? 1 : 0;
    assert_int_equal(marked, ARRAY_LEN(reference_keys));
}

static void defaults_are_the_references(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_load(f, NULL, NULL);
    assert_null(f->loaded->file);
    assert_int_equal(f->loaded->warnings.count, 0);
    for (size_t i = 0; i < ARRAY_LEN(reference_keys); i++)
        must_print(f, reference_keys[i].key, reference_keys[i].printed_default, CONFIG_FROM_DEFAULT);
}

static void every_key_by_file(void **state)
{
    struct config_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(reference_keys); i++) {
        for (int dotted = 0; dotted < 2; dotted++) {
            write_key(f, reference_keys[i].key, reference_keys[i].text, dotted != 0);
            config_fixture_must_load(f, NULL, NULL);
            must_print(f, reference_keys[i].key, reference_keys[i].printed, CONFIG_FROM_FILE);
            assert_int_equal(f->loaded->warnings.count, 0);
        }
    }
}

static void every_key_by_environment(void **state)
{
    struct config_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(reference_keys); i++) {
        char name[OPTION_ENV_MAX];
        option_env_name(&option_table[option_find(reference_keys[i].key, false)], name);
        cleanup_free char *variable = xasprintf("%s=%s", name, reference_keys[i].text);
        config_fixture_must_load(f, NULL, ENVIRONMENT(variable));
        must_print(f, reference_keys[i].key, reference_keys[i].printed, CONFIG_FROM_ENVIRONMENT);
        assert_int_equal(f->loaded->warnings.count, 0);
    }
}

static void every_key_by_flag(void **state)
{
    struct config_fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(reference_keys); i++) {
        cleanup_free char *joined = xasprintf("--%s=%s", reference_keys[i].key, reference_keys[i].text);
        config_fixture_must_load(f, ARGUMENTS(joined), NULL);
        must_print(f, reference_keys[i].key, reference_keys[i].printed, CONFIG_FROM_FLAG);

        cleanup_free char *alone = xasprintf("--%s", reference_keys[i].key);
        bool boolean = option_table[option_find(reference_keys[i].key, false)].type == OPTION_BOOL;
        config_fixture_must_load(f, ARGUMENTS(alone, boolean ? NULL : reference_keys[i].text), NULL);
        must_print(f, reference_keys[i].key, reference_keys[i].printed, CONFIG_FROM_FLAG);
    }
}

static void later_sources_win(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "api:\n  port: 1001\n");
    config_fixture_must_load(f, NULL, NULL);
    assert_int_equal(f->loaded->config.api.port, 1001);
    assert_int_equal(f->loaded->origin[option_find("api.port", false)].line, 2);
    assert_string_equal(f->loaded->file, f->path);
    config_fixture_must_load(f, NULL, ENVIRONMENT("AGENT_API_PORT=1002"));
    assert_int_equal(f->loaded->config.api.port, 1002);
    config_fixture_must_load(f, ARGUMENTS("--api.port=1003"), ENVIRONMENT("AGENT_API_PORT=1002"));
    assert_int_equal(f->loaded->config.api.port, 1003);
    config_fixture_must_load(f, ARGUMENTS("--api.port=1003", "--api.port=1004"), NULL);
    assert_int_equal(f->loaded->config.api.port, 1004);
}

static void empty_variable_counts_as_unset(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "api:\n  port: 1001\n");
    config_fixture_must_load(f, NULL,
                             ENVIRONMENT("AGENT_API_PORT=", "AGENT_LOG_LEVEL=", "AGENT_CONFIG_FILE=", "AGENT_X="));
    assert_int_equal(f->loaded->config.api.port, 1001);
    assert_int_equal(f->loaded->warnings.count, 0);
}

static void tolerated_spellings_of_the_file(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "RUN_MODE: \"core\"\nLog: {LEVEL: error, Format: Plain, source: 1, probes: F}\n"
                            "Core:\n  PodSelector.App: 'px'\nproxysql:\n  username:\n  password: ~\n"
                            "satellite:\ninterfaces:\n  - eth0\n  - eth1\n");
    config_fixture_must_load(f, NULL, NULL);
    const struct config *config = &f->loaded->config;
    assert_int_equal(config->run_mode, RUN_MODE_CORE);
    assert_int_equal(config->log.level, LOG_LEVEL_ERROR);
    assert_int_equal(config->log.format, LOG_FORMAT_TEXT);
    assert_true(config->log.source);
    assert_string_equal(config->core.podselector.app, "px");
    assert_string_equal(config->proxysql.username, "radmin");
    assert_int_equal(config->interfaces.count, 2);
    assert_int_equal(f->loaded->warnings.count, 0);
}

static void unknown_level_or_format_is_a_warning(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "log:\n  level: DEBUG\n");
    config_fixture_must_load(f, ARGUMENTS("--log.format", "xml"), ENVIRONMENT("AGENT_LOG_LEVEL=loud"));
    assert_int_equal(f->loaded->config.log.level, LOG_LEVEL_INFO);
    assert_int_equal(f->loaded->config.log.format, LOG_FORMAT_TEXT);
    assert_int_equal(f->loaded->warnings.count, 2);
    assert_string_equal(f->loaded->warnings.items[0],
                        "environment AGENT_LOG_LEVEL: \"loud\" is unknown (allowed: DEBUG, INFO, WARN, ERROR), the "
                        "default INFO is used");
    assert_string_equal(f->loaded->warnings.items[1],
                        "flag --log.format: \"xml\" is unknown (allowed: text, JSON), the default text is used");
}

static void refusals_name_source_key_value_and_range(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, NULL, ENVIRONMENT("AGENT_API_PORT=80x"),
                               "environment AGENT_API_PORT: \"80x\" is not a whole number (allowed: 1 to 65535)");
    config_fixture_must_refuse(f, ARGUMENTS("--api.port", "-1"), NULL,
                               "flag --api.port: \"-1\" is out of range (allowed: 1 to 65535)");
    config_fixture_must_refuse(f, ARGUMENTS("--run_mode=cores"), NULL,
                               "flag --run_mode: \"cores\" is unknown (allowed: core, satellite, dump)");
    config_fixture_must_refuse(f, ARGUMENTS("--log.source=maybe"), NULL,
                               "flag --log.source: \"maybe\" is neither true nor false (allowed: true, false)");
    config_fixture_write(f, "log:\n  source: true\napi: {port: 80x}\n");
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "config file %s:3:13: api.port: \"80x\" is not a whole number (allowed: 1 to 65535)", f->path);
    config_fixture_must_refuse(f, ARGUMENTS("--api.port=80"), NULL, text);
}

static void command_lines_that_are_refused(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, ARGUMENTS("--api.prot=1"), NULL,
                               "unknown flag \"--api.prot\" (is --api.port meant?)");
    config_fixture_must_refuse(f, ARGUMENTS("--something-else"), NULL,
                               "unknown flag \"--something-else\" (--help lists them)");
    config_fixture_must_refuse(f, ARGUMENTS("-p", "80"), NULL, "unknown flag \"-p\" (--help lists them)");
    config_fixture_must_refuse(f, ARGUMENTS("--=80"), NULL, "unknown flag \"--\" (--help lists them)");
    config_fixture_must_refuse(f, ARGUMENTS("--api.port"), NULL, "flag --api.port: needs a value");
    config_fixture_must_refuse(f, ARGUMENTS("--help=maybe"), NULL, "flag --help: takes no value");
    config_fixture_must_refuse(f, ARGUMENTS("core"), NULL,
                               "unexpected argument \"core\" (settings are given as --key=value)");
    config_fixture_must_refuse(f, ARGUMENTS("--log.source", "false"), NULL,
                               "unexpected argument \"false\" (settings are given as --key=value)");
}

static void secrets_stay_out_of_messages(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, ARGUMENTS("--proxysql.password", "two", "words"), NULL,
                               "unexpected argument after a secret (settings are given as --key=value)");
    config_fixture_must_refuse(f, ARGUMENTS("--proxysql.pasword=s3cret"), NULL,
                               "unknown flag \"--proxysql.pasword\" (is --proxysql.password meant?)");
    config_fixture_must_load(f, NULL, ENVIRONMENT("AGENT_PROXYSQL_PASWORD=s3cret"));
    assert_string_equal(f->loaded->warnings.items[0], "environment: unknown variable \"AGENT_PROXYSQL_PASWORD\" is "
                                                      "ignored (is AGENT_PROXYSQL_PASSWORD meant?)");
}

static void what_the_command_line_asks_for(void **state)
{
    struct config_fixture *f = *state;
    static const struct {
        const char *argument;
        enum config_action action;
    } cases[] = {
        {NULL, CONFIG_RUN},
        {"--help", CONFIG_HELP},
        {"-h", CONFIG_HELP},
        {"--version", CONFIG_VERSION},
        {"--show-config", CONFIG_SHOW},
        {"--show-config=true", CONFIG_SHOW},
        {"--show-config=false", CONFIG_RUN},
        {"--check-config", CONFIG_CHECK},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        config_fixture_must_load(f, ARGUMENTS(cases[i].argument), NULL);
        assert_int_equal(f->loaded->action, cases[i].action);
    }
}

static void help_needs_no_valid_configuration(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "api: {port: 80x}\n");
    config_fixture_must_load(f, ARGUMENTS("--help", "--bogus"), ENVIRONMENT("AGENT_API_PORT=x"));
    assert_int_equal(f->loaded->action, CONFIG_HELP);
    assert_int_equal(config_fixture_load(f, ARGUMENTS("--check-config"), NULL), -EINVAL);
}

static void unknown_variables_are_warnings(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "");
    cleanup_free char *file = xasprintf("AGENT_CONFIG_FILE=%s", f->path);
    config_fixture_must_load(
        f, NULL, ENVIRONMENT(file, "HOME=/", "AGENT_API_PROT=1", "AGENT_SOMETHING_ELSE=1", "AGENT_NOVALUE"));
    assert_int_equal(f->loaded->warnings.count, 2);
    assert_string_equal(f->loaded->warnings.items[0],
                        "environment: unknown variable \"AGENT_API_PROT\" is ignored (is AGENT_API_PORT meant?)");
    assert_string_equal(f->loaded->warnings.items[1],
                        "environment: unknown variable \"AGENT_SOMETHING_ELSE\" is ignored");
}

static void password_by_flag_is_a_warning(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_load(f, ARGUMENTS("--proxysql.password=s3cret", "--proxysql.password_file=/p"), NULL);
    assert_string_equal(f->loaded->config.proxysql.password, "s3cret");
    assert_int_equal(f->loaded->warnings.count, 2);
    assert_string_equal(f->loaded->warnings.items[0], "flag --proxysql.password: every process on this machine can "
                                                      "read it, use a file or the environment");
    assert_string_equal(f->loaded->warnings.items[1],
                        "proxysql.password: is not used, proxysql.password_file goes before it");
}

static void tls_settings_must_fit_together(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, ARGUMENTS("--proxysql.tls.mode=required", "--proxysql.tls.cert_file=/c"), NULL,
                               "proxysql.tls.cert_file: needs proxysql.tls.key_file too");
    config_fixture_must_refuse(f, ARGUMENTS("--proxysql.tls.key_file=/k"), NULL,
                               "proxysql.tls.key_file: needs proxysql.tls.cert_file too");
    config_fixture_must_load(f, ARGUMENTS("--proxysql.tls.mode=verify"), NULL);
    assert_string_equal(f->loaded->warnings.items[0], "proxysql.tls.mode: verify without proxysql.tls.ca_file accepts "
                                                      "only certificates of the system's CAs");
    config_fixture_must_load(f, ARGUMENTS("--proxysql.tls.ca_file=/ca"), NULL);
    assert_string_equal(f->loaded->warnings.items[0],
                        "proxysql.tls.mode: is disabled, so the files of proxysql.tls are not used");
    config_fixture_must_load(f, ARGUMENTS("--proxysql.tls.mode=verify", "--proxysql.tls.ca_file=/ca"), NULL);
    assert_int_equal(f->loaded->warnings.count, 0);
}

/* In the order of the documentation: the first folder before the second, .yaml before .yml before no ending. */
static void default_files_are_searched_in_order(void **state)
{
    struct config_fixture *f = *state;
    char second[96];
    (void)snprintf(second, sizeof(second), "%s/second", f->folder);
    assert_int_equal(mkdir(second, 0700), 0);
    static const char *const names[] = {"second/config", "second/config.yml", "second/config.yaml",
                                        "config",        "config.yml",        "config.yaml"};
    const char *const folders[] = {f->folder, second, NULL};
    char *arguments[] = {NULL};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fprintf(file, "api: {port: %zu}\n", i + 1) > 0);
        assert_int_equal(fclose(file), 0);
        config_free(take_ptr(f->loaded));
        assert_int_equal(config_load_from(folders, 0, arguments, arguments, &f->loaded, &f->err), 0);
        assert_int_equal(f->loaded->config.api.port, i + 1);
        assert_string_equal(f->loaded->file, path);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f->folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(second), 0);
}

static void folders_named_like_the_file(void **state)
{
    struct config_fixture *f = *state;
    char bare[96];
    (void)snprintf(bare, sizeof(bare), "%s/config", f->folder);
    assert_int_equal(mkdir(bare, 0700), 0);
    config_fixture_must_load(f, NULL, NULL);
    assert_null(f->loaded->file);

    assert_int_equal(mkdir(f->path, 0700), 0);
    char text[256];
    (void)snprintf(text, sizeof(text), "config file %s: is a folder", f->path);
    config_fixture_must_refuse(f, NULL, NULL, text);
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(rmdir(bare), 0);
}

static void named_file_must_exist(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_refuse(f, NULL, ENVIRONMENT("AGENT_CONFIG_FILE=/nowhere/x.yaml"),
                               "config file /nowhere/x.yaml: No such file or directory");
    assert_int_equal(f->err.code, -ENOENT);
    config_fixture_must_refuse(f, NULL, ENVIRONMENT("AGENT_CONFIG_FILE=/tmp"), "config file /tmp: is a folder");
    config_fixture_must_load(f, NULL, ENVIRONMENT("AGENT_CONFIG_FILE=/dev/null"));
}

static void pipes_and_endless_files_are_refused(void **state)
{
    struct config_fixture *f = *state;
    assert_int_equal(mkfifo(f->path, 0600), 0);
    char text[256];
    (void)snprintf(text, sizeof(text), "config file %s: is not a regular file", f->path);
    config_fixture_must_refuse(f, NULL, NULL, text);
    config_fixture_must_refuse(f, NULL, ENVIRONMENT("AGENT_CONFIG_FILE=/dev/zero"),
                               "config file: read /dev/zero: more than 1048576 bytes");
}

static void unreadable_file_is_refused(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "api: {port: 1}\n");
    assert_int_equal(chmod(f->path, 0), 0);
    if (geteuid() == 0) {
        (void)printf("root may read every file: not tried\n");
        return;
    }
    char text[256];
    (void)snprintf(text, sizeof(text), "config file: open %s: Permission denied", f->path);
    config_fixture_must_refuse(f, NULL, NULL, text);
}

int main(void)
{
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, config_fixture_setup, config_fixture_teardown)
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(table_holds_every_reference_key),
        FIXTURE_TEST(defaults_are_the_references),
        FIXTURE_TEST(every_key_by_file),
        FIXTURE_TEST(every_key_by_environment),
        FIXTURE_TEST(every_key_by_flag),
        FIXTURE_TEST(later_sources_win),
        FIXTURE_TEST(empty_variable_counts_as_unset),
        FIXTURE_TEST(tolerated_spellings_of_the_file),
        FIXTURE_TEST(unknown_level_or_format_is_a_warning),
        FIXTURE_TEST(refusals_name_source_key_value_and_range),
        FIXTURE_TEST(command_lines_that_are_refused),
        FIXTURE_TEST(secrets_stay_out_of_messages),
        FIXTURE_TEST(what_the_command_line_asks_for),
        FIXTURE_TEST(help_needs_no_valid_configuration),
        FIXTURE_TEST(unknown_variables_are_warnings),
        FIXTURE_TEST(password_by_flag_is_a_warning),
        FIXTURE_TEST(tls_settings_must_fit_together),
        FIXTURE_TEST(default_files_are_searched_in_order),
        FIXTURE_TEST(folders_named_like_the_file),
        FIXTURE_TEST(named_file_must_exist),
        FIXTURE_TEST(pipes_and_endless_files_are_refused),
        FIXTURE_TEST(unreadable_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
