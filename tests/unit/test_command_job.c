#include "tests/unit/unit.h"

#include "daemon/commands/command_job.h"

static bool takes(const struct command *c, enum command_way way, const char *name)
{
    const struct argument *a = NULL;
    while ((a = command_next(c, way, a)) != NULL)
        if (strcmp(a->name, name) == 0)
            return true;
    return false;
}

/* Whoever may only look starts no job that others wait for; who comes by HTTP can say how long to wait, and only for a
 * job. */
static void the_two_tables_agree(void **state)
{
    (void)state;
    size_t by_http = 0;
    for (size_t i = 0; i < COMMAND_IDS; i++) {
        const struct command *c = &command_table[i];
        bool has_job = command_has_job(c);
        assert_int_equal(c->rights == COMMAND_CHANGE, has_job || i == COMMAND_LOG_LEVEL);
        assert_int_equal(takes(c, COMMAND_BY_HTTP, "wait_s"), has_job && c->http_path != NULL);
        assert_false(takes(c, COMMAND_BY_CONTROL, "wait_s") || takes(c, COMMAND_BY_LINE, "wait_s"));
        assert_true(!has_job || command_job(c) < JOB_IDS);
        if (c->http_path == NULL)
            continue;
        by_http++;
        assert_true(has_job || i == COMMAND_LOG_LEVEL);
        assert_string_equal(strrchr(c->http_path, '/') + 1, c->name);
    }
    assert_int_equal(by_http, 6);
}

/* Names on the wire are indexes of our enumerations. */
static void names_are_in_the_order_of_what_they_stand_for(void **state)
{
    (void)state;
    const struct argument *level = command_next(&command_table[COMMAND_LOG_LEVEL], COMMAND_BY_CONTROL, NULL);
    for (int i = 0; level->names[i] != NULL; i++)
        assert_string_equal(level->names[i], log_level_name((enum log_level)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_tables_agree),
        cmocka_unit_test(names_are_in_the_order_of_what_they_stand_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
