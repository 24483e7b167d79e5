#include "tests/unit/unit.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "daemon/proxysql/sql.h"
#include "shared/compiler.h"

static sqlite3 *db;

static int open_db(void **state)
{
    (void)state;
    return sqlite3_open(":memory:", &db) == SQLITE_OK ? 0 : -1;
}

static int close_db(void **state)
{
    (void)state;
    return sqlite3_close(db) == SQLITE_OK ? 0 : -1;
}

/* Texts that would like to end the literal early. */
static const char *const hostile[] = {
    "",
    "'",
    "''",
    "'''",
    "it's",
    "\\'",
    "\\",
    "\\\\'",
    "');DROP TABLE members;--",
    "' OR '1'='1",
    "'/*",
    "*/'",
    "-- x",
    "\"x\"",
    "`x`",
    "[x]",
    "?",
    "?1",
    ":name",
    "@name",
    "$name",
    "%s%n",
    "x'00'",
    "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x92\xa9",
    "\xff\xfe'",
    "\xbf'; DROP TABLE members",
    "\xe2\x80\x99 \xca\xbc",
    " a ",
};

static void literals_are_spelled_the_sqlite_way(void **state)
{
    (void)state;
    static const struct {
        const char *value, *literal;
    } rows[] = {
        {"", "''"}, {"a", "'a'"}, {"it's", "'it''s'"}, {"'", "''''"}, {"a\\b", "'a\\b'"}, {"a\"b", "'a\"b'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup_buf struct buf sql;
        buf_init(&sql, 100);
        assert_int_equal(sql_quote(&sql, rows[i].value), 0);
        assert_string_equal(sql.data, rows[i].literal);
    }
}

/* One statement, one column, and exactly the bytes that went in. */
static void assert_round_trip(const char *value)
{
    cleanup_buf struct buf sql;
    buf_init(&sql, 4096);
    assert_int_equal(buf_puts(&sql, "SELECT "), 0);
    assert_int_equal(sql_quote(&sql, value), 0);
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    if (sqlite3_prepare_v2(db, sql.data, -1, &statement, &rest) != SQLITE_OK)
        fail_msg("%s: %s", sql.data, sqlite3_errmsg(db));
    assert_string_equal(rest, "");
    assert_int_equal(sqlite3_column_count(statement), 1);
    assert_int_equal(sqlite3_bind_parameter_count(statement), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_type(statement, 0), SQLITE_TEXT);
    assert_int_equal(sqlite3_column_bytes(statement, 0), strlen(value));
    assert_string_equal((const char *)sqlite3_column_text(statement, 0), value);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void sqlite_reads_back_what_was_quoted(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
        assert_round_trip(hostile[i]);
}

static void every_printable_byte_makes_the_trip(void **state)
{
    (void)state;
    for (int c = 0x20; c < 0x100; c++) {
        if (c == 0x7f)
            continue;
        const char value[] = {(char)c, '\'', (char)c, '\0'};
        assert_round_trip(value);
    }
}

static void control_characters_are_refused(void **state)
{
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        if (c >= 0x20 && c != 0x7f)
            continue;
        const char value[] = {'a', (char)c, 'b', '\0'};
        cleanup_buf struct buf sql;
        buf_init(&sql, 100);
        assert_int_equal(buf_puts(&sql, "SELECT "), 0);
        assert_int_equal(sql_quote(&sql, value), -EINVAL);
        assert_string_equal(sql.data, "SELECT "); /* as before */
    }
}

/* The limit may be reached at the opening quote, in the text, between two quotes of a pair, at the closing quote. */
static void over_the_limit_the_statement_is_as_before(void **state)
{
    (void)state;
    static const char value[] = "a'b"; /* 'a''b' */
    enum { before = 7, literal = 6 };
    for (size_t room = 0; room <= literal; room++) {
        cleanup_buf struct buf sql;
        buf_init(&sql, before + room);
        assert_int_equal(buf_puts(&sql, "SELECT "), 0);
        int rc = sql_quote(&sql, value);
        assert_int_equal(rc, room < literal ? -EMSGSIZE : 0);
        assert_string_equal(sql.data, room < literal ? "SELECT " : "SELECT 'a''b'");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_spelled_the_sqlite_way),
        cmocka_unit_test(sqlite_reads_back_what_was_quoted),
        cmocka_unit_test(every_printable_byte_makes_the_trip),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(over_the_limit_the_statement_is_as_before),
    };
    return cmocka_run_group_tests(tests, open_db, close_db);
}
