#include "ctl/render.h"

#include <string.h>

/* Results that are told in one line: what the job says of itself. */
static void render_summary(const struct msgpack_object *result, struct screen *s)
{
    char took[SCREEN_TIME_SIZE];
    const char *summary = tree_text(result, "summary");
    screen_print(s, COLOR_GOOD, "%s", summary[0] == '\0' ? "done" : summary);
    int64_t took_ms = tree_int(result, "duration_ms", 0);
    screen_print(s, COLOR_NONE, " (%s)\n", took_ms == 0 ? "<1 ms" : screen_duration(took_ms, took));
}

/* What would change, or has changed, line by line. */
static void render_lines(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *lines = tree_get(result, "lines");
    for (size_t i = 0; i < tree_count(lines); i++) {
        const char *line = "";
        if (tree_is_text(tree_item(lines, i), &line))
            screen_print(s, COLOR_NONE, "%s\n", line);
    }
    render_summary(result, s);
}

static void render_version(const struct msgpack_object *result, struct screen *s)
{
    const char *proxysql = tree_text(result, "proxysql");
    screen_field(s, "agentctl", COLOR_NONE, "%s", PROJECT_VERSION);
    screen_field(s, "agent", COLOR_NONE, "%s, control protocol %lld", tree_text(result, "agent"),
                 (long long)tree_int(result, "protocol", 0));
    screen_field(s, "ProxySQL", COLOR_NONE, "%s", proxysql[0] == '\0' ? "has not answered yet" : proxysql);
}

static void render_log_level(const struct msgpack_object *result, struct screen *s)
{
    screen_print(s, COLOR_NONE, "log level %s (was %s), until the next reload or restart\n", tree_text(result, "level"),
                 tree_text(result, "before"));
}

static enum color color_of_verdict(const char *verdict)
{
    if (strcmp(verdict, "ok") == 0)
        return COLOR_GOOD;
    return strcmp(verdict, "risk") == 0 ? COLOR_WARN : COLOR_BAD;
}

enum { verdict_width = 8, check_width = 18 };

static void render_finding(const struct msgpack_object *finding, struct screen *s)
{
    const char *verdict = tree_text(finding, "verdict");
    screen_print(s, color_of_verdict(verdict), "%-*s", verdict_width, verdict);
    screen_print(s, COLOR_TITLE, "%-*s", check_width, tree_text(finding, "check"));
    screen_wrap(s, verdict_width + check_width, COLOR_NONE, "%s", tree_text(finding, "evidence"));
    if (tree_text(finding, "remedy")[0] == '\0')
        return;
    screen_print(s, COLOR_DIM, "%*s", verdict_width + check_width, "remedy: ");
    screen_wrap(s, verdict_width + check_width, COLOR_NONE, "%s", tree_text(finding, "remedy"));
}

static void render_doctor(const struct msgpack_object *result, struct screen *s)
{
    const struct msgpack_object *findings = tree_get(result, "findings");
    for (size_t i = 0; i < tree_count(findings); i++)
        render_finding(tree_item(findings, i), s);
    screen_print(s, COLOR_NONE, "\n%lld ok, %lld risk, %lld broken\n", (long long)tree_int(result, "ok", 0),
                 (long long)tree_int(result, "risk", 0), (long long)tree_int(result, "broken", 0));
}

bool render_is_bad(const struct command *command, const struct msgpack_object *result)
{
    enum command_id id = command_id_of(command);
    if (id == COMMAND_HEALTH)
        return strcmp(tree_text(tree_get(result, "health"), "admin"), "answers") != 0;
    return id == COMMAND_DOCTOR && tree_int(result, "broken", 0) > 0;
}

render_fn *const renderers[COMMAND_IDS] = {
    [COMMAND_STATUS] = render_status,       [COMMAND_HEALTH] = render_health,     [COMMAND_JOBS] = render_jobs,
    [COMMAND_MEMBERS] = render_members,     [COMMAND_CONFIG] = render_config,     [COMMAND_VERSION] = render_version,
    [COMMAND_RESYNC] = render_summary,      [COMMAND_RECONCILE] = render_summary, [COMMAND_STAMP] = render_lines,
    [COMMAND_DUMP] = render_summary,        [COMMAND_DRAIN] = render_summary,     [COMMAND_UNDRAIN] = render_summary,
    [COMMAND_LOG_LEVEL] = render_log_level, [COMMAND_RELOAD] = render_summary,    [COMMAND_DOCTOR] = render_doctor,
};
