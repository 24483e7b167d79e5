#include "tests/fakes/proxysql/backend.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/packet_sqlite.h"

enum { type_longlong = 0x08, type_var_string = 0xfd };

static const char shared_uri[] = "file:backend?mode=memory&cache=shared";

struct backend {
    sqlite3 *keeper; /* keeps the tables while no session has a link */
};

struct backend_link {
    sqlite3 *db;
    bool in_transaction;
    char *statements[BACKEND_TRANSACTION_MAX]; /* those of the open transaction that change something */
    size_t len;
};

static void must(bool good, sqlite3 *db)
{
    if (good)
        return;
    (void)fprintf(stderr, "fake-proxysql: backend: %s\n", sqlite3_errmsg(db));
    abort();
}

static sqlite3 *open_shared(void)
{
    sqlite3 *db = NULL;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;
    must(sqlite3_open_v2(shared_uri, &db, flags, NULL) == SQLITE_OK, db);
    must(sqlite3_db_config(db, SQLITE_DBCONFIG_MAINDBNAME, "test") == SQLITE_OK, db);
    return db;
}

struct backend *backend_new(void)
{
    struct backend *b = xcalloc(1, sizeof *b);
    b->keeper = open_shared();
    return b;
}

void backend_free(struct backend *b)
{
    if (b == NULL)
        return;
    (void)sqlite3_close(b->keeper);
    free(b);
}

static void answer_data(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    (void)argv;
    sqlite3_result_int64(context, (int64_t)(intptr_t)sqlite3_user_data(context));
}

/* A function of MySQL that always says the same number; SLEEP has slept before. */
static void add_function(sqlite3 *db, const char *name, int arguments, int64_t answer)
{
    must(sqlite3_create_function(db, name, arguments, SQLITE_UTF8, (void *)(intptr_t)answer, answer_data, NULL, NULL) ==
             SQLITE_OK,
         db);
}

struct backend_link *backend_link_new(struct backend *b, uint32_t session_id)
{
    (void)b;
    struct backend_link *link = xcalloc(1, sizeof *link);
    link->db = open_shared();
    add_function(link->db, "SLEEP", 1, 0);
    add_function(link->db, "GET_LOCK", 2, 1);
    add_function(link->db, "RELEASE_LOCK", 1, 1);
    add_function(link->db, "CONNECTION_ID", 0, session_id);
    return link;
}

static void forget(struct backend_link *link)
{
    while (link->len > 0)
        free(link->statements[--link->len]);
    link->in_transaction = false;
}

void backend_link_free(struct backend_link *link)
{
    if (link == NULL)
        return;
    forget(link);
    (void)sqlite3_close(link->db);
    free(link);
}

static void must_run(struct backend_link *link, const char *sql)
{
    must(sqlite3_exec(link->db, sql, NULL, NULL, NULL) == SQLITE_OK, link->db);
}

/* Somebody else may have changed what they rest on: a statement that fails now is left out. */
static void replay(struct backend_link *link)
{
    must_run(link, "BEGIN");
    for (size_t i = 0; i < link->len; i++)
        (void)sqlite3_exec(link->db, link->statements[i], NULL, NULL, NULL);
}

/* The first row's types are those of the columns. */
static int answer_rows(sqlite3_stmt *statement, int columns, struct packet_writer *out)
{
    int rc = sqlite3_step(statement);
    packet_column_count(out, (unsigned)columns);
    for (int i = 0; i < columns; i++) {
        bool number = rc == SQLITE_ROW && sqlite3_column_type(statement, i) == SQLITE_INTEGER;
        packet_column_typed(out, sqlite3_column_name(statement, i), number ? type_longlong : type_var_string);
    }
    packet_eof(out);
    for (; rc == SQLITE_ROW; rc = sqlite3_step(statement))
        packet_sqlite_row(out, statement);
    if (rc == SQLITE_DONE)
        packet_eof(out);
    return rc;
}

static void answer_error(struct backend_link *link, int rc, struct packet_writer *out)
{
    bool constraint = rc == SQLITE_CONSTRAINT;
    packet_err(out, constraint ? 1062 : 1064, constraint ? "23000" : "42000", sqlite3_errmsg(link->db));
}

/* True: it was well and has changed something. */
static bool run_one(struct backend_link *link, const char *sql, bool rows, struct packet_writer *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(link->db, sql, -1, &statement, NULL);
    bool changes = statement != NULL && sqlite3_stmt_readonly(statement) == 0;
    if (statement != NULL) {
        int columns = sqlite3_column_count(statement);
        int before = sqlite3_total_changes(link->db);
        rc = rows && columns > 0 ? answer_rows(statement, columns, out) : sqlite3_step(statement);
        if ((rc == SQLITE_DONE || rc == SQLITE_ROW) && !(rows && columns > 0))
            packet_ok(out, (uint64_t)(sqlite3_total_changes(link->db) - before), NULL);
    }
    bool good = statement != NULL && (rc == SQLITE_DONE || rc == SQLITE_ROW);
    if (!good)
        answer_error(link, rc, out);
    (void)sqlite3_finalize(statement);
    return good && changes;
}

void backend_run(struct backend_link *link, const char *sql, bool rows, struct packet_writer *out)
{
    if (!link->in_transaction) {
        (void)run_one(link, sql, rows, out);
        return;
    }
    if (link->len == BACKEND_TRANSACTION_MAX) {
        packet_err(out, 1197, "HY000", "too many statements in one transaction for the stand-in");
        return;
    }
    replay(link);
    bool changed = run_one(link, sql, rows, out);
    must_run(link, "ROLLBACK");
    if (changed)
        link->statements[link->len++] = xstrdup(sql);
}

void backend_begin(struct backend_link *link)
{
    link->in_transaction = true;
}

void backend_end(struct backend_link *link, bool commit)
{
    if (commit && link->len > 0) {
        replay(link);
        must_run(link, "COMMIT");
    }
    forget(link);
}

bool backend_in_transaction(const struct backend_link *link)
{
    return link->in_transaction;
}
