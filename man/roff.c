#include "man/roff.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { line_bytes_max = 4096, wrap_column = 46 };

static void put(struct roff *r, const char *text)
{
    if (r->error == 0)
        r->error = buf_puts(r->out, text);
}

static void put_char(struct roff *r, char c)
{
    if (r->error == 0)
        r->error = buf_append(r->out, &c, 1);
}

/* groff_char(7): a minus sign is "\-", a backslash "\e". A line that begins with '.' or '\'' is no text. */
static void put_escaped(struct roff *r, const char *text)
{
    size_t column = 0;
    if (*text == '.' || *text == '\'')
        put(r, "\\&");
    for (; *text != '\0'; text++, column++) {
        bool breaks = *text == ' ' && column >= wrap_column && strchr(" .'", text[1]) == NULL;
        if (breaks) { /* a new line of the file is a blank of the text */
            put(r, "\n");
            column = 0;
            continue;
        }
        if (*text == '-')
            put(r, "\\-");
        else if (*text == '\\')
            put(r, "\\e");
        else if (*text != '`') /* quotes of code in the tables' texts */
            put_char(r, *text);
    }
    put(r, "\n");
}

void roff_macro(struct roff *r, const char *fmt, ...)
{
    char line[line_bytes_max];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    put(r, line);
    put(r, "\n");
}

void roff_text(struct roff *r, const char *fmt, ...)
{
    char line[line_bytes_max];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    put_escaped(r, line);
}

void roff_item(struct roff *r, const char *fmt, ...)
{
    char line[line_bytes_max];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    put(r, ".TP\n.B ");
    put_escaped(r, line);
}

void roff_entries(struct roff *r, const struct roff_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        roff_item(r, "%s", entries[i].tag);
        roff_text(r, "%s", entries[i].text);
    }
}
