#include "tests/unit/unit.h"

#include "daemon/config/reference.h"
#include "daemon/config/show.h"
#include "shared/file.h"
#include "tests/unit/config_fixture.h"

enum { TEXT_MAX = 65536 };

static void show(const struct config_fixture *f, struct buf *out)
{
    buf_reset(out);
    assert_int_equal(config_show(f->loaded, out), 0);
}

static void must_hold(const struct buf *text, const char *line)
{
    if (strstr(text->data, line) == NULL)
        fail_msg("no `%s` in:\n%s", line, text->data);
}

static void every_value_with_its_source(void **state)
{
    struct config_fixture *f = *state;
    cleanup_buf struct buf shown;
    buf_init(&shown, TEXT_MAX);
    config_fixture_write(f, "proxysql:\n  username: \"a \\\"quoted\\\" name\"\ninterfaces: [eth0, eth1]\n");
    config_fixture_must_load(f, ARGUMENTS("--api.port=80"), ENVIRONMENT("AGENT_CORE_PODSELECTOR_APP=px"));
    show(f, &shown);
    must_hold(&shown, "start_delay: 0 # default\nrun_mode: \"\" # default\nlog:\n  level: INFO # default\n");
    must_hold(&shown, "  podselector:\n    namespace: \"proxysql\" # default\n"
                      "    app: \"px\" # environment AGENT_CORE_PODSELECTOR_APP\n");
    must_hold(&shown, "\napi:\n  address: \"\" # default\n  port: 80 # flag --api.port\n");
    cleanup_free char *username = xasprintf("  username: \"a \\\"quoted\\\" name\" # file %s:2\n", f->path);
    must_hold(&shown, username);
    cleanup_free char *list = xasprintf("\ninterfaces: [\"eth0\", \"eth1\"] # file %s:3\n", f->path);
    must_hold(&shown, list);
}

static void secrets_are_masked(void **state)
{
    struct config_fixture *f = *state;
    cleanup_buf struct buf shown;
    buf_init(&shown, TEXT_MAX);
    config_fixture_must_load(f, NULL, NULL);
    show(f, &shown);
    must_hold(&shown, "  password: \"\" # default\n");
    config_fixture_must_load(f, NULL, ENVIRONMENT("AGENT_PROXYSQL_PASSWORD=s3cret"));
    show(f, &shown);
    must_hold(&shown, "  password: \"********\" # environment AGENT_PROXYSQL_PASSWORD\n");
    assert_null(strstr(shown.data, "s3cret"));
}

static void shown_text_is_a_configuration_file(void **state)
{
    struct config_fixture *f = *state;
    cleanup_buf struct buf shown;
    buf_init(&shown, TEXT_MAX);
    config_fixture_must_load(f,
                             ARGUMENTS("--proxysql.username=\\ \"' # r\303\244", "--interfaces=a, b",
                                       "--log.format=json", "--proxysql.address=[::1]:1", "--log.probes"),
                             NULL);
    show(f, &shown);
    config_fixture_write(f, shown.data);
    config_fixture_must_load(f, NULL, NULL);
    const struct config *config = &f->loaded->config;
    assert_int_equal(f->loaded->warnings.count, 0);
    assert_string_equal(config->proxysql.username, "\\ \"' # r\303\244");
    assert_int_equal(config->interfaces.count, 2);
    assert_string_equal(config->interfaces.items[1], " b");
    assert_int_equal(config->log.format, LOG_FORMAT_JSON);
    assert_string_equal(config->proxysql.address, "[::1]:1");
    assert_true(config->log.probes);
}

static void help_names_every_flag_but_hidden_ones(void **state)
{
    (void)state;
    cleanup_buf struct buf help;
    buf_init(&help, TEXT_MAX);
    assert_int_equal(config_help(&help), 0);
    for (size_t i = 0; i < option_count; i++) {
        cleanup_free char *flag = xasprintf("\n  --%s", option_table[i].key);
        bool hidden = (option_table[i].flags & OPTION_HIDDEN) != 0;
        if ((strstr(help.data, flag) == NULL) != hidden)
            fail_msg("%s in --help", option_table[i].key);
    }
    must_hold(&help, "  --api.port=NUMBER\n      Port of the HTTP interface.\n      (1 to 65535; default 8080)\n");
    must_hold(&help, "  --log.source\n");
}

static void small_buffer_is_an_error(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_must_load(f, NULL, NULL);
    cleanup_buf struct buf small;
    buf_init(&small, 100);
    assert_true(config_show(f->loaded, &small) < 0);
    assert_true(config_help(&small) < 0);
    assert_true(config_reference(&small) < 0);
    assert_true(config_example(&small) < 0);
}

static void must_be_up_to_date(const char *path, int (*write)(struct buf *))
{
    cleanup_buf struct buf wanted;
    cleanup_buf struct buf found;
    buf_init(&wanted, TEXT_MAX);
    buf_init(&found, TEXT_MAX);
    struct error err = ERROR_INIT;
    assert_int_equal(write(&wanted), 0);
    if (file_read(path, &found, &err) < 0)
        fail_msg("%s", err.text);
    if (strcmp(wanted.data, found.data) != 0)
        fail_msg("%s is not what the option table says, run: cmake --build <build folder> --target config-docs", path);
}

static void repository_files_are_up_to_date(void **state)
{
    (void)state;
    must_be_up_to_date(SOURCE_FOLDER "/docs/configuration.md", config_reference);
    must_be_up_to_date(SOURCE_FOLDER "/config.yaml", config_example);
}

static void example_file_holds_the_defaults(void **state)
{
    struct config_fixture *f = *state;
    cleanup_buf struct buf defaults;
    cleanup_buf struct buf example;
    buf_init(&defaults, TEXT_MAX);
    buf_init(&example, TEXT_MAX);
    config_fixture_must_load(f, NULL, NULL);
    show(f, &defaults);
    config_fixture_must_load(f, NULL, ENVIRONMENT("AGENT_CONFIG_FILE=" SOURCE_FOLDER "/config.yaml"));
    assert_int_equal(f->loaded->warnings.count, 0);
    for (size_t row = 0; row < option_count; row++)
        f->loaded->origin[row].source = CONFIG_FROM_DEFAULT;
    show(f, &example);
    assert_string_equal(example.data, defaults.data);
}

int main(void)
{
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, config_fixture_setup, config_fixture_teardown)
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(every_value_with_its_source),        FIXTURE_TEST(secrets_are_masked),
        FIXTURE_TEST(shown_text_is_a_configuration_file), FIXTURE_TEST(help_names_every_flag_but_hidden_ones),
        FIXTURE_TEST(small_buffer_is_an_error),           FIXTURE_TEST(repository_files_are_up_to_date),
        FIXTURE_TEST(example_file_holds_the_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
