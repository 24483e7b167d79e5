#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * The password arithmetic of mysql_native_password and caching_sha2_password, server side. A stored password is clear
 * text, or '*' and the 40 hex digits of SHA1(SHA1(clear text)). Thread-safe.
 */

enum { SCRAMBLE_BYTES = 20 };

/* Random printable bytes, as a greeting needs them. */
void scramble_random(unsigned char *ret_bytes, size_t len);

/* Does answer prove knowledge of the stored password? */
bool scramble_check_native(const unsigned char *answer, size_t len, const unsigned char scramble[static SCRAMBLE_BYTES],
                           const char *stored);
/* stored is clear text. */
bool scramble_check_sha2(const unsigned char *answer, size_t len, const unsigned char scramble[static SCRAMBLE_BYTES],
                         const char *stored);

/* Is stored ('*' and hex) the hash of clear? */
bool scramble_matches_hash(const char *clear, const char *stored);
