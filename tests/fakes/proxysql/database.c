#include "tests/fakes/proxysql/database.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/checksums.h"
#include "tests/fakes/proxysql/schema.h"

static int open_one(sqlite3 **ret_db, const char *uri, struct error *err)
{
    int rc = sqlite3_open_v2(
        uri, ret_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX, NULL);
    if (rc != SQLITE_OK)
        return error_set(err, -EIO, "open %s: %s", uri, sqlite3_errstr(rc));
    return 0;
}

static void create_tables(struct database *db)
{
    static const char *const homes[] = {"main.", "disk.", "live.", "main.runtime_"};
    for (size_t i = 0; i < schema_configuration_tables_len; i++)
        for (size_t h = 0; h < ARRAY_LEN(homes); h++)
            database_mustf(db, "CREATE TABLE IF NOT EXISTS %s%s (%s)", homes[h], schema_configuration_tables[i].name,
                           schema_configuration_tables[i].columns);
    for (size_t i = 0; i < schema_other_tables_len; i++)
        database_mustf(db, "CREATE TABLE %s (%s)", schema_other_tables[i].name, schema_other_tables[i].columns);
    for (size_t i = 0; i < schema_variables_len; i++)
        database_mustf(db, "INSERT INTO main.global_variables VALUES (%Q, %Q)", schema_variables[i].name,
                       schema_variables[i].value);
    /* all that the stats user sees of the variables (lib/ProxySQL_Admin.cpp, issue #708) */
    database_must(db, "INSERT INTO stats.global_variables VALUES ('mysql-max_allowed_packet', '4194304')");
}

/* The file may be another program's, or its folder may be missing. */
static int attach_disk(struct database *db, const char *disk, struct error *err)
{
    db->disk_existed = disk != NULL && access(disk, F_OK) == 0;
    char *sql = sqlite3_mprintf("ATTACH %Q AS disk; PRAGMA disk.synchronous = OFF", disk != NULL ? disk : ":memory:");
    int r = database_run(db, sql, err);
    sqlite3_free(sql);
    return r < 0 ? error_wrap(err, "%s", disk) : 0;
}

int database_init(struct database *db, const char *name, const char *disk, struct error *err)
{
    *db = (struct database){.admin = NULL};
    cleanup_free char *stats_uri = xasprintf("file:%s-stats?mode=memory&cache=shared", name);
    int r = open_one(&db->admin, ":memory:", err);
    if (r == 0)
        r = open_one(&db->stats, stats_uri, err);
    if (r < 0)
        return r;
    database_mustf(db, "ATTACH '%s' AS stats", stats_uri);
    r = attach_disk(db, disk, err);
    if (r < 0)
        return r;
    database_must(db, "ATTACH ':memory:' AS live");
    create_tables(db);
    if (sqlite3_exec(db->stats, "PRAGMA query_only = ON", NULL, NULL, NULL) != SQLITE_OK)
        return error_set(err, -EIO, "stats connection: %s", sqlite3_errmsg(db->stats));
    return 0;
}

void database_fini(struct database *db)
{
    (void)sqlite3_close(db->stats);
    (void)sqlite3_close(db->admin);
    *db = (struct database){.admin = NULL};
}

void database_must(struct database *db, const char *sql)
{
    int rc;
    do { /* a stop interrupts what clients run, and what we run at that moment as well */
        rc = sqlite3_exec(db->admin, sql, NULL, NULL, NULL);
    } while (rc == SQLITE_INTERRUPT);
    if (rc == SQLITE_OK)
        return;
    (void)fprintf(stderr, "fake-proxysql: %s: %s\n", sql, sqlite3_errmsg(db->admin));
    abort();
}

void database_mustf(struct database *db, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *sql = sqlite3_vmprintf(fmt, args);
    va_end(args);
    if (sql == NULL)
        abort();
    database_must(db, sql);
    sqlite3_free(sql);
}

int database_run(struct database *db, const char *sql, struct error *err)
{
    if (sqlite3_exec(db->admin, sql, NULL, NULL, NULL) != SQLITE_OK)
        return error_set(err, -EINVAL, "%s", sqlite3_errmsg(db->admin));
    return 0;
}

static sqlite3_stmt *must_prepare(struct database *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db->admin, sql, -1, &statement, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "fake-proxysql: %s: %s\n", sql, sqlite3_errmsg(db->admin));
        abort();
    }
    return statement;
}

char *database_text(struct database *db, const char *sql)
{
    sqlite3_stmt *statement = must_prepare(db, sql);
    char *text = NULL;
    if (sqlite3_step(statement) == SQLITE_ROW)
        text = xstrdup((const char *)sqlite3_column_text(statement, 0));
    (void)sqlite3_finalize(statement);
    return text;
}

uint64_t database_checksum(struct database *db, const char *query)
{
    uint64_t hash = 0;
    sqlite3_stmt *statement = must_prepare(db, query);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        checksum_row(&hash);
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            checksum_field(&hash, (const char *)sqlite3_column_text(statement, i));
    }
    (void)sqlite3_finalize(statement);
    return hash;
}
