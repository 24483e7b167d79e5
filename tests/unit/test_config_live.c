#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/config/item.h"
#include "daemon/config/live.h"
#include "shared/mem.h"
#include "shared/thread.h"
#include "tests/unit/config_fixture.h"

static struct loaded_config *load(struct config_fixture *f, int64_t interval)
{
    cleanup_free char *text = xasprintf("core:\n  interval: %lld\nproxysql:\n  username: user-%lld\n",
                                        (long long)interval, (long long)interval);
    config_fixture_write(f, text);
    config_fixture_must_load(f, NULL, NULL);
    return take_ptr(f->loaded);
}

static void replace(struct config_live *live, struct loaded_config *next)
{
    (void)config_live_change_begin(live);
    config_live_change_end(live, next);
}

static void a_snapshot_outlives_its_replacement_and_the_holder(void **state)
{
    struct config_live *live = config_live_new(load(*state, 1));
    const struct config *before = config_live_get(live);
    replace(live, load(*state, 2));
    const struct config *after = config_live_get(live);

    assert_int_equal(before->core.interval, 1);
    assert_string_equal(before->proxysql.username, "user-1");
    assert_int_equal(after->core.interval, 2);
    config_live_put(before);
    config_live_free(live);
    assert_string_equal(after->proxysql.username, "user-2");
    config_live_put(after);
}

static void a_snapshot_tells_where_values_came_from(void **state)
{
    struct config_fixture *f = *state;
    struct config_live *live = config_live_new(load(f, 7));
    {
        cleanup_config const struct config *config = config_live_get(live);
        const struct loaded_config *loaded = config_live_loaded(config);
        assert_string_equal(loaded->file, f->path);
        assert_int_equal(loaded->origin[option_find("core.interval", false)].source, CONFIG_FROM_FILE);
        assert_int_equal(loaded->origin[option_find("core.interval", false)].line, 2);
    }
    config_live_free(live);
}

static void a_command_sets_the_level_of_settings_and_log(void **state)
{
    struct config_live *live = config_live_new(load(*state, 7));
    enum log_level before = log_get_level();
    config_live_set_log_level(live, LOG_LEVEL_ERROR);
    const struct config *config = config_live_get(live);
    assert_int_equal(log_get_level(), LOG_LEVEL_ERROR);
    assert_int_equal(config->log.level, LOG_LEVEL_ERROR);
    assert_int_equal(config->core.interval, 7);

    cleanup_config_item struct config_item item;
    size_t row = (size_t)option_find("log.level", false);
    assert_int_equal(config_item_init(&item, config_live_loaded(config), row), 0);
    assert_string_equal(item.source, "command");
    assert_string_equal(item.value.data, "ERROR");
    assert_true(item.reloads && !item.pending);
    config_live_put(config);
    config_live_free(live);
    log_set_level(before);
}

enum { readers = 4, replacements = 200 };

struct storm {
    struct config_live *live;
    _Atomic bool over;
    _Atomic uint64_t torn;
};

static void *read_until_over(void *arg)
{
    struct storm *s = arg;
    while (!atomic_load(&s->over)) {
        cleanup_config const struct config *config = config_live_get(s->live);
        char wanted[32];
        (void)snprintf(wanted, sizeof(wanted), "user-%lld", (long long)config->core.interval);
        if (strcmp(config->proxysql.username, wanted) != 0)
            atomic_fetch_add(&s->torn, 1);
    }
    return NULL;
}

static void readers_see_one_whole_configuration_each(void **state)
{
    struct storm s = {.live = config_live_new(load(*state, 1))};
    pthread_t threads[readers];
    for (size_t i = 0; i < readers; i++)
        assert_int_equal(thread_start(&threads[i], "reader", read_until_over, &s, NULL), 0);
    for (int i = 1; i <= replacements; i++)
        replace(s.live, load(*state, i));
    atomic_store(&s.over, true);
    for (size_t i = 0; i < readers; i++)
        thread_join(threads[i]);
    assert_int_equal(atomic_load(&s.torn), 0);
    config_live_free(s.live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_snapshot_outlives_its_replacement_and_the_holder, config_fixture_setup,
                                        config_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_tells_where_values_came_from, config_fixture_setup,
                                        config_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_command_sets_the_level_of_settings_and_log, config_fixture_setup,
                                        config_fixture_teardown),
        cmocka_unit_test_setup_teardown(readers_see_one_whole_configuration_each, config_fixture_setup,
                                        config_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
