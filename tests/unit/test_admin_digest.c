#include "tests/unit/admin_fixture.h"

#include <errno.h>

#include "daemon/proxysql/admin_digest.h"
#include "shared/clock.h"

enum { slack_ms = BUILT_WITH_SANITIZER ? 3000 : 600 };

static const char *const version_3[] = {"--version", "3.0.1", NULL};
static unsigned rows, ticks;
static int stop_at_row, tick_code;

static int start_3(void **state)
{
    (void)state;
    start_stand_in_with(version_3);
    return 0;
}

static int take(void *arg, const struct db_row *row, struct error *row_err)
{
    (void)arg;
    assert_int_equal(row->count, ADMIN_DIGEST_COLUMNS);
    assert_string_equal(row->values[ADMIN_DIGEST_SCHEMANAME], "app");
    assert_memory_equal(row->values[ADMIN_DIGEST_DIGEST], "0x", 2);
    rows++;
    return (int)rows == stop_at_row ? error_set(row_err, -EFBIG, "enough") : 0;
}

static int tick(void *arg, struct error *tick_err)
{
    (void)arg;
    ticks++;
    return tick_code == 0 ? 0 : error_set(tick_err, tick_code, "stopped");
}

static int read_all(enum admin_digest_table table, bool reset, int64_t answer_ms)
{
    const struct db_stream stream = {.answer_ms = answer_ms, .gap_ms = 1000, .tick_ms = 20, .tick = tick};
    error_clear(&err);
    rows = 0;
    ticks = 0;
    return admin_read_digests(conn, table, reset, &stream, take, NULL, &err);
}

static void reads_and_resets(void **state)
{
    (void)state;
    uint64_t bytes = 0;
    stop_at_row = tick_code = 0;
    stand_in_tell(&px, "digests 5000");
    assert_int_equal(admin_read_digest_bytes(conn, soon(), &bytes, &err), 0);
    assert_int_equal(bytes, 5000 * 350);
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, enough_ms), 0);
    assert_int_equal(rows, 5000);
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, true, enough_ms), 0);
    assert_int_equal(rows, 5000);
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, true, enough_ms), 0);
    assert_int_equal(rows, 0);
}

static void looking_builds_and_resets_nothing(void **state)
{
    (void)state;
    stand_in_tell(&px, "digests 10");
    stand_in_tell(&px, "digests-busy 60000");
    assert_int_equal(admin_check_digests(conn, ADMIN_DIGEST_MYSQL, true, soon(), &err), 0);
    assert_int_equal(admin_check_digests(conn, ADMIN_DIGEST_MYSQL, false, soon(), &err), 0);
    assert_int_equal(admin_check_digests(conn, ADMIN_DIGEST_PGSQL, false, soon(), &err), -ENOENT);
    stand_in_tell(&px, "digests-busy off");
    stop_at_row = tick_code = 0;
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, enough_ms), 0);
    assert_int_equal(rows, 10);
}

static void pgsql_has_them_too(void **state)
{
    (void)state;
    stop_at_row = tick_code = 0;
    assert_int_equal(admin_check_digests(conn, ADMIN_DIGEST_PGSQL, true, soon(), &err), 0);
    stand_in_tell(&px, "pgsql-digests 3");
    assert_int_equal(read_all(ADMIN_DIGEST_PGSQL, true, enough_ms), 0);
    assert_int_equal(rows, 3);
}

static void missing_column_is_named(void **state)
{
    (void)state;
    error_clear(&err);
    stand_in_tell(&px, "sql ALTER TABLE stats.stats_mysql_query_digest RENAME COLUMN digest TO fingerprint");
    assert_int_equal(admin_check_digests(conn, ADMIN_DIGEST_MYSQL, false, soon(), &err), -EPROTO);
    assert_string_equal(err.text, "this ProxySQL's stats_mysql_query_digest has no column digest");
}

/* The first row is waited for with ticks, up to its bound; then the statement is in flight. */
static void first_row_has_a_bound(void **state)
{
    (void)state;
    stop_at_row = tick_code = 0;
    stand_in_tell(&px, "digests 10");
    stand_in_tell(&px, "digests-busy 1500");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, 200), -ETIMEDOUT);
    assert_in_range(clock_mono_ms() - begin_ms, 200, 200 + slack_ms);
    assert_true(ticks >= 3);
    assert_true(db_conn_busy(conn) && !db_conn_broken(conn) && !db_conn_answering(conn));
    int rc = -EINPROGRESS;
    while (rc == -EINPROGRESS && clock_mono_ms() < begin_ms + enough_ms)
        rc = db_conn_resume(conn);
    assert_int_equal(rc, 0);
    assert_false(db_conn_busy(conn));
}

static void tick_ends_the_wait(void **state)
{
    (void)state;
    stop_at_row = 0;
    tick_code = -ECANCELED;
    stand_in_tell(&px, "digests 10");
    stand_in_tell(&px, "digests-busy 60000");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, enough_ms), -ECANCELED);
    assert_true(clock_mono_ms() - begin_ms < 20 + slack_ms);
    assert_string_equal(err.text, "stopped");
    assert_true(db_conn_broken(conn));
}

static void row_ends_the_answer(void **state)
{
    (void)state;
    stop_at_row = 7;
    tick_code = 0;
    stand_in_tell(&px, "digests 100000");
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, enough_ms), -EFBIG);
    assert_int_equal(rows, 7);
    assert_true(db_conn_broken(conn));
}

/* A server that stops in the middle of the rows is not waited for longer than the gap. */
static void silence_between_rows_has_a_bound(void **state)
{
    (void)state;
    stop_at_row = tick_code = 0;
    stand_in_tell(&px, "digests 1000");
    stand_in_tell(&px, "drip 200");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(read_all(ADMIN_DIGEST_MYSQL, false, 1000), -ETIMEDOUT);
    assert_in_range(clock_mono_ms() - begin_ms, 1000, 2 * (1000 + slack_ms));
    stand_in_tell(&px, "drip off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND_IN(reads_and_resets),
        STAND_IN(looking_builds_and_resets_nothing),
        cmocka_unit_test_setup_teardown(pgsql_has_them_too, start_3, stop_stand_in),
        STAND_IN(missing_column_is_named),
        STAND_IN(first_row_has_a_bound),
        STAND_IN(tick_ends_the_wait),
        STAND_IN(row_ends_the_answer),
        STAND_IN(silence_between_rows_has_a_bound),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
