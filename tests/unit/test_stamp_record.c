#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/jobs/stamp_record.h"
#include "shared/mem.h"

static struct error err;

#define HEAD "{\"format\":1,\"boot_id\":\"b-1\",\"boot_ms\":-5,\"modules\":{"
#define MODULE(name, outcome, version, rows) \
    "\"" name "\":{\"outcome\":\"" outcome "\",\"version\":" version ",\"rows\":" rows "}"
#define TWO                                      \
    MODULE("ADMIN VARIABLES", "done", "2", "12") \
    "," MODULE("MYSQL VARIABLES", "loading", "1", "4")
#define THREE                                   \
    MODULE("MYSQL SERVERS", "begun", "1", "-1") \
    "," MODULE("MYSQL USERS", "left alone", "0", "0") "," MODULE("MYSQL QUERY RULES", "follows", "0", "-1")
#define WHOLE HEAD TWO "," THREE "}}"

static void assert_refused(const char *text, const char *why)
{
    struct stamp_record record = {.boot_ms = 77};
    error_clear(&err);
    if (stamp_record_parse(text, strlen(text), &record, &err) != -EPROTO)
        fail_msg("taken: %s", text);
    if (strstr(err.text, why) == NULL)
        fail_msg("\"%s\" is refused with \"%s\" instead of \"%s\"", text, err.text, why);
    assert_int_equal(record.boot_ms, 77);
}

static void assert_same(const struct stamp_record *a, const struct stamp_record *b)
{
    assert_string_equal(a->boot_id, b->boot_id);
    assert_int_equal(a->boot_ms, b->boot_ms);
    for (size_t i = 0; i < ADMIN_MODULES; i++) {
        assert_int_equal(a->modules[i].outcome, b->modules[i].outcome);
        assert_int_equal(a->modules[i].version, b->modules[i].version);
        assert_int_equal(a->modules[i].rows, b->modules[i].rows);
    }
}

static void a_record_is_read(void **state)
{
    (void)state;
    struct stamp_record r;
    assert_int_equal(stamp_record_parse(WHOLE, strlen(WHOLE), &r, NULL), 0);
    assert_string_equal(r.boot_id, "b-1");
    assert_int_equal(r.boot_ms, -5);
    assert_int_equal(r.modules[MODULE_ADMIN_VARIABLES].outcome, STAMP_DONE);
    assert_int_equal(r.modules[MODULE_ADMIN_VARIABLES].version, 2);
    assert_int_equal(r.modules[MODULE_ADMIN_VARIABLES].rows, 12);
    assert_int_equal(r.modules[MODULE_MYSQL_VARIABLES].outcome, STAMP_LOADING);
    assert_int_equal(r.modules[MODULE_MYSQL_SERVERS].outcome, STAMP_BEGUN);
    assert_int_equal(r.modules[MODULE_MYSQL_SERVERS].rows, -1);
    assert_int_equal(r.modules[MODULE_MYSQL_USERS].outcome, STAMP_LEFT_ALONE);
    assert_int_equal(r.modules[MODULE_MYSQL_QUERY_RULES].outcome, STAMP_FOLLOWS);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct stamp_record r;
    struct stamp_record again;
    cleanup_buf struct buf text;
    buf_init(&text, STAMP_RECORD_BYTES_MAX);
    stamp_record_begin(&r, "\"\n", 123456789);
    r.modules[MODULE_MYSQL_USERS] = (struct stamp_module){.outcome = STAMP_LOADING, .version = 7, .rows = 3};
    assert_int_equal(stamp_record_format(&r, &text), 0);
    assert_int_equal(stamp_record_parse(text.data, text.len, &again, NULL), 0);
    assert_same(&r, &again);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    assert_refused("", "");
    assert_refused("{", "");
    assert_refused("[]", "");
    assert_refused(WHOLE "x", "end of file expected");
    assert_refused("{}", "format");
    assert_refused("{\"format\":2}", "its format is 2, not 1");
    assert_refused("{\"format\":\"1\"}", "Expected integer");
    assert_refused("{\"format\":1}", "boot_id");
    assert_refused("{\"format\":1,\"boot_id\":\"b\",\"boot_ms\":1,\"modules\":{},\"more\":1}", "more");
    assert_refused("{\"format\":1,\"boot_id\":\"b\",\"boot_ms\":1.0,\"modules\":{}}", "Expected integer");
    assert_refused("{\"format\":1,\"boot_id\":\"b\",\"boot_ms\":9223372036854775807,\"modules\":{}}", "out of range");
    assert_refused("{\"format\":1,\"boot_id\":\"1234567890123456789012345678901234567890\",\"boot_ms\":1,"
                   "\"modules\":{}}",
                   "boot_id is too long");
    assert_refused("{\"format\":1,\"boot_id\":\"b\",\"boot_ms\":1,\"modules\":[]}", "0 modules");
    assert_refused(HEAD TWO "}}", "2 modules instead of 5");
    assert_refused(HEAD TWO "," THREE "," MODULE("PGSQL USERS", "done", "1", "1") "}}", "6 modules");
    assert_refused(HEAD TWO "," TWO "," THREE "}}", "duplicate");
    assert_refused(HEAD MODULE("ADMIN VARIABLES", "done", "1", "1") "," MODULE("x", "done", "1", "1") "," THREE "}}",
                   "MYSQL VARIABLES is missing");
    assert_refused(
        HEAD MODULE("ADMIN VARIABLES", "gone", "1", "1") "," MODULE("MYSQL VARIABLES", "done", "1", "1") "," THREE "}}",
        "ADMIN VARIABLES: \"gone\" is no outcome");
    assert_refused(HEAD MODULE("ADMIN VARIABLES", "done", "-1", "1") "," MODULE("MYSQL VARIABLES", "done", "1",
                                                                                "1") "," THREE "}}",
                   "version is out of range");
    assert_refused(HEAD MODULE("ADMIN VARIABLES", "done", "1", "-2") "," MODULE("MYSQL VARIABLES", "done", "1",
                                                                                "1") "," THREE "}}",
                   "rows is out of range");
}

