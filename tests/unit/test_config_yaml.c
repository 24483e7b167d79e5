#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/config/option_value.h"
#include "daemon/config/yaml.h"
#include "tests/unit/config_fixture.h"

/* The refusal of the file must be this text; %s in it is the file. */
static void must_refuse(struct config_fixture *f, const char *file, const char *wanted)
{
    char text[sizeof(f->err.text)];
    size_t before = strcspn(wanted, "%");
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)before, wanted, f->path, wanted + before + 2);
    config_fixture_write(f, file);
    config_fixture_must_refuse(f, NULL, NULL, text);
}

static void forms_that_are_refused(void **state)
{
    struct config_fixture *f = *state;
    static const struct {
        const char *file;
        const char *refusal;
    } cases[] = {
        {"just text\n", "config file %s:1:1: the file must hold keys with values"},
        {"- a\n- b\n", "config file %s:1:1: the file must hold keys with values"},
        {"log: INFO\n", "config file %s:1:6: log: must hold keys, not a value"},
        {"core:\n  podselector: [a]\n", "config file %s:2:16: core.podselector: must hold keys, not a value"},
        {"api:\n  port: [80]\n", "config file %s:2:9: api.port: must be a single value"},
        {"api:\n  port: {a: 80}\n", "config file %s:2:9: api.port: must be a single value"},
        {"interfaces: {a: b}\n", "config file %s:1:13: interfaces: must be a list"},
        {"interfaces: [a, [b]]\n", "config file %s:1:17: interfaces: an item must be a single value"},
        {"interfaces: ['', b]\n", "config file %s:1:13: interfaces: \",b\" has an empty item"},
        {"? [a, b]\n: c\n", "config file %s:1:3: a key must be a single name"},
        {"api:\n  port: 1\n  PORT: 2\n", "config file %s:3:9: api.port: given twice (before in line 2)"},
        {"api.port: 1\napi: {port: 2}\n", "config file %s:2:13: api.port: given twice (before in line 1)"},
        {"api:\n  port:\n  port: 2\n", "config file %s:3:9: api.port: given twice (before in line 2)"},
        {"log: {level: INFO}\nLog: {source: 1}\n", "config file %s:2:6: Log: given twice"},
        {"core:\n  podselector: {app: a}\ncore.podselector: {component: b}\n",
         "config file %s:3:19: core.podselector: given twice"},
        {"a: &x 1\nb: *x\n", "config file %s:2:4: aliases (*name) are not supported"},
        {"x: [*y]\n", "config file %s:1:5: aliases (*name) are not supported"},
        {"api: {port: 1}\n---\napi: {port: 2}\n", "config file %s:2:1: more than one document (---)"},
        {"proxysql:\n  password: \"a\\0b\"\n", "config file %s:2:13: a NUL character is not allowed"},
        {"a: [[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]\n", "config file %s:1:19: nested too deeply (allowed: 16 levels)"},
        {"key: [\n", "config file %s:2:1: not valid YAML: did not find expected node content (while parsing a flow "
                     "node)"},
        {"a: b: c\n", "config file %s:1:5: not valid YAML: mapping values are not allowed in this context"},
        {"a: 'b\n", "config file %s:2:1: not valid YAML: found unexpected end of stream (while scanning a quoted "
                    "scalar)"},
        {"a:\n\tb: c\n", "config file %s:2:1: not valid YAML: found character that cannot start any token (while "
                         "scanning for the next token)"},
        {"log:\n  x: \x01\n", "config file %s:2:6: not a text file: control characters are not allowed"},
        {"a: \xff\n", "config file %s:1:4: not a text file: invalid leading UTF-8 octet"},
        {"proxysql:\n  username: \"a\\tb\"\n",
         "config file %s:2:13: proxysql.username: \"a?b\" holds a control character or is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        must_refuse(f, cases[i].file, cases[i].refusal);
}

static void nothing_in_it(void **state)
{
    struct config_fixture *f = *state;
    static const char *const files[] = {"", "\n\n", "# nothing\n", "---\n", "---\n...\n", "{}\n", "~\n", "null\n"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        config_fixture_write(f, files[i]);
        config_fixture_must_load(f, NULL, NULL);
        assert_int_equal(f->loaded->warnings.count, 0);
        for (size_t row = 0; row < option_count; row++)
            assert_int_equal(f->loaded->origin[row].source, CONFIG_FROM_DEFAULT);
    }
}

static void empty_text_is_a_value(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "proxysql:\n  username: \"\"\n  password: 'null'\nrun_mode: ''\ninterfaces: []\n");
    config_fixture_must_load(f, NULL, NULL);
    assert_string_equal(f->loaded->config.proxysql.username, "");
    assert_string_equal(f->loaded->config.proxysql.password, "null");
    assert_int_equal(f->loaded->config.run_mode, RUN_MODE_NONE);
    assert_int_equal(f->loaded->origin[option_find("interfaces", false)].source, CONFIG_FROM_FILE);
}

static void unknown_keys_are_warnings(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "api:\n  prot: 80\n  port: 81\nunknown:\n  - [a, {b: c}]\n  - ? k\n    : v\nlogs.level: x\n"
                            "\"\\e[31m\": 1\n");
    config_fixture_must_load(f, NULL, NULL);
    assert_int_equal(f->loaded->config.api.port, 81);
    static const char *const warnings[] = {
        "2: unknown key api.prot is ignored (is api.port meant?)",
        "4: unknown key unknown is ignored",
        "8: unknown key logs.level is ignored (is log.level meant?)",
        "9: unknown key ?[31m is ignored",
    };
    assert_int_equal(f->loaded->warnings.count, ARRAY_LEN(warnings));
    for (size_t i = 0; i < ARRAY_LEN(warnings); i++) {
        cleanup_free char *text = xasprintf("config file %s:%s", f->path, warnings[i]);
        assert_string_equal(f->loaded->warnings.items[i], text);
    }
}

