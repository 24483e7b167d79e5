#include "daemon/jobs/dump_progress.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/jobs/dump.h"
#include "shared/clock.h"
#include "shared/log.h"

enum { report_ms = 250, text_size = 160 };

void dump_progress_init(struct dump_progress *p, struct job *job)
{
    int64_t now_ms = clock_mono_ms();
    *p = (struct dump_progress){.job = job, .what = "", .begin_ms = now_ms, .next_log_ms = now_ms + DUMP_LOG_MS};
}

void dump_progress_begin(struct dump_progress *p, const char *what)
{
    p->what = what;
    p->part_ms = clock_mono_ms();
    p->next_report_ms = p->part_ms;
}

static int64_t per_second(uint64_t count, int64_t ms)
{
    return ms <= 0 ? 0 : (int64_t)((double)count * 1000 / (double)ms);
}

static int may_go_on(const struct dump_progress *p, int64_t now_ms, struct error *err)
{
    if (job_should_stop(p->job))
        return error_set(err, -ECANCELED, "stopped: the agent stops or drains");
    if (now_ms >= job_deadline_ms(p->job))
        return error_set(err, -ETIMEDOUT, "it takes longer than a dump may (%d s)", DUMP_DEADLINE_MS / 1000);
    return 0;
}

static bool due(int64_t *next_ms, int64_t now_ms, int64_t interval_ms)
{
    if (now_ms < *next_ms)
        return false;
    *next_ms = now_ms + interval_ms;
    return true;
}

static void report_rows(struct dump_progress *p, uint64_t rows, uint64_t bytes, int64_t took_ms)
{
    char text[text_size];
    if (rows == 0)
        (void)snprintf(text, sizeof(text), "waiting for %s", p->what);
    else
        (void)snprintf(text, sizeof(text), "%s: %llu MB, %lld rows/s", p->what, (unsigned long long)(bytes / 1000000),
                       (long long)per_second(rows, took_ms));
    const struct job_progress progress = {.text = text, .done = p->rows + rows, .unit = "rows"};
    job_report_progress(p->job, &progress);
}

int dump_progress_rows(struct dump_progress *p, uint64_t rows, uint64_t bytes, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    if (due(&p->next_report_ms, now_ms, report_ms))
        report_rows(p, rows, bytes, now_ms - p->part_ms);
    if (due(&p->next_log_ms, now_ms, DUMP_LOG_MS))
        log_info(rows == 0 ? "dump: waiting for ProxySQL" : "dump goes on", LOG_STR("table", p->what),
                 LOG_INT("rows", rows), LOG_INT("bytes", bytes),
                 LOG_INT("rows_per_s", per_second(rows, now_ms - p->part_ms)),
                 LOG_INT("bytes_per_s", per_second(bytes, now_ms - p->part_ms)));
    return may_go_on(p, now_ms, err);
}

int dump_progress_upload(struct dump_progress *p, uint64_t bytes, uint64_t total, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    if (due(&p->next_report_ms, now_ms, report_ms)) {
        const struct job_progress progress = {.text = p->what, .done = bytes, .total = total, .unit = "bytes"};
        job_report_progress(p->job, &progress);
    }
    if (due(&p->next_log_ms, now_ms, DUMP_LOG_MS))
        log_info("dump: uploading", LOG_STR("to", p->what), LOG_INT("bytes", bytes), LOG_INT("of", total),
                 LOG_INT("bytes_per_s", per_second(bytes, now_ms - p->part_ms)));
    return may_go_on(p, now_ms, err);
}

void dump_progress_end(struct dump_progress *p, uint64_t rows, uint64_t bytes)
{
    p->rows += rows;
    p->bytes += bytes;
}

int64_t dump_progress_ms(const struct dump_progress *p)
{
    return clock_mono_ms() - p->begin_ms;
}
