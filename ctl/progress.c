#include "ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { bar_width = 24, width = 79, tail_size = 48 }; /* a terminal's last column would begin a new line */

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

/* What is cut when it does not fit is the text. */
static void show_bar(struct progress *p, const char *text, int64_t done, int64_t total, const char *unit)
{
    char head[bar_width + 16] = "";
    char tail[tail_size] = "";
    if (total > 0) {
        double part = done < 0 ? 0 : done < total ? (double)done / (double)total : 1;
        int filled = (int)(bar_width * part);
        (void)snprintf(head, sizeof(head), "[%.*s%.*s] %3d%% ", filled, "########################", bar_width - filled,
                       "........................", (int)(100 * part));
    } else if (done > 0) {
        (void)snprintf(tail, sizeof(tail), ": %" PRId64 " %.15s", done, unit);
    }
    p->shown = true;
    (void)fprintf(stderr, "\r\033[K%s%.*s%s", head, width - (int)(strlen(head) + strlen(tail)), text, tail);
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
