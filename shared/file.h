#pragma once

#include <stddef.h>

#include "shared/buf.h"
#include "shared/error.h"

/* Append the whole content of a regular file (or a pipe, up to its end) to out. Never waits for a pipe's writer:
 * -EAGAIN while it has written nothing. Thread-safe. 0, or a negative errno; -EFBIG when it has more than out->max
 * bytes; -EISDIR for a folder. */
MUST_CHECK int file_read(const char *path, struct buf *out, struct error *err);
