#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/compiler.h"

/* Strict parsing of text that somebody else wrote. Thread-safe. */

/* A decimal number within min..max: optional '-', digits, nothing else (no blanks, no '+', no leading zeros).
 * 0; -EINVAL for another form; -ERANGE for a number outside the range. *ret_value is set only on success. */
MUST_CHECK int str_to_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* The spellings of Go's strconv.ParseBool: 1 t T TRUE true True, 0 f F FALSE false False. 0 or -EINVAL. */
MUST_CHECK int str_to_bool(const char *text, bool *ret_value);

/* How many single-character edits (insert, delete, replace; ASCII case ignored) lead from a to b; texts longer than 63
 * bytes count as unlike everything (64). */
unsigned str_distance(const char *a, const char *b);

/* Split "host:port", "[v6]:port" into host (brackets removed) and port 1..65535. 0 or -EINVAL. */
MUST_CHECK int str_split_host_port(const char *text, char *ret_host, size_t host_size, uint16_t *ret_port);
