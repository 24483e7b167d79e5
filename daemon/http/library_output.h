#pragma once

#include <stdint.h>

/*
 * libh2o prints to standard error what a client's odd bytes make it think, without any limit. Once installed, lines of
 * those kinds are counted and go nowhere; every other line goes to standard error as before.
 */

/* Replace stderr by a stream that leaves them out. Idempotent; before other threads use stderr. */
void library_output_install(void);

/* How many lines were left out. Thread-safe. */
uint64_t library_output_dropped(void);
