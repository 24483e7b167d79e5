#include "tests/fakes/proxysql/control_commands.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/clock.h"
#include "shared/json_writer.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/cluster.h"
#include "tests/fakes/proxysql/control_digests.h"
#include "tests/fakes/proxysql/control_drain.h"
#include "tests/fakes/proxysql/control_parse.h"

/* One command's work: fill in the answer's fields. Fails with a text in err. */
typedef int command_fn(const struct control_target *target, const char *argument, struct json_writer *json,
                       struct error *err);

static int command_wedge(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err)
{
    (void)json;
    bool on = false;
    int r = control_parse_switch(argument, &on, err);
    if (r == 0)
        gate_wedge(&target->node->gate, on);
    return r;
}

static int command_drip(const struct control_target *target, const char *argument, struct json_writer *json,
                        struct error *err)
{
    (void)json;
    int64_t pace = 0;
    int r = control_parse_number(argument, 1000000, &pace, err);
    if (r == 0)
        atomic_store(&target->node->faults.drip_bytes_per_s, (int)pace);
    return r;
}

static int command_drop(const struct control_target *target, const char *argument, struct json_writer *json,
                        struct error *err)
{
    (void)argument;
    (void)err;
    json_int(json, "dropped", admin_server_drop(target->admin));
    return 0;
}

static int command_slow_login(const struct control_target *target, const char *argument, struct json_writer *json,
                              struct error *err)
{
    (void)json;
    int64_t wait_ms = 0;
    int r = control_parse_number(argument, 3600000, &wait_ms, err);
    if (r == 0)
        atomic_store(&target->node->faults.slow_login_ms, (int)wait_ms);
    return r;
}

static int command_refuse(const struct control_target *target, const char *argument, struct json_writer *json,
                          struct error *err)
{
    (void)json;
    bool on = false;
    int r = control_parse_switch(argument, &on, err);
    if (r == 0)
        admin_server_refuse(target->admin, on);
    return r;
}

static int command_silent(const struct control_target *target, const char *argument, struct json_writer *json,
                          struct error *err)
{
    (void)json;
    bool on = false;
    int r = control_parse_switch(argument, &on, err);
    if (r == 0)
        atomic_store(&target->node->faults.silent, on);
    return r;
}

static int command_garbage(const struct control_target *target, const char *argument, struct json_writer *json,
                           struct error *err)
{
    static const char *const names[] = {
        [GARBAGE_OFF] = "off", [GARBAGE_ANSWERS] = "on", [GARBAGE_GREETING] = "greeting"};
    (void)json;
    int mode = 0;
    int r = control_parse_choice(argument, names, ARRAY_LEN(names), &mode, err);
    if (r == 0)
        atomic_store(&target->node->faults.garbage, mode);
    return r;
}

static int command_traffic(const struct control_target *target, const char *argument, struct json_writer *json,
                           struct error *err)
{
    static const char *const names[] = {
        [TRAFFIC_GREET] = "greet", [TRAFFIC_SILENT] = "silent", [TRAFFIC_ERR] = "err", [TRAFFIC_REFUSE] = "refuse"};
    (void)json;
    int mode = 0;
    int r = control_parse_choice(argument, names, ARRAY_LEN(names), &mode, err);
    if (r < 0)
        return r;
    atomic_store(&target->node->faults.traffic, mode);
    traffic_server_apply_mode(target->node->traffic);
    return 0;
}

static int command_uptime(const struct control_target *target, const char *argument, struct json_writer *json,
                          struct error *err)
{
    (void)json;
    int64_t seconds = 0;
    int r = control_parse_number(argument, INT32_MAX, &seconds, err);
    if (r == 0)
        atomic_store(&target->node->boot_ms, clock_mono_ms() - seconds * 1000);
    return r;
}

static int command_backend(const struct control_target *target, const char *argument, struct json_writer *json,
                           struct error *err)
{
    (void)json;
    char host[256];
    char status[32];
    if (sscanf(argument, "%255s %31s", host, status) != 2)
        return control_bad_argument(argument, err);
    char *sql = sqlite3_mprintf("UPDATE live.mysql_servers SET status = %Q WHERE hostname = %Q", status, host);
    int r = database_run(&target->node->db, sql, err);
    sqlite3_free(sql);
    return r;
}

static int collect_row(void *context, int columns, char **values, char **names)
{
    struct json_writer *json = context;
    (void)names;
    json_array_begin(json, NULL);
    for (int i = 0; i < columns; i++)
        json_str(json, NULL, values[i]);
    json_array_end(json);
    return 0;
}

static int command_sql(const struct control_target *target, const char *argument, struct json_writer *json,
                       struct error *err)
{
    sqlite3 *db = target->node->db.admin;
    json_array_begin(json, "rows");
    int rc = sqlite3_exec(db, argument, collect_row, json, NULL);
    json_array_end(json);
    if (rc != SQLITE_OK)
        return error_set(err, -EINVAL, "%s", sqlite3_errmsg(db));
    json_int(json, "changes", sqlite3_changes(db));
    return 0;
}

static int command_cluster(const struct control_target *target, const char *argument, struct json_writer *json,
                           struct error *err)
{
    (void)json;
    char what[32];
    char value[32];
    if (sscanf(argument, "%31s %31s", what, value) != 2)
        return control_bad_argument(argument, err);
    bool on = false;
    int64_t wait_ms = 0;
    int r = -EINVAL;
    if (strcmp(what, "pause") == 0) {
        r = control_parse_switch(value, &on, err);
        if (r == 0)
            cluster_pause(target->node->cluster, on);
    } else if (strcmp(what, "version-wait") == 0) {
        r = control_parse_number(value, 3600000, &wait_ms, err);
        if (r == 0)
            cluster_set_version_wait(target->node->cluster, wait_ms);
    }
    return r < 0 ? control_bad_argument(argument, err) : 0;
}

