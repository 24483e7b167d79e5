#include "tests/fakes/proxysql/admin_sql.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/digests.h"
#include "tests/fakes/proxysql/modules.h"
#include "tests/fakes/proxysql/packet_sqlite.h"
#include "tests/fakes/proxysql/refresh.h"

static const char error_prefix[] = "ProxySQL Admin Error: ";

/* Past what sanitizers look for at an orderly end, threads that were not joined among it. */
static NORETURN void end_at_once(int status)
{
    (void)syscall(SYS_exit_group, status);
    abort();
}

static bool answer_error(struct packet_writer *out, const char *text)
{
    cleanup_free char *message = xasprintf("%s%s", error_prefix, text);
    packet_err(out, 1045, "28000", message);
    return false;
}

static bool answer_ok(struct packet_writer *out, uint64_t affected_rows)
{
    packet_ok(out, affected_rows, NULL);
    return true;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* Blanks single, none at the ends, no ';' at the end: how ProxySQL compares its commands. */
static char *normalize(const char *statement)
{
    char *text = xstrdup(statement);
    char *to = text;
    for (const char *from = statement; *from != '\0'; from++) {
        bool blank = isspace((unsigned char)*from) != 0;
        if (!blank)
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > text && (to[-1] == ' ' || to[-1] == ';'))
        to--;
    *to = '\0';
    return text;
}

static void answer_rows(struct packet_writer *out, sqlite3_stmt *statement)
{
    int columns = sqlite3_column_count(statement);
    packet_column_count(out, (unsigned)columns);
    for (int i = 0; i < columns; i++)
        packet_column(out, sqlite3_column_name(statement, i));
    packet_eof(out);
    while (sqlite3_step(statement) == SQLITE_ROW)
        packet_sqlite_row(out, statement);
    packet_eof(out);
}

/* Only the first of several statements is run, and affected rows are SQLite's last count, also after a statement that
 * changes no rows (lib/sqlite3db.cpp, execute_statement). */
static bool run_sql(struct node *node, bool stats, const char *sql, struct packet_writer *out)
{
    sqlite3 *db = stats ? node->db.stats : node->db.admin;
    sqlite3_stmt *statement = NULL;
    bool good = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK;
    if (good && statement != NULL && sqlite3_column_count(statement) > 0) {
        answer_rows(out, statement);
    } else if (good && statement != NULL && sqlite3_step(statement) == SQLITE_DONE) {
        answer_ok(out, (uint64_t)sqlite3_changes(db));
    } else {
        good = false;
        answer_error(out, sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(statement);
    return good;
}

/* PAUSE and RESUME take until every worker has made a pass: on a real node up to 2 s, on 3.x up to 5. 3.0 answers for
 * its PostgreSQL module too. */
static bool pause_traffic(struct node *node, bool pause, struct packet_writer *out)
{
    int mode = atomic_load(&node->faults.pause);
    if (mode == PAUSE_FAILS)
        return answer_error(out, "ProxySQL has been told to fail");
    bool changed = traffic_server_pause(node->traffic, pause);
    gate_stay(&node->gate, atomic_load(&node->faults.pause_ms));
    for (int answers = mode == PAUSE_ANSWERS_TWICE ? 2 : 1; answers > 0; answers--) {
        uint8_t seq = out->seq;
        if (changed)
            answer_ok(out, 0);
        else
            answer_error(out, pause ? "ProxySQL MySQL module is already paused, impossible to pause"
                                    : "ProxySQL MySQL module is not paused, impossible to resume");
        out->seq = seq; /* both answers have the number 1 */
    }
    return changed;
}

static bool name_cluster_client(const struct admin_client *client, const char *text, struct packet_writer *out)
{
    if (cluster_client_name(client->cluster_client, text))
        return answer_ok(out, 0);
    packet_err(out, 1045, "28000", "Received PROXYSQL CLUSTER_NODE_UUID with invalid format");
    return false;
}

/* PROXYSQL <what>. False: not a command we know, SQLite shall complain about it. */
static bool command_proxysql(struct node *node, const struct admin_client *client, const char *command,
                             struct packet_writer *out, bool *ret_good)
{
    const char *what = command + strlen("PROXYSQL ");
    *ret_good = true;
    if (strcasecmp(what, "SHUTDOWN") == 0 || strcasecmp(what, "KILL") == 0)
        end_at_once(EXIT_SUCCESS); /* the client never gets an answer */
    if (strcasecmp(what, "PAUSE") == 0 || strcasecmp(what, "RESUME") == 0)
        *ret_good = pause_traffic(node, strcasecmp(what, "PAUSE") == 0, out);
    else if (starts_with(what, "CLUSTER_NODE_UUID "))
        *ret_good = name_cluster_client(client, what + strlen("CLUSTER_NODE_UUID "), out);
    else if (starts_with(what, "FLUSH LOGS"))
        answer_ok(out, 0);
    else
        return false;
    return true;
}

static bool command_kill(struct node *node, const char *command, struct packet_writer *out)
{
    uint32_t id = (uint32_t)strtoll(command + strlen("KILL CONNECTION "), NULL, 10);
    if (traffic_server_kill(node->traffic, id))
        return answer_ok(out, 0);
    char text[64];
    (void)snprintf(text, sizeof text, "Unknown thread id: %" PRIu32, id);
    return answer_error(out, text);
}

/* SET name=value edits global_variables; an unknown name is answered with OK and a text. */
static bool command_set(struct node *node, bool stats, const char *command, struct packet_writer *out)
{
    const char *name = command + strlen("SET ");
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    while (len > 0 && name[len - 1] == ' ')
        len--;
    const char *value = equals != NULL ? equals + 1 : "";
    char *find = sqlite3_mprintf("SELECT 1 FROM main.global_variables WHERE variable_name = '%.*q'", (int)len, name);
    cleanup_free char *found = database_text(&node->db, find);
    sqlite3_free(find);
    if (found == NULL) {
        cleanup_free char *text = xasprintf("ERROR: Unknown global variable: '%.*s'.", (int)len, name);
        packet_ok(out, 0, text);
        return true;
    }
    char *update = sqlite3_mprintf("UPDATE global_variables SET variable_value=%s WHERE variable_name='%.*q'", value,
                                   (int)len, name);
    bool good = run_sql(node, stats, update, out);
    sqlite3_free(update);
    return good;
}

/* What clients of MySQL send by themselves and ProxySQL answers with OK and nothing else. */
static const char *const accepted[] = {
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "SET character_set_results",
    "SET SQL_AUTO_IS_NULL",
    "SET NAMES",
    "SET AUTOCOMMIT",
    "SET SQL_SAFE_UPDATES=1",
};
static const char *const accepted_from_admin[] = {"LOCK TABLES", "UNLOCK TABLES", "USE "};

static bool is_accepted(const char *command, bool stats)
{
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
        if (starts_with(command, accepted[i]))
            return true;
    for (size_t i = 0; !stats && i < ARRAY_LEN(accepted_from_admin); i++)
        if (starts_with(command, accepted_from_admin[i]))
            return true;
    return false;
}

/* Statements that become another one; a prefix is enough where it says so. */
static const struct rewrite {
    const char *command;
    bool prefix;
    const char *sql;
} rewrites[] = {
    {"select @@version_comment limit 1", false, "SELECT '(ProxySQL Admin Module)'"},
    {"SELECT DATABASE()", false, "SELECT 'admin' AS 'DATABASE()'"},
    {"select connection_id()", true, "SELECT 0 AS 'CONNECTION_ID()'"},
    {"select @@sql_mode", true, "SELECT \"\" AS \"@@sql_mode\""},
    {"SHOW TABLES", false,
     "SELECT name AS tables FROM sqlite_master WHERE type='table' AND name NOT IN ('sqlite_sequence') "
     "ORDER BY name"},
    {"SHOW MYSQL USERS", false, "SELECT * FROM mysql_users ORDER BY username, active DESC"},
    {"SHOW MYSQL SERVERS", false, "SELECT * FROM mysql_servers ORDER BY hostgroup_id, hostname, port"},
    {"SHOW MYSQL STATUS", false,
     "SELECT Variable_Name AS Variable_name, Variable_Value AS Value FROM stats_mysql_global ORDER BY variable_name"},
    {"SHOW VARIABLES", false,
     "SELECT variable_name AS Variable_name, variable_value AS Value FROM global_variables ORDER BY variable_name"},
    {"SHOW PROCESSLIST", false,
     "SELECT SessionID, user, db, hostgroup, command, time_ms, SUBSTR(info,0,100) info FROM stats_mysql_processlist"},
    {"SHOW FULL PROCESSLIST", false, "SELECT * FROM stats_mysql_processlist"},
};

/* SELECT @@name: a variable or a counter. NULL: not just a name. */
static char *select_variable(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (name[len] != '\0')
        return NULL;
    return xasprintf("SELECT variable_value AS '@@%s' FROM global_variables WHERE variable_name = '%s' COLLATE NOCASE "
                     "UNION ALL SELECT variable_value FROM stats.stats_mysql_global WHERE variable_name = '%s' COLLATE "
                     "NOCASE",
                     name, name, name);
}

/* The statement that SQLite shall see in place of command; NULL: the one that was sent. free() it. */
static char *rewrite(struct node *node, const struct admin_client *client, const char *command)
{
    for (size_t i = 0; i < ARRAY_LEN(rewrites); i++)
        if (rewrites[i].prefix ? starts_with(command, rewrites[i].command)
                               : strcasecmp(command, rewrites[i].command) == 0)
            return xstrdup(rewrites[i].sql);
    if (starts_with(command, "SELECT @@version"))
        return xasprintf("SELECT '%s' AS '@@version'", node->version);
    if (starts_with(command, "SELECT version()"))
        return xasprintf("SELECT '%s' AS 'version()'", node->version);
    if (strcasecmp(command, "SELECT user()") == 0 || strcasecmp(command, "SELECT current_user()") == 0)
        return xasprintf("SELECT '%s@%s' AS '%s'", client->user, client->peer, command + strlen("SELECT "));
    if (strcasecmp(command, "SELECT GLOBAL_CHECKSUM()") == 0)
        return xasprintf("SELECT %" PRIu64 " AS CHECKSUM", checksums_global(&node->checksums));
    if (starts_with(command, "PROXY_SELECT "))
        return xstrdup(command + strlen("PROXY_")); /* how peers read: passwords are shown */
    if (starts_with(command, "SELECT @@"))
        return select_variable(command + strlen("SELECT @@"));
    return NULL;
}

/* The commands that are not SQL. False: none of them. */
static bool run_command(struct node *node, const struct admin_client *client, const char *command,
                        struct packet_writer *out, bool *ret_good)
{
    if (starts_with(command, "PROXYSQL "))
        return command_proxysql(node, client, command, out, ret_good);
    if (starts_with(command, "KILL CONNECTION ")) {
        *ret_good = command_kill(node, command, out);
        return true;
    }
    uint64_t rows = 0;
    struct error err = ERROR_INIT;
    enum modules_result result = modules_command(node, command, &rows, &err);
    if (result == MODULES_NOT_MINE)
        return false;
    *ret_good = result == MODULES_DONE ? answer_ok(out, rows) : answer_error(out, err.text);
    return true;
}

bool admin_sql_execute(struct node *node, const struct admin_client *client, const char *statement,
                       struct packet_writer *out)
{
    cleanup_free char *command = normalize(statement);
    if (command[0] == '\0' && statement[0] != '\0') {
        /* 2.7.2 runs off the front of its copy of the statement and dies (lib/ProxySQL_Admin.cpp, loop of bug #925) */
        (void)fprintf(stderr, "fake-proxysql: a statement without any text crashes ProxySQL\n");
        end_at_once(128 + 11);
    }
    if (digests_stream(node, command, out))
        return true;
    refresh_tables(node, command, !client->stats);
    bool good = true;
    if (!client->stats && run_command(node, client, command, out, &good))
        return good;
    if (is_accepted(command, client->stats))
        return answer_ok(out, 0);
    cleanup_free char *rewritten = rewrite(node, client, command);
    if (rewritten == NULL && starts_with(command, "SET "))
        return command_set(node, client->stats, command, out);
    cluster_client_seen(client->cluster_client, node, client->peer, client->peer_port);
    return run_sql(node, client->stats, rewritten != NULL ? rewritten : statement, out);
}
