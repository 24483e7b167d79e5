#pragma once

#include <stdbool.h>
#include <stddef.h>

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Thread-safe. */

/* U+FFFD, what stands for bytes that are no UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Length of the valid sequence at text, which has left (>= 1) bytes; 0 when there is none. */
size_t utf8_sequence_len(const char *text, size_t left);

bool utf8_valid(const char *text, size_t len);
