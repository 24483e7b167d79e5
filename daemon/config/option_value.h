#pragma once

#include <stdbool.h>

#include "daemon/config/options.h"
#include "shared/buf.h"
#include "shared/error.h"

/*
 * Values of options: the strict setter that file, environment and flags share, and how a value is written. Not
 * thread-safe while a configuration is built.
 */
enum {
    OPTION_TEXT_MAX = 4096, /* bytes of one value's text at most */
    OPTION_ITEMS_MAX = 64,  /* items of a list at most */
    OPTION_SHOWN_MAX = 64,  /* bytes of a value that a message repeats at most */
};

/* Every option at its default. ret_config must be zeroed; option_clear_all() it. */
void option_set_defaults(struct config *ret_config);

/* Free what the options own. */
void option_clear_all(struct config *config);

/* Set one option from its text. -EINVAL with what is wrong and what is allowed (not the key: the caller adds it and
 * where the text came from); the option is then as before. */
MUST_CHECK int option_set(struct config *config, const struct option *option, const char *text, struct error *err);

/* Put the option back to its default. */
void option_reset(struct config *config, const struct option *option);

/* Both have the same value. */
bool option_equal(const struct config *a, const struct config *b, const struct option *option);

/* Give to the value that from has. */
void option_copy(struct config *to, const struct config *from, const struct option *option);

/* The value as one line of YAML ("8080", "\"radmin\"", "[\"a\", \"b\"]"); secrets that are set as "********". 0 or the
 * error of out. */
MUST_CHECK int option_write(const struct config *config, const struct option *option, struct buf *out);

/* The value's text in double quotes for a message: cut to OPTION_SHOWN_MAX, unprintable bytes as '?'. */
void option_quote(const char *text, char ret_text[OPTION_SHOWN_MAX]);
