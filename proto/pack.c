#include "proto/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <string.h>

#include "shared/utf8.h"

enum { map32 = 0xdf, array32 = 0xdd, count_bytes = 4 };

void pack_init(struct pack *p, struct buf *out)
{
    *p = (struct pack){.out = out};
}

static int write_bytes(void *arg, const char *data, size_t len)
{
    struct pack *p = arg;
    if (p->error == 0)
        p->error = buf_append(p->out, data, len);
    return p->error;
}

static msgpack_packer packer_of(struct pack *p)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, p, write_bytes);
    return packer;
}

/* Text with what is no UTF-8 replaced. */
static int append_repaired(struct buf *out, const char *text, size_t len)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < len;) {
        size_t used = utf8_sequence_len(text + i, len - i);
        rc = used == 0 ? buf_puts(out, UTF8_REPLACEMENT) : buf_append(out, text + i, used);
        i += used == 0 ? 1 : used;
    }
    return rc;
}

static void put_text(struct pack *p, const char *text)
{
    msgpack_packer packer = packer_of(p);
    size_t len = strlen(text);
    if (utf8_valid(text, len)) {
        (void)msgpack_pack_str_with_body(&packer, text, len);
        return;
    }
    cleanup_buf struct buf repaired;
    buf_init(&repaired, p->out->max);
    int rc = append_repaired(&repaired, text, len);
    if (p->error == 0)
        p->error = rc;
    (void)msgpack_pack_str_with_body(&packer, repaired.data, repaired.len);
}

/* The key before a value, and the value's place in its container's count. */
static void begin_value(struct pack *p, const char *key)
{
    if (p->depth > 0)
        p->open[p->depth - 1].count++;
    if (key != NULL)
        put_text(p, key);
}

static void open_container(struct pack *p, const char *key, uint8_t first)
{
    begin_value(p, key);
    assert(p->depth < PROTOCOL_DEPTH_MAX);
    char header[1 + count_bytes] = {(char)first};
    p->open[p->depth].at = p->out->len + 1;
    p->open[p->depth].count = 0;
    p->depth++;
    (void)write_bytes(p, header, sizeof(header));
}

static void close_container(struct pack *p)
{
    assert(p->depth > 0);
    p->depth--;
    if (p->error != 0)
        return;
    uint32_t count = p->open[p->depth].count;
    for (size_t i = 0; i < count_bytes; i++)
        p->out->data[p->open[p->depth].at + i] = (char)(uint8_t)(count >> (8 * (count_bytes - 1 - i)));
}

void pack_map_begin(struct pack *p, const char *key)
{
    open_container(p, key, map32);
}

void pack_map_end(struct pack *p)
{
    close_container(p);
}

void pack_array_begin(struct pack *p, const char *key)
{
    open_container(p, key, array32);
}

void pack_array_end(struct pack *p)
{
    close_container(p);
}

void pack_str(struct pack *p, const char *key, const char *text)
{
    if (text == NULL) {
        pack_nil(p, key);
        return;
    }
    begin_value(p, key);
    put_text(p, text);
}

void pack_int(struct pack *p, const char *key, int64_t number)
{
    msgpack_packer packer = packer_of(p);
    begin_value(p, key);
    (void)msgpack_pack_int64(&packer, number);
}

void pack_bool(struct pack *p, const char *key, bool value)
{
    msgpack_packer packer = packer_of(p);
    begin_value(p, key);
    (void)(value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
}

void pack_nil(struct pack *p, const char *key)
{
    msgpack_packer packer = packer_of(p);
    begin_value(p, key);
    (void)msgpack_pack_nil(&packer);
}

void pack_raw(struct pack *p, const char *key, const void *data, size_t len)
{
    begin_value(p, key);
    (void)write_bytes(p, data, len);
}

int pack_end(struct pack *p)
{
    assert(p->depth == 0);
    return p->error;
}
