#include "tests/fakes/proxysql/statement_log.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/mem.h"

void statement_log_init(struct statement_log *log)
{
    *log = (struct statement_log){.received = 0};
    mutex_init(&log->lock);
    mutex_lock(&log->lock);
    log->ring = xcalloc(STATEMENT_LOG_KEPT, sizeof *log->ring);
    mutex_unlock(&log->lock);
}

static void clear_locked(struct statement_log *log) REQUIRES(log->lock)
{
    for (size_t i = 0; i < STATEMENT_LOG_KEPT; i++) {
        free(log->ring[i].text);
        log->ring[i] = (struct statement){.number = 0};
    }
}

void statement_log_fini(struct statement_log *log)
{
    mutex_lock(&log->lock);
    clear_locked(log);
    free(log->ring);
    mutex_unlock(&log->lock);
    mutex_fini(&log->lock);
}

static struct statement *slot_locked(struct statement_log *log, uint64_t number) REQUIRES(log->lock)
{
    struct statement *slot = &log->ring[number % STATEMENT_LOG_KEPT];
    return slot->number == number ? slot : NULL;
}

uint64_t statement_log_received(struct statement_log *log, uint32_t session_id, const char *text)
{
    char *copy = strndup(text, STATEMENT_LOG_TEXT_MAX);
    mutex_lock(&log->lock);
    uint64_t number = ++log->last_number;
    log->received++;
    struct statement *slot = &log->ring[number % STATEMENT_LOG_KEPT];
    free(slot->text);
    *slot =
        (struct statement){.number = number, .session_id = session_id, .received_ms = clock_mono_ms(), .text = copy};
    mutex_unlock(&log->lock);
    return number;
}

void statement_log_began(struct statement_log *log, uint64_t number)
{
    mutex_lock(&log->lock);
    struct statement *slot = slot_locked(log, number);
    if (slot != NULL)
        slot->began_ms = clock_mono_ms();
    mutex_unlock(&log->lock);
}

void statement_log_ended(struct statement_log *log, uint64_t number, bool failed)
{
    mutex_lock(&log->lock);
    struct statement *slot = slot_locked(log, number);
    if (slot != NULL) {
        slot->ended_ms = clock_mono_ms();
        slot->failed = failed;
        log->executed++;
        log->failed += failed;
    }
    mutex_unlock(&log->lock);
}

void statement_log_write_totals(struct statement_log *log, struct json_writer *json)
{
    mutex_lock(&log->lock);
    json_int(json, "received", (int64_t)log->received);
    json_int(json, "executed", (int64_t)log->executed);
    json_int(json, "failed", (int64_t)log->failed);
    mutex_unlock(&log->lock);
}

bool statement_log_write_matching(struct statement_log *log, struct json_writer *json, const char *regex)
{
    regex_t compiled;
    if (regcomp(&compiled, regex, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return false;
    int64_t received = 0;
    int64_t executed = 0;
    mutex_lock(&log->lock);
    for (size_t i = 0; i < STATEMENT_LOG_KEPT; i++) {
        const struct statement *slot = &log->ring[i];
        if (slot->number == 0 || slot->text == NULL || regexec(&compiled, slot->text, 0, NULL, 0) != 0)
            continue;
        received++;
        executed += slot->ended_ms != 0;
    }
    mutex_unlock(&log->lock);
    regfree(&compiled);
    json_int(json, "received", received);
    json_int(json, "executed", executed);
    return true;
}

static void write_statement(struct json_writer *json, const struct statement *slot)
{
    json_object_begin(json, NULL);
    json_int(json, "number", (int64_t)slot->number);
    json_int(json, "session", slot->session_id);
    json_int(json, "received_ms", slot->received_ms);
    json_int(json, "began_ms", slot->began_ms);
    json_int(json, "ended_ms", slot->ended_ms);
    json_bool(json, "failed", slot->failed);
    json_str(json, "text", slot->text);
    json_object_end(json);
}

void statement_log_write_last(struct statement_log *log, struct json_writer *json, size_t count)
{
    mutex_lock(&log->lock);
    uint64_t last = log->last_number;
    if (count > STATEMENT_LOG_KEPT)
        count = STATEMENT_LOG_KEPT;
    uint64_t first = last > count ? last - count + 1 : 1;
    json_array_begin(json, "statements");
    for (uint64_t number = first; number <= last; number++) {
        const struct statement *slot = slot_locked(log, number);
        if (slot != NULL)
            write_statement(json, slot);
    }
    json_array_end(json);
    mutex_unlock(&log->lock);
}

void statement_log_clear(struct statement_log *log)
{
    mutex_lock(&log->lock);
    clear_locked(log);
    log->received = 0;
    log->executed = 0;
    log->failed = 0;
    mutex_unlock(&log->lock);
}