static int64_t count_threads(void)
{
    int64_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        return -1;
    for (const struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    (void)closedir(tasks);
    return count;
}

static int command_stats(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err)
{
    (void)argument;
    (void)err;
    struct admin_counters admin;
    struct traffic_counters traffic;
    unsigned waiting = 0;
    unsigned waiting_max = 0;
    admin_server_count(target->admin, &admin);
    traffic_server_count(target->node->traffic, &traffic);
    gate_count(&target->node->gate, &waiting, &waiting_max);
    json_int(json, "threads", count_threads());
    json_int(json, "admin_open", admin.open);
    json_int(json, "admin_open_max", admin.open_max);
    json_int(json, "admin_total", admin.total);
    json_int(json, "logins", admin.logins);
    json_int(json, "logins_refused", admin.refused);
    json_int(json, "pings", admin.pings);
    json_int(json, "waiting", waiting);
    json_int(json, "waiting_max", waiting_max);
    json_int(json, "traffic_open", traffic.connected);
    json_int(json, "traffic_total", traffic.created);
    json_bool(json, "traffic_paused", traffic.paused);
    statement_log_write_totals(&target->node->statements, json);
    return 0;
}

static int command_count(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err)
{
    return statement_log_write_matching(&target->node->statements, json, argument)
               ? 0
               : control_bad_argument(argument, err);
}

static int command_log(const struct control_target *target, const char *argument, struct json_writer *json,
                       struct error *err)
{
    int64_t count = 0;
    int r = control_parse_number(argument, STATEMENT_LOG_KEPT, &count, err);
    if (r == 0)
        statement_log_write_last(&target->node->statements, json, (size_t)count);
    return r;
}

static int command_reset(const struct control_target *target, const char *argument, struct json_writer *json,
                         struct error *err)
{
    (void)argument;
    (void)json;
    (void)err;
    statement_log_clear(&target->node->statements);
    return 0;
}

static command_fn command_help;

static const struct command {
    const char *name;
    const char *arguments;
    const char *purpose;
    command_fn *run;
} commands[] = {
    {"wedge", "on|off", "hold the admin mutex: statements wait, everything else goes on", command_wedge},
    {"drip", "BYTES_PER_S|off", "admin sends one byte at a time, greetings too", command_drip},
    {"drop", "", "cut all admin connections now", command_drop},
    {"slow-login", "MS|off", "wait before the answer to a login", command_slow_login},
    {"refuse", "on|off", "close the admin listener; connections stay", command_refuse},
    {"silent", "on|off", "admin accepts new connections and never greets them", command_silent},
    {"garbage", "on|off|greeting", "random bytes in place of admin answers, or in place of the greeting",
     command_garbage},
    {"traffic", "greet|silent|err|refuse", "what the traffic port does with new connections", command_traffic},
    {"pause", "works|twice|fails, slow MS|off",
     "how PROXYSQL PAUSE and RESUME are answered; how long they hold the admin mutex", control_pause},
    {"crash", "before REGEX|after REGEX|off", "die at such a statement, or when it was executed and is not answered",
     control_crash},
    {"uptime", "SECONDS", "pretend to run for so long", command_uptime},
    {"backend", "HOSTNAME STATUS", "change a runtime backend as the monitor would", command_backend},
    {"cluster", "pause on|off, version-wait MS",
     "stop checking peers for a while; how long a peer of another version is left alone (30000)", command_cluster},
    {"digests", "[+]N [TEXT_BYTES]", "N made up rows in stats_mysql_query_digest, or N more", control_digests},
    {"pgsql-digests", "[+]N [TEXT_BYTES]", "the same in stats_pgsql_query_digest", control_pgsql_digests},
    {"digests-busy", "MS|off", "how long a statement about digests holds the admin mutex", control_digests_busy},
    {"sql", "STATEMENT", "run SQL on the database beside the admin mutex; rows come back", command_sql},
    {"stats", "", "counters", command_stats},
    {"count", "REGEX", "how many logged statements match", command_count},
    {"log", "N", "the last N statements with their times", command_log},
    {"reset", "", "forget the logged statements", command_reset},
    {"help", "", "this list", command_help},
};

static int command_help(const struct control_target *target, const char *argument, struct json_writer *json,
                        struct error *err)
{
    (void)target;
    (void)argument;
    (void)err;
    json_array_begin(json, "commands");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        cleanup_free char *line = xasprintf("%s %s: %s", commands[i].name, commands[i].arguments, commands[i].purpose);
        json_str(json, NULL, line);
    }
    json_array_end(json);
    return 0;
}

static int run(const struct control_target *target, const char *line, struct json_writer *json, struct error *err)
{
    size_t name_len = strcspn(line, " ");
    const char *argument = line + name_len + strspn(line + name_len, " ");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strlen(commands[i].name) == name_len && memcmp(commands[i].name, line, name_len) == 0)
            return commands[i].run(target, argument, json, err);
    return error_set(err, -EINVAL, "unknown command '%s'", line);
}

void control_execute(const struct control_target *target, const char *line, struct buf *out)
{
    struct error err = ERROR_INIT;
    struct json_writer json;
    json_writer_init(&json, out);
    json_object_begin(&json, NULL);
    int r = run(target, line, &json, &err);
    json_bool(&json, "ok", r == 0);
    if (r < 0)
        json_str(&json, "error", err.text);
    json_object_end(&json);
    if (json_writer_end(&json) < 0 || buf_puts(out, "\n") < 0)
        abort();
}
