/*
 * Text in SQL, as SQLite understands it. The input up to the first NUL is a host name, what follows it a comment.
 *
 * Beyond not crashing: what is quoted comes back as the same bytes from one statement with one column; what is refused
 * has control characters; and everything that member_parse() takes can be quoted.
 */
#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cluster/member.h"
#include "daemon/proxysql/sql.h"
#include "tests/fuzz/fuzz.h"

enum { statement_bytes_max = 1024 * 1024 };

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

static void check_round_trip(const char *sql, const char *value)
{
    static sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    bool good = (db != NULL || sqlite3_open(":memory:", &db) == SQLITE_OK) &&
                sqlite3_prepare_v2(db, sql, -1, &statement, &rest) == SQLITE_OK && *rest == '\0' &&
                sqlite3_column_count(statement) == 1 && sqlite3_bind_parameter_count(statement) == 0 &&
                sqlite3_step(statement) == SQLITE_ROW && (size_t)sqlite3_column_bytes(statement, 0) == strlen(value) &&
                memcmp(sqlite3_column_blob(statement, 0), value, strlen(value)) == 0;
    (void)sqlite3_finalize(statement);
    if (!good)
        abort();
}

/* A blob of no bytes is NULL for SQLite, so the empty text is not compared. */
static bool quotes(const char *value)
{
    cleanup_buf struct buf sql;
    buf_init(&sql, statement_bytes_max);
    int rc = buf_puts(&sql, "SELECT ");
    assert(rc == 0);
    rc = sql_quote(&sql, value);
    if (rc == 0 && value[0] != '\0')
        check_round_trip(sql.data, value);
    if ((rc == 0) == has_control(value) || (rc < 0 && (rc != -EINVAL || strcmp(sql.data, "SELECT ") != 0)))
        abort();
    return rc == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > statement_bytes_max / 4)
        return 0;
    char *text = malloc(size + 2);
    assert(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    text[size + 1] = '\0';
    const char *comment = text + strlen(text) + 1;

    struct member m;
    struct error err = ERROR_INIT;
    int rc = member_parse(text, "6032", "0", comment, &m, &err);
    bool host_quotes = quotes(text);
    bool comment_quotes = quotes(comment);
    if (rc == 0 && (!host_quotes || !comment_quotes || strcmp(m.host, text) != 0 || strcmp(m.comment, comment) != 0))
        abort();
    if (rc < 0 && (rc != -EPROTO || err.text[0] == '\0'))
        abort();
    free(text);
    return 0;
}
