#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/error.h"

/* Frames: a big-endian length and so many bytes. Pure functions on buffers; thread-safe for different buffers. */

/* Begin a frame at the end of out; *ret_at is for frame_end(). */
MUST_CHECK int frame_begin(struct buf *out, size_t *ret_at);

/* Everything appended since frame_begin() is the frame's content. */
void frame_end(struct buf *out, size_t at);

/* The first frame of what has been received: 1 and where its content lies in data; 0 when bytes are missing;
 * -EMSGSIZE when its length is above content_max, -EPROTO when it is 0. Nothing is allocated for a length. */
MUST_CHECK int frame_find(const void *data, size_t len, size_t content_max, const uint8_t **ret_content,
                          size_t *ret_len, struct error *err);
