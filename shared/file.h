#pragma once

#include <stddef.h>

#include "shared/buf.h"
#include "shared/error.h"

/* Append the whole content of a regular file (or a pipe, up to its end) to out. Never waits for a pipe's writer:
 * -EAGAIN while it has written nothing. Thread-safe. 0, or a negative errno; -EFBIG when it has more than out->max
 * bytes; -EISDIR for a folder. */
MUST_CHECK int file_read(const char *path, struct buf *out, struct error *err);

/* The same for a file that only this program writes: a symbolic link in its place is refused (-ELOOP). */
MUST_CHECK int file_read_own(const char *path, struct buf *out, struct error *err);

/* Make path a regular file (mode 0600) with exactly this content: whoever reads it sees the old or the new one, never a
 * part, also after a crash. Written beside it as "path.new" first; a symbolic link in either place is replaced, not
 * followed. One writer at a time. Thread-safe. 0 or a negative errno; then path is as it was. */
MUST_CHECK int file_replace(const char *path, const void *data, size_t len, struct error *err);
