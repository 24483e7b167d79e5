#include "shared/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/json_writer.h"

/*
 * stall_note: whoever reads our output may stop, and a write(2) to a full pipe would then hold up every thread that
 * logs, the one that answers probes and main's wait for SIGTERM among them. So a line waits for room for stall_wait_ms
 * at most; until there is room again lines are dropped without any wait, and the first one that passes comes behind one
 * that says how many are lost. Where poll(2) finds room in a pipe, PIPE_BUF bytes are written at once and whole
 * (pipe(7)), and no line is longer.
 */
_Static_assert(LOG_LINE_MAX <= PIPE_BUF, "a line is one write(2)");

enum {
    line_end_max = 2, /* kept free while fields are added */
    stall_wait_ms = 50
};

static _Atomic int current_level = LOG_LEVEL_INFO;
static struct mutex output_lock = {PTHREAD_MUTEX_INITIALIZER};
static struct log_options output = {.format = LOG_FORMAT_TEXT, .fd = STDOUT_FILENO};
static bool stalled;  /* under output_lock: the last line found no room */
static uint64_t lost; /* under output_lock: lines since the last one that was written */

void log_configure(const struct log_options *options)
{
    mutex_lock(&output_lock);
    output = *options;
    mutex_unlock(&output_lock);
    log_set_level(options->level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

void log_set_form(enum log_format format, bool source)
{
    mutex_lock(&output_lock);
    output.format = format;
    output.source = source;
    mutex_unlock(&output_lock);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    assert((size_t)level < ARRAY_LEN(names));
    return names[level];
}

static const char *level_color(enum log_level level)
{
    static const char *const colors[] = {"\x1b[36m", "\x1b[32m", "\x1b[33m", "\x1b[31m"};
    return colors[level];
}

static bool needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p >= 0x7f)
            return true;
    return false;
}

/* logfmt quotes like a Go string: the escapes of JSON serve, keep every event on one line and its bytes valid UTF-8. */
static int put_text_value(struct buf *b, const char *text)
{
    return needs_quotes(text) ? json_append_string(b, text, strlen(text)) : buf_puts(b, text);
}

/* One field with what separates it from the one before. */
static int put_field(struct buf *b, enum log_format format, const struct log_field *f)
{
    bool json = format == LOG_FORMAT_JSON;
    int rc = json ? buf_printf(b, ",\"%s\":", f->key) : buf_printf(b, " %s=", f->key);
    if (rc < 0)
        return rc;
    const char *text = f->str == NULL ? "" : f->str;
    switch (f->type) {
    case LOG_FIELD_INT:
        return buf_printf(b, "%lld", (long long)f->num);
    case LOG_FIELD_BOOL:
        return buf_puts(b, f->num != 0 ? "true" : "false");
    case LOG_FIELD_STR:
    default:
        return json ? json_append_string(b, text, strlen(text)) : put_text_value(b, text);
    }
}

static const char *source_name(const char *file)
{
    static const char *const rooms[] = {"/daemon/", "/shared/", "/ctl/", "/proto/"};
    for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
        const char *found = strstr(file, rooms[i]);
        if (found != NULL)
            return found + 1;
    }
    return file;
}

/* The fields that fit; the first that does not is dropped with all that follow. */
static void put_fields(struct buf *b, const struct log_options *o, const struct log_field *fields)
{
    for (const struct log_field *f = fields; f->key != NULL; f++) {
        size_t before = b->len;
        if (put_field(b, o->format, f) < 0) {
            buf_truncate(b, before);
            return;
        }
    }
}

static void put_head(struct buf *b, const struct log_options *o, enum log_level level, const char *msg)
{
    char time[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(clock_real_ms(), time);
    const char *name = log_level_name(level);
    int rc;
    if (o->format == LOG_FORMAT_JSON)
        rc = buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", time, name);
    else if (o->color)
        rc = buf_printf(b, "time=%s level=%s%s\x1b[0m msg=", time, level_color(level), name);
    else
        rc = buf_printf(b, "time=%s level=%s msg=", time, name);
    assert(rc == 0);
    rc = o->format == LOG_FORMAT_JSON ? json_append_string(b, msg, strlen(msg)) : put_text_value(b, msg);
    if (rc < 0)
        rc = buf_puts(b, "\"(message too long)\"");
    assert(rc == 0);
}

/* False when it found no room, see stall_note. */
static bool write_line_locked(int fd, const char *line, size_t len) REQUIRES(output_lock)
{
    while (len > 0) {
        struct pollfd out = {.fd = fd, .events = POLLOUT};
        int ready = poll(&out, 1, stalled ? 0 : stall_wait_ms);
        if (ready < 0 && errno == EINTR)
            continue;
        stalled = ready == 0;
        if (stalled)
            return false;
        ssize_t n = write(fd, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true; /* nowhere left to complain */
        line += n;
        len -= (size_t)n;
    }
    return true;
}

static void format_line(struct buf *b, const struct log_options *o, enum log_level level, const char *source,
                        const char *msg, const struct log_field *fields)
{
    buf_init(b, LOG_LINE_MAX - line_end_max);
    put_head(b, o, level, msg);
    if (o->source)
        put_fields(b, o, (const struct log_field[]){LOG_STR("source", source), LOG_END});
    put_fields(b, o, fields);
    b->max += line_end_max;
    int rc = buf_puts(b, o->format == LOG_FORMAT_JSON ? "}\n" : "\n");
    assert(rc == 0);
    (void)rc;
}

static void tell_lost_locked(const struct log_options *o, const char *source) REQUIRES(output_lock)
{
    struct buf b;
    format_line(&b, o, LOG_LEVEL_WARN, source, "lines of this log are lost: nobody read them",
                (const struct log_field[]){LOG_INT("lost", lost), LOG_END});
    if (write_line_locked(o->fd, b.data, b.len))
        lost = 0;
    buf_fini(&b);
}

void log_write(enum log_level level, const char *file, int line, const char *msg, const struct log_field *fields)
{
    if (level < log_get_level())
        return;
    mutex_lock(&output_lock);
    const struct log_options o = output;
    mutex_unlock(&output_lock);
    char source[128];
    (void)snprintf(source, sizeof(source), "%s:%d", source_name(file), line);
    struct buf b;
    format_line(&b, &o, level, source, msg, fields);
    mutex_lock(&output_lock);
    if (lost > 0)
        tell_lost_locked(&o, source);
    lost += write_line_locked(o.fd, b.data, b.len) ? 0 : 1;
    mutex_unlock(&output_lock);
    buf_fini(&b);
}

bool log_limit_pass(struct log_limit *limit, uint64_t *ret_suppressed)
{
    int64_t now = clock_mono_ms();
    mutex_lock(&limit->lock);
    if (limit->period_start_ms == 0 || now - limit->period_start_ms >= limit->period_ms) {
        limit->period_start_ms = now;
        limit->passed = 0;
    }
    bool pass = limit->passed < limit->burst;
    if (pass) {
        limit->passed++;
        *ret_suppressed = limit->suppressed;
        limit->suppressed = 0;
    } else {
        limit->suppressed++;
    }
    mutex_unlock(&limit->lock);
    return pass;
}
