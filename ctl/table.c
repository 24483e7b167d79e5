#include "ctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"

enum { gap = 2, cut_width_min = 6, first_cells = 64 };

struct cell {
    char *text;
    enum color color;
};

struct table {
    const struct column *columns;
    size_t count;
    struct cell *cells;
    size_t cell_count;
    size_t capacity;
};

struct table *table_new(const struct column *columns, size_t count)
{
    struct table *t = xcalloc(1, sizeof(*t));
    t->columns = columns;
    t->count = count;
    return t;
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < t->cell_count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

static void grow(struct table *t)
{
    size_t capacity = t->capacity == 0 ? first_cells : 2 * t->capacity;
    struct cell *cells = xcalloc(capacity, sizeof(*cells));
    if (t->cell_count > 0)
        memcpy(cells, t->cells, t->cell_count * sizeof(*cells));
    free(t->cells);
    t->cells = cells;
    t->capacity = capacity;
}

void table_cell(struct table *t, enum color color, const char *fmt, ...)
{
    char text[SCREEN_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (char *c = strchr(text, '\n'); c != NULL; c = strchr(c, '\n')) /* a cell has one line */
        *c = ' ';
    if (t->cell_count == t->capacity)
        grow(t);
    t->cells[t->cell_count++] = (struct cell){.text = xstrdup(text), .color = color};
}

static size_t measure(const struct table *t, size_t widths[TABLE_COLUMNS_MAX])
{
    size_t sum = gap * (t->count - 1);
    for (size_t c = 0; c < t->count; c++)
        widths[c] = screen_columns(t->columns[c].title);
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t columns = screen_columns(t->cells[i].text);
        if (columns > widths[i % t->count])
            widths[i % t->count] = columns;
    }
    for (size_t c = 0; c < t->count; c++)
        sum += widths[c];
    return sum;
}

/* Take from the widest column that may be cut until the whole fits. */
static void fit(const struct table *t, size_t widths[TABLE_COLUMNS_MAX], size_t sum)
{
    for (; sum > SCREEN_WIDTH; sum--) {
        size_t widest = t->count;
        for (size_t c = 0; c < t->count; c++)
            if (t->columns[c].cut && widths[c] > cut_width_min && (widest == t->count || widths[c] > widths[widest]))
                widest = c;
        if (widest == t->count)
            return;
        widths[widest]--;
    }
}

/* The first width columns of text, ".." in the place of what is missing. */
static void cut(const char *text, size_t width, char ret_text[SCREEN_TEXT_MAX])
{
    size_t bytes = 0;
    size_t columns = 0;
    if (screen_columns(text) <= width) {
        (void)snprintf(ret_text, SCREEN_TEXT_MAX, "%s", text);
        return;
    }
    for (; text[bytes] != '\0'; bytes++)
        if (((unsigned char)text[bytes] & 0xc0) != 0x80 && ++columns > width - 2)
            break;
    (void)snprintf(ret_text, SCREEN_TEXT_MAX, "%.*s..", (int)bytes, text);
}

static void print_cell(const struct table *t, size_t c, const char *text, enum color color, size_t width,
                       struct screen *screen)
{
    char shown[SCREEN_TEXT_MAX];
    bool last = c + 1 == t->count;
    cut(text, width, shown);
    int pad = (int)(width - screen_columns(shown));
    if (t->columns[c].right)
        screen_print(screen, COLOR_NONE, "%*s", pad, "");
    screen_print(screen, color, "%s", shown);
    if (!t->columns[c].right && !last)
        screen_print(screen, COLOR_NONE, "%*s", pad, "");
    screen_print(screen, COLOR_NONE, "%s", last ? "\n" : "  ");
}

void table_print(const struct table *t, struct screen *screen)
{
    size_t widths[TABLE_COLUMNS_MAX];
    fit(t, widths, measure(t, widths));
    for (size_t c = 0; c < t->count; c++)
        print_cell(t, c, t->columns[c].title, COLOR_TITLE, widths[c], screen);
    for (size_t i = 0; i < t->cell_count; i++)
        print_cell(t, i % t->count, t->cells[i].text, t->cells[i].color, widths[i % t->count], screen);
}
