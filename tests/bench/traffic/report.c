#include "tests/bench/traffic/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/json_writer.h"

enum { line_max = 4096 };

static const char *const operation_names[OPERATIONS] = {
    [OP_TRANSACTION] = "transaction",
    [OP_READ] = "read",
    [OP_WRITE] = "write",
    [OP_TEMPORARY] = "temporary table",
    [OP_LONG_TRANSACTION] = "long transaction",
    [OP_LONG_STATEMENT] = "long statement",
};
static const char *const verdict_names[VERDICTS] = {
    [VERDICT_FAILED] = "failed",
    [VERDICT_STALE] = "stale",
    [VERDICT_STALE_WRITE] = "stale write",
};

void report_init(struct report *r)
{
    *r = (struct report){.connects = 0};
    mutex_init(&r->lock);
}

void report_fini(struct report *r)
{
    mutex_fini(&r->lock);
}

struct line {
    struct buf text;
    struct json_writer json;
};

static void begin_line(struct line *line, const char *event)
{
    buf_init(&line->text, line_max);
    json_writer_init(&line->json, &line->text);
    json_object_begin(&line->json, NULL);
    json_str(&line->json, "event", event);
    json_int(&line->json, "at_ms", clock_mono_ms());
}

static void end_line(struct line *line)
{
    json_object_end(&line->json);
    if (json_writer_end(&line->json) < 0)
        abort();
    (void)printf("%s\n", line->text.data);
    (void)fflush(stdout);
    buf_fini(&line->text);
}

void report_done(struct report *r, enum operation operation)
{
    mutex_lock(&r->lock);
    r->done[operation]++;
    mutex_unlock(&r->lock);
}

void report_connected(struct report *r)
{
    mutex_lock(&r->lock);
    r->connects++;
    mutex_unlock(&r->lock);
}

void report_error(struct report *r, const struct report_error *error)
{
    struct line line;
    begin_line(&line, "error");
    json_str(&line.json, "verdict", verdict_names[error->verdict]);
    json_str(&line.json, "operation", operation_names[error->operation]);
    json_int(&line.json, "client", error->client);
    json_int(&line.json, "node", error->node);
    json_int(&line.json, "statement", error->statement);
    json_str(&line.json, "what", error->what);
    json_int(&line.json, "errno", error->mysql_errno);
    json_str(&line.json, "text", error->text);
    mutex_lock(&r->lock);
    r->errors[error->verdict]++;
    end_line(&line);
    mutex_unlock(&r->lock);
}

void report_long(struct report *r, enum operation operation, int64_t took_ms)
{
    struct line line;
    begin_line(&line, "long");
    json_str(&line.json, "operation", operation_names[operation]);
    json_int(&line.json, "took_ms", took_ms);
    mutex_lock(&r->lock);
    r->done[operation]++;
    end_line(&line);
    mutex_unlock(&r->lock);
}

void report_total(struct report *r, unsigned stale_most)
{
    struct line line;
    begin_line(&line, "total");
    mutex_lock(&r->lock);
    for (int i = 0; i < OPERATIONS; i++)
        json_int(&line.json, operation_names[i], r->done[i]);
    for (int i = 0; i < VERDICTS; i++)
        json_int(&line.json, verdict_names[i], r->errors[i]);
    json_int(&line.json, "connects", r->connects);
    json_int(&line.json, "stale most", stale_most);
    end_line(&line);
    mutex_unlock(&r->lock);
}
