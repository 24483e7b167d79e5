#include <stdio.h>
#include <string.h>

#include "ctl/render.h"
#include "ctl/table.h"

static enum color color_of_admin(const char *verdict)
{
    if (strcmp(verdict, "answers") == 0)
        return COLOR_GOOD;
    return strcmp(verdict, "unknown") == 0 ? COLOR_WARN : COLOR_BAD;
}

static enum color color_of_phase(const char *phase)
{
    return strcmp(phase, "running") == 0 ? COLOR_GOOD : COLOR_WARN;
}

static void show_agent(const struct msgpack_object *result, struct screen *s)
{
    char uptime[SCREEN_TIME_SIZE];
    const struct msgpack_object *a = tree_get(result, "agent");
    screen_field(s, "agent", color_of_phase(tree_text(a, "phase")), "%s, %s, version %s, pid %lld, up %s%s",
                 tree_text(a, "run_mode"), tree_text(a, "phase"), tree_text(a, "version"),
                 (long long)tree_int(a, "pid", 0), screen_duration(tree_int(a, "uptime_s", 0) * 1000, uptime),
                 tree_bool(a, "draining_file") ? ", draining file exists" : "");
}

static void show_proxysql(const struct msgpack_object *result, struct screen *s)
{
    char uptime[SCREEN_TIME_SIZE];
    const struct msgpack_object *p = tree_get(result, "proxysql");
    const char *version = tree_text(p, "version");
    if (version[0] == '\0') {
        screen_field(s, "ProxySQL", COLOR_WARN, "has not answered yet");
        return;
    }
    screen_field(s, "ProxySQL", tree_bool(p, "paused") ? COLOR_WARN : COLOR_NONE, "%s%s, up %s, %lld clients%s",
                 version, tree_bool(p, "supported") ? "" : " (not supported)",
                 screen_duration(tree_int(p, "uptime_s", 0) * 1000, uptime), (long long)tree_int(p, "clients", 0),
                 tree_bool(p, "paused") ? ", paused" : "");
}

static void show_health(const struct msgpack_object *result, struct screen *s)
{
    char age[SCREEN_TIME_SIZE];
    char since[SCREEN_TIME_SIZE];
    const struct msgpack_object *h = tree_get(result, "health");
    const char *admin = tree_text(h, "admin");
    screen_field(s, "health", color_of_admin(admin), "admin %s for %s, traffic %s; seen %s ago", admin,
                 screen_duration(tree_int(h, "since_s", 0) * 1000, since), tree_text(h, "traffic"),
                 screen_duration(tree_int(h, "age_ms", -1), age));
    if (tree_text(h, "reason")[0] != '\0')
        screen_field(s, "", COLOR_NONE, "%s", tree_text(h, "reason"));
    if (tree_text(h, "sync_gate")[0] != '\0')
        screen_field(s, "sync gate", COLOR_WARN, "closed: %s", tree_text(h, "sync_gate"));
    screen_field(s, "backends", COLOR_NONE, "%lld online, %lld shunned, of %lld",
                 (long long)tree_int(h, "backends_online", 0), (long long)tree_int(h, "backends_shunned", 0),
                 (long long)tree_int(h, "backends", 0));
}

static void show_drain(const struct msgpack_object *result, struct screen *s)
{
    char since[SCREEN_TIME_SIZE];
    const struct msgpack_object *d = tree_get(result, "drain");
    const char *step = tree_text(d, "step");
    long long clients = (long long)tree_int(d, "clients", -1);
    char left[SCREEN_TIME_SIZE] = "";
    if (step[0] == '\0' || strcmp(step, "none") == 0)
        return;
    if (clients >= 0)
        (void)snprintf(left, sizeof(left), ", %lld clients left", clients);
    screen_field(s, "drain", COLOR_WARN, "to %s: %s for %s%s", tree_text(d, "target"), step,
                 screen_duration(tree_int(d, "since_ms", 0), since), left);
}

static void show_leader(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *l = tree_get(result, "election");
    const char *holder = tree_text(l, "holder");
    if (l == NULL)
        return;
    screen_field(s, "leader", tree_bool(l, "held") ? COLOR_NONE : COLOR_WARN, "%s%s%s%s%s",
                 holder[0] == '\0' ? "nobody" : holder, tree_bool(l, "leading") ? " (this core)" : "",
                 holder[0] == '\0' || tree_bool(l, "held") ? "" : " (its lease has run out)",
                 tree_text(l, "error")[0] == '\0' ? "" : "; ", tree_text(l, "error"));
}

static void show_pool(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *p = tree_get(result, "pool");
    long long parked = (long long)tree_int(p, "parked", 0);
    screen_field(s, "pool", parked > 0 ? COLOR_WARN : COLOR_NONE,
                 "%lld lent, %lld idle, %lld parked, of %lld; %lld refused, %lld connects failed",
                 (long long)tree_int(p, "lent", 0), (long long)tree_int(p, "idle", 0), parked,
                 (long long)tree_int(p, "size", 0), (long long)tree_int(p, "refused", 0),
                 (long long)tree_int(p, "connect_failures", 0));
}

static void add_job(struct table *t, const struct msgpack_object *job)
{
    char age[SCREEN_TIME_SIZE];
    char duration[SCREEN_TIME_SIZE];
    const char *result = tree_text(job, "last_result");
    bool ran = strcmp(result, "none") != 0;
    bool good = strcmp(result, "done") == 0;
    table_cell(t, COLOR_NONE, "%s", tree_text(job, "kind"));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(job, "waiting", 0));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(job, "running", 0));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(job, "succeeded", 0));
    table_cell(t, COLOR_NONE, "%lld", (long long)tree_int(job, "failed", 0));
    table_cell(t, !ran ? COLOR_DIM : good ? COLOR_GOOD : COLOR_BAD, "%s", ran ? result : "-");
    table_cell(t, COLOR_NONE, "%s", screen_duration(tree_int(job, "last_age_ms", -1), age));
    bool instant = ran && tree_int(job, "last_duration_ms", -1) == 0;
    table_cell(t, COLOR_NONE, "%s",
               instant ? "<1 ms" : screen_duration(ran ? tree_int(job, "last_duration_ms", -1) : -1, duration));
}

void render_jobs(const struct msgpack_object *result, struct screen *s)
{
    static const struct column columns[] = {{"JOB", false, false}, {"WAIT", true, false},   {"RUN", true, false},
                                            {"DONE", true, false}, {"FAILED", true, false}, {"LAST", false, true},
                                            {"AGO", true, false},  {"TOOK", true, false}};
    const struct msgpack_object *jobs = tree_get(result, "jobs");
    struct table *t = table_new(columns, ARRAY_LEN(columns));
    for (size_t i = 0; i < tree_count(jobs); i++)
        add_job(t, tree_item(jobs, i));
    table_print(t, s);
    table_free(t);
}

void render_health(const struct msgpack_object *result, struct screen *s)
{
    show_proxysql(result, s);
    show_health(result, s);
}

void render_status(const struct msgpack_object *result, struct screen *s)
{
    show_agent(result, s);
    show_proxysql(result, s);
    show_health(result, s);
    show_drain(result, s);
    show_leader(result, s);
    render_cluster(result, s);
    show_pool(result, s);
    render_modules(result, s);
    screen_print(s, COLOR_NONE, "\n");
    render_jobs(result, s);
}
