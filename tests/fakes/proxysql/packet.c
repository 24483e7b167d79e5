#include "tests/fakes/proxysql/packet.h"

#include <errno.h>
#include <string.h>

enum { header_bytes = 4, type_var_string = 0xfd, charset_utf8 = 33 };

void packet_writer_init(struct packet_writer *w)
{
    *w = (struct packet_writer){.status = PACKET_STATUS_ANSWER};
    buf_init(&w->out, PACKET_OUT_MAX);
}

static void drop_source(struct packet_writer *w)
{
    if (w->source != NULL)
        w->source->free(w->source);
    w->source = NULL;
}

void packet_writer_fini(struct packet_writer *w)
{
    drop_source(w);
    buf_fini(&w->out);
}

void packet_writer_reset(struct packet_writer *w, uint8_t seq)
{
    drop_source(w);
    buf_reset(&w->out);
    w->seq = seq;
    w->error = 0;
}

void packet_put(struct packet_writer *w, const void *data, size_t len)
{
    int r = buf_append(&w->out, data, len);
    if (r < 0 && w->error == 0)
        w->error = r;
}

void packet_put_int(struct packet_writer *w, uint64_t value, unsigned bytes)
{
    unsigned char raw[8];
    for (unsigned i = 0; i < bytes; i++)
        raw[i] = (unsigned char)(value >> (8 * i));
    packet_put(w, raw, bytes);
}

void packet_put_lenenc(struct packet_writer *w, uint64_t value)
{
    if (value < 251) {
        packet_put_int(w, value, 1);
    } else if (value <= 0xffff) {
        packet_put_int(w, 0xfc, 1);
        packet_put_int(w, value, 2);
    } else if (value <= 0xffffff) {
        packet_put_int(w, 0xfd, 1);
        packet_put_int(w, value, 3);
    } else {
        packet_put_int(w, 0xfe, 1);
        packet_put_int(w, value, 8);
    }
}

void packet_put_string(struct packet_writer *w, const char *text, size_t len)
{
    packet_put_lenenc(w, len);
    packet_put(w, text, len);
}

void packet_begin(struct packet_writer *w)
{
    w->start = w->out.len;
    packet_put_int(w, 0, header_bytes);
}

void packet_end(struct packet_writer *w)
{
    if (w->error != 0)
        return;
    size_t len = w->out.len - w->start - header_bytes;
    if (len >= PACKET_MAX_PAYLOAD) {
        w->error = -EMSGSIZE;
        return;
    }
    unsigned char *header = (unsigned char *)w->out.data + w->start;
    header[0] = (unsigned char)len;
    header[1] = (unsigned char)(len >> 8);
    header[2] = (unsigned char)(len >> 16);
    header[3] = w->seq++;
}

void packet_ok(struct packet_writer *w, uint64_t affected_rows, const char *message)
{
    packet_begin(w);
    packet_put_int(w, 0x00, 1);
    packet_put_lenenc(w, affected_rows);
    packet_put_lenenc(w, 0);
    packet_put_int(w, w->status, 2);
    packet_put_int(w, 0, 2);
    if (message != NULL)
        packet_put_string(w, message, strlen(message));
    packet_end(w);
}

void packet_err(struct packet_writer *w, unsigned code, const char *sqlstate, const char *message)
{
    packet_begin(w);
    packet_put_int(w, 0xff, 1);
    packet_put_int(w, code, 2);
    packet_put(w, "#", 1);
    packet_put(w, sqlstate, 5);
    packet_put(w, message, strlen(message));
    packet_end(w);
}

void packet_eof(struct packet_writer *w)
{
    packet_begin(w);
    packet_put_int(w, 0xfe, 1);
    packet_put_int(w, 0, 2);
    packet_put_int(w, w->status, 2);
    packet_end(w);
}

void packet_column_count(struct packet_writer *w, unsigned columns)
{
    packet_begin(w);
    packet_put_lenenc(w, columns);
    packet_end(w);
}

void packet_column(struct packet_writer *w, const char *name)
{
    packet_column_typed(w, name, type_var_string);
}

void packet_column_typed(struct packet_writer *w, const char *name, unsigned type)
{
    packet_begin(w);
    packet_put_string(w, "def", 3);
    packet_put_string(w, "", 0); /* schema */
    packet_put_string(w, "", 0); /* table */
    packet_put_string(w, "", 0); /* original table */
    packet_put_string(w, name, strlen(name));
    packet_put_string(w, "", 0); /* original name */
    packet_put_int(w, 0x0c, 1);
    packet_put_int(w, charset_utf8, 2);
    packet_put_int(w, 15, 4); /* display width */
    packet_put_int(w, type, 1);
    packet_put_int(w, 1, 2);    /* NOT NULL */
    packet_put_int(w, 0x1f, 1); /* decimals */
    packet_put_int(w, 0, 2);
    packet_end(w);
}

int packet_send(struct packet_writer *w, struct stream *s)
{
    if (w->error != 0)
        return w->error;
    int r = stream_write(s, w->out.data, w->out.len);
    buf_reset(&w->out);
    for (bool more = w->source != NULL; more && r == 0;) {
        more = w->source->more(w->source, w);
        r = w->error != 0 ? w->error : stream_write(s, w->out.data, w->out.len);
        buf_reset(&w->out);
    }
    drop_source(w);
    return r;
}

int packet_read(struct stream *s, struct buf *payload, uint8_t *ret_seq)
{
    unsigned char header[header_bytes];
    int r = stream_read(s, header, sizeof header);
    if (r < 0)
        return r;
    size_t left = header[0] | ((size_t)header[1] << 8) | ((size_t)header[2] << 16);
    if (left >= PACKET_MAX_PAYLOAD)
        return -EMSGSIZE;
    buf_reset(payload);
    while (left > 0) {
        char chunk[4096];
        size_t n = left < sizeof chunk ? left : sizeof chunk;
        r = stream_read(s, chunk, n);
        if (r == 0)
            r = buf_append(payload, chunk, n);
        if (r < 0)
            return r;
        left -= n;
    }
    *ret_seq = header[3];
    return 0;
}
