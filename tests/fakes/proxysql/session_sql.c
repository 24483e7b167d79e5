#include "tests/fakes/proxysql/session_sql.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/mem.h"

enum { sleep_max_s = 3600 };

int64_t session_sql_delay_us(const char *sql)
{
    const char *call = strcasestr(sql, "SLEEP(");
    double seconds = call != NULL ? strtod(call + strlen("SLEEP("), NULL) : 0;
    if (!(seconds > 0))
        return 0;
    return (int64_t)((seconds < sleep_max_s ? seconds : sleep_max_s) * 1e6);
}

static void finish(struct session *s, bool commit)
{
    backend_end(s->link, commit);
}

static void do_begin(struct session *s, const char *rest)
{
    (void)rest;
    finish(s, true);
    backend_begin(s->link);
}

static void do_commit(struct session *s, const char *rest)
{
    (void)rest;
    finish(s, true);
}

static void do_rollback(struct session *s, const char *rest)
{
    (void)rest;
    finish(s, false);
}

/* SET AUTOCOMMIT=1 ends the transaction that autocommit=0 began. */
static void do_autocommit(struct session *s, const char *rest)
{
    rest += strspn(rest, " =");
    bool on = *rest == '1' || strncasecmp(rest, "on", 2) == 0 || strncasecmp(rest, "true", 4) == 0;
    if (on && !s->autocommit)
        finish(s, true);
    s->autocommit = on;
}

static void do_set(struct session *s, const char *rest)
{
    if (rest[0] == '@' && rest[1] != '@')
        s->status_flags |= SESSION_USER_VARIABLE;
}

static void do_use(struct session *s, const char *rest)
{
    (void)snprintf(s->db, sizeof s->db, "%.*s", (int)strcspn(rest, "; `"), rest);
}

static void do_lock_tables(struct session *s, const char *rest)
{
    (void)rest;
    finish(s, true);
    s->status_flags |= SESSION_LOCK_TABLES;
}

static void do_unlock_tables(struct session *s, const char *rest)
{
    (void)rest;
    s->status_flags &= ~(unsigned)SESSION_LOCK_TABLES;
}

/* Statements that the backend's SQLite never sees; they are answered with OK. The first that fits counts. */
static const struct handled {
    const char *prefix;
    void (*run)(struct session *s, const char *rest);
} handled[] = {
    {"BEGIN", do_begin},
    {"START TRANSACTION", do_begin},
    {"COMMIT", do_commit},
    {"ROLLBACK", do_rollback},
    {"SET AUTOCOMMIT", do_autocommit},
    {"SET SESSION AUTOCOMMIT", do_autocommit},
    {"SET", do_set},
    {"USE", do_use},
    {"LOCK TABLES", do_lock_tables},
    {"LOCK TABLE", do_lock_tables},
    {"UNLOCK TABLES", do_unlock_tables},
};

/* What stands behind a prefix of whole words, NULL when it is another statement. */
static const char *after(const char *sql, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncasecmp(sql, prefix, len) != 0 || isalnum((unsigned char)sql[len]) != 0 || sql[len] == '_')
        return NULL;
    return sql + len + strspn(sql + len, " \t\n");
}

/* FOR UPDATE locks nothing here and SQLite does not know it. */
static char *without_locking(const char *sql)
{
    char *text = xstrdup(sql);
    char *tail = strcasestr(text, " FOR UPDATE");
    if (tail != NULL)
        memset(tail, ' ', strlen(" FOR UPDATE"));
    return text;
}

static void note_flags(struct session *s, const char *sql)
{
    if (after(sql, "CREATE TEMPORARY TABLE") != NULL)
        s->status_flags |= SESSION_TEMPORARY_TABLE;
    if (strcasestr(sql, "GET_LOCK(") != NULL)
        s->status_flags |= SESSION_GET_LOCK;
}

static bool touches_a_table(const char *sql)
{
    return after(sql, "SELECT") == NULL || strcasestr(sql, " FROM ") != NULL;
}

static void run_on_backend(struct session *s, const char *sql, struct packet_writer *out)
{
    if (after(sql, "CREATE TABLE") != NULL || after(sql, "DROP TABLE") != NULL)
        finish(s, true);
    else if (!s->autocommit && touches_a_table(sql))
        backend_begin(s->link);
    note_flags(s, sql);
    out->status = session_server_status(s);
    cleanup_free char *text = without_locking(sql);
    const char *expression = after(text, "DO");
    if (expression == NULL) {
        backend_run(s->link, text, true, out);
        return;
    }
    cleanup_free char *select = xasprintf("SELECT %s", expression);
    backend_run(s->link, select, false, out);
}

void session_sql_execute(struct session *s, const char *sql, struct packet_writer *out)
{
    sql += strspn(sql, " \t\n");
    for (size_t i = 0; i < ARRAY_LEN(handled); i++) {
        const char *rest = after(sql, handled[i].prefix);
        if (rest == NULL)
            continue;
        handled[i].run(s, rest);
        out->status = session_server_status(s);
        packet_ok(out, 0, NULL);
        return;
    }
    run_on_backend(s, sql, out);
}
