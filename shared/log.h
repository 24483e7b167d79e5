#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/compiler.h"
#include "shared/thread.h"

/*
 * One line per event, written with one write(2): `time=... level=INFO msg="pool ready" size=4` (logfmt) or a JSON
 * object with the keys time, level, msg. Times are RFC 3339 UTC with milliseconds. All functions are thread-safe;
 * lines of different threads never mix. A line longer than LOG_LINE_MAX bytes, its end included, is cut at a field's
 * boundary. While nobody reads the output lines are dropped, so that no caller waits longer than a moment; how many is
 * said when it is read again.
 */

/* PIPE_BUF: what a pipe takes in one write(2) without mixing it with others' (pipe(7)). */
enum { LOG_LINE_MAX = 4096 };

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_options {
    enum log_level level;
    enum log_format format;
    bool source; /* add source=file:line */
    bool color;  /* colour levels; text format only */
    int fd;      /* where lines go; not closed by this module */
};

/* Replace all options. Before the first call: INFO, text, no source, no colour, standard output. */
void log_configure(const struct log_options *options);
void log_set_level(enum log_level level);
/* Change these two alone. */
void log_set_form(enum log_format format, bool source);
enum log_level log_get_level(void);
/* "DEBUG", "INFO", "WARN", "ERROR" */
const char *log_level_name(enum log_level level);

struct log_field {
    const char *key; /* NULL ends a list */
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL } type;
    const char *str; /* NULL is printed as an empty text */
    int64_t num;
};

#define LOG_STR(k, v)                                 \
    {                                                 \
        .key = (k), .type = LOG_FIELD_STR, .str = (v) \
    }
#define LOG_INT(k, v)                                          \
    {                                                          \
        .key = (k), .type = LOG_FIELD_INT, .num = (int64_t)(v) \
    }
#define LOG_BOOL(k, v)                                         \
    {                                                          \
        .key = (k), .type = LOG_FIELD_BOOL, .num = (v) ? 1 : 0 \
    }
#define LOG_END     \
    {               \
        .key = NULL \
    }

/* log_info("message", LOG_STR("key", value), ...): a message in words, then fields. */
#define log_debug(...)          LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__, LOG_END)
#define log_info(...)           LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__, LOG_END)
#define log_warn(...)           LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__, LOG_END)
#define log_error(...)          LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__, LOG_END)
#define LOG_AT(level, msg, ...) log_write((level), __FILE__, __LINE__, (msg), (const struct log_field[]){__VA_ARGS__})

/* Write one line unless level is below the configured one. fields ends with LOG_END. */
void log_write(enum log_level level, const char *file, int line, const char *msg, const struct log_field *fields);

/* At most `burst` lines in each period of period_ms; for everything that a peer can trigger. Define it static with
 * LOG_LIMIT_INIT and ask before logging. */
struct log_limit {
    struct mutex lock;
    int64_t period_ms;
    unsigned burst;
    int64_t period_start_ms GUARDED;
    unsigned passed GUARDED;
    uint64_t suppressed GUARDED;
};

#define LOG_LIMIT_INIT(burst_lines, per_ms)                                                \
    {                                                                                      \
        .lock = {PTHREAD_MUTEX_INITIALIZER}, .period_ms = (per_ms), .burst = (burst_lines) \
    }

/* True: log now; *ret_suppressed is then how many lines were left out since the last one that passed. */
bool log_limit_pass(struct log_limit *limit, uint64_t *ret_suppressed);
