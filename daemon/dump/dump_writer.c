#include "daemon/dump/dump_writer.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/mem.h"
#include "shared/utf8.h"

enum value_type { VALUE_TEXT, VALUE_NUMBER, VALUE_TIME };

/* The file's columns behind pod_name, in the order of the agent that this one replaces; client_address is new and
 * therefore last. */
static const struct column {
    const char *name;
    enum admin_digest_column from;
    enum value_type type;
} columns[] = {
    {"hostgroup", ADMIN_DIGEST_HOSTGROUP, VALUE_NUMBER},
    {"schemaname", ADMIN_DIGEST_SCHEMANAME, VALUE_TEXT},
    {"username", ADMIN_DIGEST_USERNAME, VALUE_TEXT},
    {"digest", ADMIN_DIGEST_DIGEST, VALUE_TEXT},
    {"digest_text", ADMIN_DIGEST_DIGEST_TEXT, VALUE_TEXT},
    {"count_star", ADMIN_DIGEST_COUNT_STAR, VALUE_NUMBER},
    {"first_seen", ADMIN_DIGEST_FIRST_SEEN, VALUE_TIME},
    {"last_seen", ADMIN_DIGEST_LAST_SEEN, VALUE_TIME},
    {"sum_time_us", ADMIN_DIGEST_SUM_TIME, VALUE_NUMBER},
    {"min_time_us", ADMIN_DIGEST_MIN_TIME, VALUE_NUMBER},
    {"max_time", ADMIN_DIGEST_MAX_TIME, VALUE_NUMBER},
    {"sum_rows_affected", ADMIN_DIGEST_SUM_ROWS_AFFECTED, VALUE_NUMBER},
    {"sum_rows_sent", ADMIN_DIGEST_SUM_ROWS_SENT, VALUE_NUMBER},
    {"client_address", ADMIN_DIGEST_CLIENT_ADDRESS, VALUE_TEXT},
};

enum { seconds_a_day = 24 * 3600, time_digits_max = 12, number_digits_max = 20 };
/* Below this a look at each byte is quicker than memchr(3). */
enum { short_bytes = 32 };
/* The last day whose year has four digits. */
static const int64_t day_max = 2932896;

static const char pod_column[] = "pod_name";

const char *dump_format_suffix(int format)
{
    return format == DUMP_FORMAT_CSV ? ".csv" : ".jsonl";
}

const char *dump_format_content_type(int format)
{
    return format == DUMP_FORMAT_CSV ? "text/csv" : "application/x-ndjson";
}

static void put_text(struct dump_sink *s, const char *text)
{
    dump_put(s, text, strlen(text));
}

/* --- csv */

static bool needs_quotes(const char *text, size_t len)
{
    if (len < short_bytes) {
        for (size_t i = 0; i < len; i++)
            if (text[i] == '"' || text[i] == ',' || text[i] == '\n' || text[i] == '\r')
                return true;
        return false;
    }
    return memchr(text, '"', len) != NULL || memchr(text, ',', len) != NULL || memchr(text, '\n', len) != NULL ||
           memchr(text, '\r', len) != NULL;
}

static void put_csv(struct dump_sink *s, const char *text, size_t len)
{
    if (!needs_quotes(text, len)) {
        dump_put(s, text, len);
        return;
    }
    const char *end = text + len;
    dump_putc(s, '"');
    for (const char *quote; (quote = memchr(text, '"', (size_t)(end - text))) != NULL; text = quote + 1) {
        dump_put(s, text, (size_t)(quote - text) + 1);
        dump_putc(s, '"');
    }
    dump_put(s, text, (size_t)(end - text));
    dump_putc(s, '"');
}

/* --- json */

