#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/buf.h"

/* What is printed: text of at most SCREEN_WIDTH columns, collected and written at once. Not thread-safe. */
enum { SCREEN_WIDTH = 80, SCREEN_BYTES_MAX = 16 * 1024 * 1024, SCREEN_TEXT_MAX = 512, SCREEN_TIME_SIZE = 32 };

enum color { COLOR_NONE, COLOR_GOOD, COLOR_WARN, COLOR_BAD, COLOR_DIM, COLOR_TITLE };

struct screen {
    struct buf out;
    bool color; /* a terminal that wants it */
};

void screen_init(struct screen *screen, bool color);
void screen_fini(struct screen *screen);

/* Text of ours and of others: what is no printable character becomes '?', so that nobody writes to the terminal through
 * us. At most SCREEN_TEXT_MAX bytes each time. */
void screen_print(struct screen *screen, enum color color, const char *fmt, ...) PRINTF_FORMAT(3, 4);

/* Text that begins at column indent, where the cursor is, broken at blanks to fit the width. */
void screen_wrap(struct screen *screen, size_t indent, enum color color, const char *fmt, ...) PRINTF_FORMAT(4, 5);

/* "title: text, text ..." broken at blanks to fit the width; what follows the first line is indented like the text. */
void screen_field(struct screen *screen, const char *title, enum color color, const char *fmt, ...) PRINTF_FORMAT(4, 5);

/* Write everything to standard output and forget it. False when it cannot be written. */
bool screen_flush(struct screen *screen);

/* "820 ms", "4.2 s", "3 min 20 s", "5 h 12 min", "3 d 4 h"; "-" for a negative one. */
const char *screen_duration(int64_t ms, char ret_text[static SCREEN_TIME_SIZE]);

/* How many columns a text takes. */
size_t screen_columns(const char *text);
