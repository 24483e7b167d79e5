#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/config/change.h"
#include "daemon/config/option_value.h"
#include "tests/unit/config_fixture.h"

static struct loaded_config *load(struct config_fixture *f, const char *text)
{
    config_fixture_write(f, text);
    config_fixture_must_load(f, NULL, NULL);
    return take_ptr(f->loaded);
}

static size_t row_of(const char *key)
{
    int row = option_find(key, false);
    assert_true(row >= 0);
    return (size_t)row;
}

static void must_name(const bool marked[OPTION_COUNT_MAX], const char *keys)
{
    cleanup_buf struct buf out;
    buf_init(&out, 4096);
    assert_int_equal(config_write_keys(marked, &out), 0);
    assert_string_equal(out.data, keys);
}

static void what_may_change_changes_and_the_rest_stays(void **state)
{
    struct loaded_config *current = load(*state, "api: {port: 1001}\ncore: {interval: 5}\n");
    struct loaded_config *next = load(*state, "api:\n  port: 2002\ncore: {interval: 6}\nlog: {level: DEBUG}\n");
    struct config_changes changes;
    config_merge(current, next, &changes);

    must_name(changes.live, "log.level, core.interval");
    must_name(changes.pending, "api.port");
    assert_int_equal(changes.live_count, 2);
    assert_int_equal(changes.pending_count, 1);
    assert_int_equal(next->config.core.interval, 6);
    assert_int_equal(next->config.api.port, 1001);
    assert_true(next->origin[row_of("api.port")].pending);
    assert_int_equal(next->origin[row_of("api.port")].line, 1);
    assert_false(next->origin[row_of("core.interval")].pending);
    config_free(current);
    config_free(next);
}

static void what_waits_for_a_restart_waits_until_the_file_goes_back(void **state)
{
    struct loaded_config *first = load(*state, "api: {port: 1001}\n");
    struct loaded_config *second = load(*state, "api: {port: 2002}\n");
    struct config_changes changes;
    config_merge(first, second, &changes);
    struct loaded_config *third = load(*state, "api: {port: 2002}\n");
    config_merge(second, third, &changes);
    must_name(changes.pending, "api.port");
    struct loaded_config *fourth = load(*state, "api: {port: 1001}\n");
    config_merge(third, fourth, &changes);
    assert_int_equal(changes.pending_count, 0);
    assert_false(fourth->origin[row_of("api.port")].pending);
    config_free(first);
    config_free(second);
    config_free(third);
    config_free(fourth);
}

/* Every row: a value that differs is seen, copied whole, and equal afterwards. */
static void every_option_is_compared_and_copied(void **state)
{
    (void)state;
    for (size_t row = 0; row < option_count; row++) {
        const struct option *option = &option_table[row];
        struct config a = {.start_delay = 0};
        struct config b = {.start_delay = 0};
        option_set_defaults(&a);
        option_set_defaults(&b);
        assert_true(option_equal(&a, &b, option));
        const char *text = option->type == OPTION_HOST_PORT   ? "other:1"
                           : option->type == OPTION_CIDR_LIST ? "10.0.0.0/8,::1"
                                                              : "other";
        char number[32];
        if (option->type == OPTION_INT) {
            (void)snprintf(number, sizeof(number), "%lld", (long long)(option->max));
            text = strcmp(number, option->default_text) == 0 ? "1" : number;
        }
        if (option->type == OPTION_BOOL)
            text = strcmp(option->default_text, "true") == 0 ? "false" : "true";
        for (const struct option_name *n = option->names; option->type == OPTION_ENUM && n->name != NULL; n++)
            if (strcmp(n->name, option->default_text) != 0 && !n->alias)
                text = n->name;
        if (option_set(&b, option, text, NULL) < 0)
            fail_msg("%s does not take %s", option->key, text);
        if (option_equal(&a, &b, option))
            fail_msg("%s: a difference is not seen", option->key);
        option_copy(&a, &b, option);
        assert_true(option_equal(&a, &b, option));
        option_clear_all(&a);
        option_clear_all(&b);
    }
}

static void lists_of_one_length_differ_by_their_items(void **state)
{
    struct loaded_config *current = load(*state, "api: {shutdown_allow: [10.0.0.0/8, 10.1.0.0/16]}\n");
    struct loaded_config *next = load(*state, "api: {shutdown_allow: [10.0.0.0/8, 10.2.0.0/16]}\n");
    struct config_changes changes;
    config_merge(current, next, &changes);
    must_name(changes.live, "api.shutdown_allow");
    config_merge(next, next, &changes);
    assert_int_equal(changes.live_count, 0);
    config_free(current);
    config_free(next);
}

static void a_file_that_is_gone_is_refused(void **state)
{
    struct config_fixture *f = *state;
    const char *const folders[] = {f->folder, NULL};
    const char *argv[] = {"proxysql-agent", NULL};
    const char *environment[] = {NULL};
    struct loaded_config *current = NULL;
    struct loaded_config *next = NULL;
    config_fixture_write(f, "core: {interval: 5}\n");
    assert_int_equal(config_load_from(folders, 1, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment,
                                      &current, &f->err),
                     0);
    config_fixture_write(f, "core: {interval: 50}\n");
    assert_int_equal(config_load_again(current, &next, &f->err), 0);
    assert_int_equal(next->config.core.interval, 50);
    config_free(next);

    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(config_load_again(current, &next, &f->err), -ENOENT);
    assert_non_null(strstr(f->err.text, f->path));
    config_free(current);
}

static void a_command_sets_the_level_and_nothing_else(void **state)
{
    struct loaded_config *current = load(*state, "log: {level: WARN}\nproxysql: {username: u}\ninterfaces: [a, b]\n");
    struct loaded_config *next = config_with_log_level(current, LOG_LEVEL_DEBUG);
    for (size_t row = 0; row < option_count; row++)
        assert_int_equal(option_equal(&current->config, &next->config, &option_table[row]),
                         strcmp(option_table[row].key, "log.level") != 0);
    assert_int_equal(next->config.log.level, LOG_LEVEL_DEBUG);
    assert_int_equal(next->origin[row_of("log.level")].source, CONFIG_FROM_COMMAND);
    assert_int_equal(next->origin[row_of("proxysql.username")].source, CONFIG_FROM_FILE);
    config_free(current);
    assert_string_equal(next->config.proxysql.username, "u");
    config_free(next);
}

#define CHANGE(test) cmocka_unit_test_setup_teardown(test, config_fixture_setup, config_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE(what_may_change_changes_and_the_rest_stays),
        CHANGE(what_waits_for_a_restart_waits_until_the_file_goes_back),
        CHANGE(every_option_is_compared_and_copied),
        CHANGE(lists_of_one_length_differ_by_their_items),
        CHANGE(a_file_that_is_gone_is_refused),
        CHANGE(a_command_sets_the_level_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
