#include "ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { bar_width = 24, text_width = 40 };

/* Text of others, on one line. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
}

static void show_line(struct progress *p, const char *text)
{
    if (strcmp(text, p->text) == 0)
        return;
    (void)snprintf(p->text, sizeof(p->text), "%s", text);
    (void)fprintf(stderr, "%s\n", text);
}

static void show_bar(struct progress *p, const char *text, int64_t done, int64_t total, const char *unit)
{
    char bar[bar_width + 1];
    int filled = total <= 0 || done < 0 ? 0 : done >= total ? bar_width : (int)(bar_width * done / total);
    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '.', (size_t)(bar_width - filled));
    bar[bar_width] = '\0';
    p->shown = true;
    if (total > 0)
        (void)fprintf(stderr, "\r\033[K[%s] %3d%% %.*s", bar, (int)(100 * (done < total ? done : total) / total),
                      text_width, text);
    else if (done > 0)
        (void)fprintf(stderr, "\r\033[K%.*s: %" PRId64 " %.15s", text_width, text, done, unit);
    else
        (void)fprintf(stderr, "\r\033[K%.*s", text_width, text);
    (void)fflush(stderr);
}

void progress_show(struct progress *p, const struct msgpack_object *message)
{
    char text[sizeof(p->text)];
    char unit[16];
    (void)snprintf(text, sizeof(text), "%s", tree_text(message, "text"));
    (void)snprintf(unit, sizeof(unit), "%s", tree_text(message, "unit"));
    make_printable(text);
    make_printable(unit);
    if (p->bar)
        show_bar(p, text, tree_int(message, "done", 0), tree_int(message, "total", 0), unit);
    else if (tree_int(message, "done", 0) > 0 || tree_int(message, "total", 0) > 0)
        show_line(p, text);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        (void)fputs("\r\033[K", stderr);
    p->shown = false;
}
