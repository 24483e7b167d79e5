#include "proto/frame.h"

#include <assert.h>
#include <errno.h>

#include "proto/protocol.h"

int frame_begin(struct buf *out, size_t *ret_at)
{
    static const uint8_t no_length[PROTOCOL_LENGTH_BYTES] = {0};
    *ret_at = out->len;
    return buf_append(out, no_length, sizeof(no_length));
}

void frame_end(struct buf *out, size_t at)
{
    size_t len = out->len - at - PROTOCOL_LENGTH_BYTES;
    assert(len <= UINT32_MAX);
    for (size_t i = 0; i < PROTOCOL_LENGTH_BYTES; i++)
        out->data[at + i] = (char)(uint8_t)(len >> (8 * (PROTOCOL_LENGTH_BYTES - 1 - i)));
}

int frame_find(const void *data, size_t len, size_t content_max, const uint8_t **ret_content, size_t *ret_len,
               struct error *err)
{
    const uint8_t *bytes = data;
    size_t content = 0;
    if (len < PROTOCOL_LENGTH_BYTES)
        return 0;
    for (size_t i = 0; i < PROTOCOL_LENGTH_BYTES; i++)
        content = content << 8 | bytes[i];
    if (content == 0)
        return error_set(err, -EPROTO, "a frame of no bytes");
    if (content > content_max)
        return error_set(err, -EMSGSIZE, "a frame of %zu bytes, at most %zu are allowed", content, content_max);
    if (len - PROTOCOL_LENGTH_BYTES < content)
        return 0;
    *ret_content = bytes + PROTOCOL_LENGTH_BYTES;
    *ret_len = content;
    return 1;
}
