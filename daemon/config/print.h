#pragma once

#include "daemon/config/options.h"
#include "shared/buf.h"

/* Shared by what prints the option table (show.c, reference.c): writing that remembers its first failure. */
struct printer {
    struct buf *out;
    int error; /* first failure, 0 so far */
};

void print(struct printer *printer, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* Text of any length, as it is. */
void print_text(struct printer *printer, const char *text);

/* The option's value as YAML, secrets masked. */
void print_value(struct printer *printer, const struct config *config, const struct option *option);

/* What the option accepts, with its unit: "1 to 65535", "50 to 10000 milliseconds", "text". */
void print_allowed(struct printer *printer, const struct option *option);

/* The line of a YAML file that begins with the option's key ("  level: "), after lines that open its groups as far as
 * the key written before ("" for none) was not in them. comment goes before the key ("# " for a key that is commented
 * out). */
void print_key(struct printer *printer, const char *before, const struct option *option, const char *comment);

/* The lines that open those groups, alone; returns the indentation of the key. */
int print_groups(struct printer *printer, const char *before, const struct option *option);
