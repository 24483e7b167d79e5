#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctl/screen.h"

/*
 * A table that fits SCREEN_WIDTH: columns are as wide as their widest cell; when that is too much, the columns that may
 * be cut get narrower and what is cut ends in "..". Not thread-safe.
 */
enum { TABLE_COLUMNS_MAX = 8 };

struct column {
    const char *title;
    bool right; /* numbers */
    bool cut;   /* may be cut */
};

struct table;

/* columns (count <= TABLE_COLUMNS_MAX) must outlive the table. */
struct table *table_new(const struct column *columns, size_t count);
void table_free(struct table *table);

/* The next cell, row by row; its text is copied. */
void table_cell(struct table *table, enum color color, const char *fmt, ...) PRINTF_FORMAT(3, 4);

void table_print(const struct table *table, struct screen *screen);
