#include "ctl/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/utf8.h"

static const char *const color_codes[] = {
    [COLOR_NONE] = "",        [COLOR_GOOD] = "\033[32m", [COLOR_WARN] = "\033[33m",
    [COLOR_BAD] = "\033[31m", [COLOR_DIM] = "\033[2m",   [COLOR_TITLE] = "\033[1m",
};

void screen_init(struct screen *s, bool color)
{
    buf_init(&s->out, SCREEN_BYTES_MAX);
    s->color = color;
}

void screen_fini(struct screen *s)
{
    buf_fini(&s->out);
}

/* What does not fit into SCREEN_BYTES_MAX is left out. */
static void put(struct screen *s, const char *text, size_t len)
{
    int rc = buf_append(&s->out, text, len);
    (void)rc;
}

/* C1 control characters (U+0080 to U+009F) move cursors as well. */
static bool is_printable(const char *text, size_t len)
{
    unsigned char first = (unsigned char)text[0];
    if (len == 1)
        return first >= 0x20 && first < 0x7f;
    return len > 1 && !(first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

static void put_printable(struct screen *s, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = utf8_sequence_len(text, left);
        if (*text == '\n' || is_printable(text, len))
            put(s, text, len);
        else
            put(s, "?", 1);
        len = len == 0 ? 1 : len;
        text += len;
        left -= len;
    }
}

static void print_colored(struct screen *s, enum color color, const char *text)
{
    bool colored = s->color && color != COLOR_NONE;
    if (colored)
        put(s, color_codes[color], strlen(color_codes[color]));
    put_printable(s, text);
    if (colored)
        put(s, "\033[0m", 4);
}

void screen_print(struct screen *s, enum color color, const char *fmt, ...)
{
    char text[SCREEN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    print_colored(s, color, text);
}

size_t screen_columns(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    return columns;
}

/* How many bytes of text go into a line of width columns: up to a blank if there is one. */
static size_t line_len(const char *text, size_t width)
{
    size_t columns = 0;
    size_t last_blank = 0;
    size_t i = 0;
    for (; text[i] != '\0' && text[i] != '\n'; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80 && ++columns > width)
            return last_blank > 0 ? last_blank : i;
        if (text[i] == ' ')
            last_blank = i;
    }
    return i;
}

/* text from column indent on, where the cursor is; further lines begin there too. */
static void wrap(struct screen *s, size_t indent, enum color color, const char *text)
{
    for (const char *at = text;;) {
        size_t len = line_len(at, SCREEN_WIDTH - indent);
        char line[SCREEN_TEXT_MAX];
        (void)snprintf(line, sizeof(line), "%.*s", (int)len, at);
        print_colored(s, color, line);
        put(s, "\n", 1);
        at += len;
        while (*at == ' ' || *at == '\n')
            at++;
        if (*at == '\0')
            return;
        screen_print(s, COLOR_NONE, "%*s", (int)indent, "");
    }
}

void screen_wrap(struct screen *s, size_t indent, enum color color, const char *fmt, ...)
{
    char text[SCREEN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    wrap(s, indent, color, text);
}

void screen_field(struct screen *s, const char *title, enum color color, const char *fmt, ...)
{
    enum { title_width = 11 };
    char text[SCREEN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    screen_print(s, COLOR_TITLE, "%-*s", title_width, title);
    wrap(s, title_width, color, text);
}

bool screen_flush(struct screen *s)
{
    bool good = fwrite(s->out.data, 1, s->out.len, stdout) == s->out.len && fflush(stdout) == 0;
    buf_reset(&s->out);
    return good;
}

const char *screen_duration(int64_t ms, char ret_text[static SCREEN_TIME_SIZE])
{
    enum { minute_s = 60, hour_s = 3600, day_s = 86400 };
    long long s = ms / 1000;
    if (ms < 0)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "-");
    else if (ms == 0)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "0 s");
    else if (ms < 1000)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "%lld ms", (long long)ms);
    else if (s < minute_s)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "%lld.%lld s", s, (long long)(ms % 1000) / 100);
    else if (s < hour_s)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "%lld min %lld s", s / minute_s, s % minute_s);
    else if (s < day_s)
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "%lld h %lld min", s / hour_s, s % hour_s / minute_s);
    else
        (void)snprintf(ret_text, SCREEN_TIME_SIZE, "%lld d %lld h", s / day_s, s % day_s / hour_s);
    return ret_text;
}
