#pragma once

#include "shared/buf.h"

/* Writes manual pages in the language of man(7). Errors stick: write everything, then look at error. */
struct roff {
    struct buf *out;
    int error; /* first failure, 0 so far */
};

/* A line of the language itself, as it is: ".SH NAME". */
void roff_macro(struct roff *roff, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* Text, escaped: minus signs, backslashes, and what would be a macro at the begin of a line. Ends the line. */
void roff_text(struct roff *roff, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* An item with a bold tag; its text follows. */
void roff_item(struct roff *roff, const char *fmt, ...) PRINTF_FORMAT(2, 3);

struct roff_entry {
    const char *tag;
    const char *text;
};

/* An item for each entry. */
void roff_entries(struct roff *roff, const struct roff_entry *entries, size_t count);
