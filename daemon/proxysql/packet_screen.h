#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a server sends, looked at before Connector/C parses it: packets that make the library crash or allocate
 * gigabytes (found by tests/fuzz/fuzz_admin_answer.c) are turned into plain ERR packets. Follows the packets of one
 * connection through any splitting into reads. Not thread-safe.
 */
enum { PACKET_SCREEN_HEAD = 4 + 3 }; /* a packet's header and as much of its payload as is looked at */

struct packet_screen {
    bool answer_begins; /* the next packet is the first of a statement's answer */
    unsigned char head[PACKET_SCREEN_HEAD];
    size_t have;    /* bytes of this packet seen so far */
    size_t payload; /* of this packet; known from the fourth byte on */
};

/* A statement was sent. */
void packet_screen_ask(struct packet_screen *screen);

/* These bytes came from the server. Changes them in place. */
void packet_screen_read(struct packet_screen *screen, unsigned char *bytes, size_t len);
