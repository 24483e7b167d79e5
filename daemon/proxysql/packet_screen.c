#include "daemon/proxysql/packet_screen.h"

enum { header_bytes = 4, packet_err = 0xff, column_count_long = 0xfc };

void packet_screen_ask(struct packet_screen *screen)
{
    screen->answer_begins = true;
}

/* More than 250 columns: the library would allocate for as many as it is told, up to 2^32. */
static bool has_too_many_columns(const struct packet_screen *s, unsigned char first)
{
    return s->answer_begins && first >= column_count_long && first != packet_err;
}

/* The payload's byte number `at`, as the library shall see it. */
static unsigned char screen_byte(const struct packet_screen *s, size_t at, unsigned char byte)
{
    if (at == 0 && has_too_many_columns(s, byte))
        return packet_err;
    /* ERR 65535 is MariaDB's progress report: before the greeting, and cut short, it crashes the library. */
    if (at == 2 && s->head[header_bytes] == packet_err)
        return byte == 0xff ? 0x7f : byte;
    return byte;
}

static void end_packet(struct packet_screen *s)
{
    s->answer_begins = false;
    s->have = 0;
    s->payload = 0;
}

/* One byte of a packet's header or of the payload's begin. */
static void take_byte(struct packet_screen *s, unsigned char *byte)
{
    if (s->have >= header_bytes)
        *byte = screen_byte(s, s->have - header_bytes, *byte);
    s->head[s->have++] = *byte;
    if (s->have == header_bytes)
        s->payload = s->head[0] | (size_t)s->head[1] << 8 | (size_t)s->head[2] << 16;
}

void packet_screen_read(struct packet_screen *s, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t left = header_bytes + s->payload - s->have;
        if (s->have < header_bytes || (s->have < PACKET_SCREEN_HEAD && left > 0)) {
            take_byte(s, &bytes[i++]);
        } else {
            size_t skip = left < len - i ? left : len - i;
            s->have += skip;
            i += skip;
        }
        if (s->have >= header_bytes && s->have == header_bytes + s->payload)
            end_packet(s);
    }
}