static void a_life_is_known_by_the_machine_and_its_clock(void **state)
{
    (void)state;
    struct stamp_record r;
    stamp_record_begin(&r, "b-1", 100000);
    assert_true(stamp_record_is_of(&r, "b-1", 100000));
    assert_true(stamp_record_is_of(&r, "b-1", 102000));
    assert_true(stamp_record_is_of(&r, "b-1", 98000));
    assert_false(stamp_record_is_of(&r, "b-1", 102001));
    assert_false(stamp_record_is_of(&r, "b-1", 97999));
    assert_false(stamp_record_is_of(&r, "b-2", 100000));
}

static void a_file_that_is_missing_large_or_a_link(void **state)
{
    (void)state;
    char folder[] = "/tmp/stamp-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *path = xasprintf("%s/draining.stamp", folder);
    cleanup_free char *link = xasprintf("%s/link", folder);
    struct stamp_record r;
    struct stamp_record again;
    error_clear(&err);
    assert_int_equal(stamp_record_read(path, &r, &err), -ENOENT);
    stamp_record_begin(&r, "b-1", 5);
    assert_int_equal(stamp_record_write(path, &r, NULL), 0);
    assert_int_equal(stamp_record_read(path, &again, NULL), 0);
    assert_same(&r, &again);
    assert_int_equal(symlink(path, link), 0);
    error_clear(&err);
    assert_int_equal(stamp_record_read(link, &again, &err), -ELOOP);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    for (int i = 0; i < STAMP_RECORD_BYTES_MAX; i++)
        assert_int_equal(fputc(' ', file), ' ');
    assert_int_equal(fclose(file), 0);
    error_clear(&err);
    assert_int_equal(stamp_record_read(path, &again, &err), -EFBIG);
    (void)unlink(path);
    (void)unlink(link);
    assert_int_equal(rmdir(folder), 0);
    error_clear(&err);
    assert_int_equal(stamp_record_write(path, &r, &err), -ENOENT);
}

static void the_machine_tells_its_boot(void **state)
{
    (void)state;
    char first[STAMP_BOOT_ID_SIZE];
    char second[STAMP_BOOT_ID_SIZE];
    stamp_read_boot_id(first);
    stamp_read_boot_id(second);
    assert_int_equal(strlen(first), 36);
    assert_string_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_read),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_life_is_known_by_the_machine_and_its_clock),
        cmocka_unit_test(a_file_that_is_missing_large_or_a_link),
        cmocka_unit_test(the_machine_tells_its_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