static void put_json_byte(struct dump_sink *s, unsigned char c)
{
    char text[8];
    const char *short_escapes = "\"\\\n\r\t";
    const char *letters = "\"\\nrt";
    const char *found = c == 0 ? NULL : strchr(short_escapes, c);
    int len = found != NULL ? snprintf(text, sizeof(text), "\\%c", letters[found - short_escapes])
                            : snprintf(text, sizeof(text), "\\u%s%02x", c < 0x80 ? "00" : "dc", c);
    dump_put(s, text, (size_t)len);
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_json(struct dump_sink *s, const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    dump_putc(s, '"');
    for (size_t i = 0, run = 0; i < len; i += run) {
        for (run = 0; i + run < len && is_plain(p[i + run]);)
            run++;
        if (run == 0 && p[i] >= 0x80)
            run = utf8_sequence_len(text + i, len - i);
        if (run > 0)
            dump_put(s, text + i, run);
        else
            put_json_byte(s, p[i + run++]);
    }
    dump_putc(s, '"');
}

/* --- values */

/* Is it a number as JSON writes whole ones? */
static bool is_number(const char *text, size_t len)
{
    size_t sign = len > 0 && text[0] == '-' ? 1 : 0;
    size_t digits = len - sign;
    if (digits == 0 || digits > number_digits_max || (digits > 1 && text[sign] == '0'))
        return false;
    for (size_t i = sign; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return true;
}

/* The civil date of a day since 1970-01-01 in the proleptic Gregorian calendar. */
static void write_day(struct dump_writer *w, int64_t day)
{
    struct tm civil;
    const time_t seconds = (time_t)(day * seconds_a_day);
    if (gmtime_r(&seconds, &civil) == NULL)
        abort(); /* day is within 0..day_max */
    w->day = day;
    (void)snprintf(w->day_text, sizeof(w->day_text), "%04d-%02d-%02dT", civil.tm_year + 1900, civil.tm_mon + 1,
                   civil.tm_mday);
}

static void put_two(char *to, int64_t number)
{
    to[0] = (char)('0' + number / 10);
    to[1] = (char)('0' + number % 10);
}

/* "2026-11-25T19:48:40Z" of seconds since 1970 as text. The length, 0 when the value is no such time. */
static size_t format_time(struct dump_writer *w, const char *text, size_t len, char ret_text[static 24])
{
    if (!is_number(text, len) || len > time_digits_max || text[0] == '-')
        return 0;
    int64_t seconds = 0;
    for (size_t i = 0; i < len; i++)
        seconds = seconds * 10 + (text[i] - '0');
    int64_t day = seconds / seconds_a_day;
    if (day > day_max)
        return 0;
    if (day != w->day)
        write_day(w, day);
    int64_t rest = seconds % seconds_a_day;
    memcpy(ret_text, w->day_text, 11);
    memcpy(ret_text + 11, "00:00:00Z", 9);
    put_two(ret_text + 11, rest / 3600);
    put_two(ret_text + 14, rest / 60 % 60);
    put_two(ret_text + 17, rest % 60);
    return 20;
}

static void put_csv_value(struct dump_writer *w, const struct column *column, const char *text, size_t len)
{
    char time_text[24];
    size_t time_len = column->type == VALUE_TIME ? format_time(w, text, len, time_text) : 0;
    dump_putc(w->sink, ',');
    if (time_len > 0)
        dump_put(w->sink, time_text, time_len);
    else
        put_csv(w->sink, text, len);
}

static void put_json_value(struct dump_writer *w, const struct column *column, const char *text, size_t len)
{
    char time_text[24];
    size_t time_len = column->type == VALUE_TIME ? format_time(w, text, len, time_text) : 0;
    dump_put(w->sink, ",\"", 2);
    put_text(w->sink, column->name);
    dump_put(w->sink, "\":", 2);
    if (text == NULL)
        put_text(w->sink, "null");
    else if (time_len > 0)
        put_json(w->sink, time_text, time_len);
    else if (column->type == VALUE_NUMBER && is_number(text, len))
        dump_put(w->sink, text, len);
    else
        put_json(w->sink, text, len);
}

/* --- rows */

/* Format a text with the sink's functions into memory of its own. */
static void keep_pod(struct dump_writer *w, const char *pod_name)
{
    assert(strlen(pod_name) <= DUMP_POD_NAME_MAX);
    struct dump_sink memory = {.buffer = xcalloc(1, DUMP_SINK_BUFFER_BYTES)};
    if (w->format == DUMP_FORMAT_CSV) {
        put_csv(&memory, pod_name, strlen(pod_name));
    } else {
        put_text(&memory, "{\"pod_name\":");
        put_json(&memory, pod_name, strlen(pod_name));
    }
    w->pod = xcalloc(1, memory.len + 1);
    w->pod_len = memory.len;
    memcpy(w->pod, memory.buffer, memory.len);
    free(memory.buffer);
}

void dump_writer_init(struct dump_writer *w, int format, const char *pod_name, struct dump_sink *sink)
{
    *w = (struct dump_writer){.format = format, .sink = sink, .day = -1};
    keep_pod(w, pod_name);
}

void dump_writer_fini(struct dump_writer *w)
{
    free(w->pod);
    w->pod = NULL;
}

void dump_writer_begin(struct dump_writer *w)
{
    if (w->format != DUMP_FORMAT_CSV)
        return;
    put_text(w->sink, pod_column);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        dump_putc(w->sink, ',');
        put_text(w->sink, columns[i].name);
    }
    dump_put(w->sink, "\r\n", 2);
}

int dump_writer_row(struct dump_writer *w, const struct db_row *row, struct error *err)
{
    if (row->count != ADMIN_DIGEST_COLUMNS)
        return error_set(err, -EPROTO, "ProxySQL answers with rows of %u columns in place of %d", row->count,
                         ADMIN_DIGEST_COLUMNS);
    dump_put(w->sink, w->pod, w->pod_len);
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const char *text = row->values[columns[i].from];
        size_t len = text == NULL ? 0 : row->lengths[columns[i].from];
        if (w->format == DUMP_FORMAT_CSV)
            put_csv_value(w, &columns[i], text == NULL ? "" : text, len);
        else
            put_json_value(w, &columns[i], text, len);
    }
    if (w->format == DUMP_FORMAT_CSV)
        dump_put(w->sink, "\r\n", 2);
    else
        dump_put(w->sink, "}\n", 2);
    return dump_sink_row(w->sink, err);
}