static void warnings_are_bounded(void **state)
{
    struct config_fixture *f = *state;
    cleanup_buf struct buf file;
    buf_init(&file, YAML_FILE_MAX);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(buf_printf(&file, "unknown%d: x\n", i), 0);
    config_fixture_write(f, file.data);
    config_fixture_must_load(f, NULL, NULL);
    assert_int_equal(f->loaded->warnings.count, CONFIG_WARNINGS_MAX);
    assert_int_equal(f->loaded->warnings.dropped, 5000 - CONFIG_WARNINGS_MAX);
}

static void nesting_up_to_the_limit(void **state)
{
    struct config_fixture *f = *state;
    config_fixture_write(f, "a: [[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]\n");
    config_fixture_must_load(f, NULL, NULL);
}

/* Flow collections nested without end must be refused at the limit, not followed. */
static void endless_nesting_is_refused_at_once(void **state)
{
    struct config_fixture *f = *state;
    cleanup_free char *file = xcalloc(1, YAML_FILE_MAX);
    memset(file, '[', YAML_FILE_MAX - 1);
    memcpy(file, "a: ", 3);
    config_fixture_write(f, file);
    assert_int_equal(config_fixture_load(f, NULL, NULL), -EINVAL);
    assert_non_null(strstr(f->err.text, "nested too deeply"));
}

static void length_limit(void **state)
{
    struct config_fixture *f = *state;
    cleanup_free char *file = xcalloc(1, YAML_FILE_MAX + 2);
    memset(file, '#', YAML_FILE_MAX + 1);
    config_fixture_write(f, file);
    char text[256];
    (void)snprintf(text, sizeof(text), "config file: read %s: more than 1048576 bytes", f->path);
    config_fixture_must_refuse(f, NULL, NULL, text);
    file[YAML_FILE_MAX] = '\0';
    config_fixture_write(f, file);
    config_fixture_must_load(f, NULL, NULL);
}

static void nul_bytes_are_refused(void **state)
{
    struct config_fixture *f = *state;
    static const char file[] = "api:\n  port: 1\n\0log:\n";
    config_fixture_write_bytes(f, file, sizeof(file) - 1);
    char text[256];
    (void)snprintf(text, sizeof(text), "config file %s:3:1: not a text file: control characters are not allowed",
                   f->path);
    config_fixture_must_refuse(f, NULL, NULL, text);
}

static void long_value_is_refused_with_its_place(void **state)
{
    struct config_fixture *f = *state;
    cleanup_free char *value = xcalloc(1, OPTION_TEXT_MAX + 2);
    memset(value, 'x', OPTION_TEXT_MAX + 1);
    cleanup_free char *file = xasprintf("proxysql:\n  username: %s\n", value);
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "config file %s:2:13: proxysql.username: the value is too long (allowed: 4096 "
                   "bytes)",
                   f->path);
    config_fixture_write(f, file);
    config_fixture_must_refuse(f, NULL, NULL, text);
}

static void utf16_is_read(void **state)
{
    struct config_fixture *f = *state;
    static const char file[] = "\xff\xfe"
                               "r\0u\0n\0_\0m\0o\0d\0e\0:\0 \0d\0u\0m\0p\0\n";
    config_fixture_write_bytes(f, file, sizeof(file));
    config_fixture_must_load(f, NULL, NULL);
    assert_int_equal(f->loaded->config.run_mode, RUN_MODE_DUMP);
}

int main(void)
{
#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, config_fixture_setup, config_fixture_teardown)
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(forms_that_are_refused),
        FIXTURE_TEST(nothing_in_it),
        FIXTURE_TEST(empty_text_is_a_value),
        FIXTURE_TEST(unknown_keys_are_warnings),
        FIXTURE_TEST(warnings_are_bounded),
        FIXTURE_TEST(nesting_up_to_the_limit),
        FIXTURE_TEST(endless_nesting_is_refused_at_once),
        FIXTURE_TEST(length_limit),
        FIXTURE_TEST(nul_bytes_are_refused),
        FIXTURE_TEST(long_value_is_refused_with_its_place),
        FIXTURE_TEST(utf16_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
