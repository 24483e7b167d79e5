#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/buf.h"
#include "shared/compiler.h"
#include "tests/fakes/proxysql/stream.h"

/*
 * MySQL's wire format, server side: packets are built in a buffer and sent together. Failures of the buffer stick and
 * are returned by packet_send(). Not thread-safe.
 */
enum { PACKET_MAX_PAYLOAD = 0xffffff, PACKET_OUT_MAX = 256 * 1024 * 1024 };
/* ProxySQL's answers also say NO_BACKSLASH_ESCAPES, its greeting does not. */
enum {
    PACKET_STATUS_IN_TRANSACTION = 0x1,
    PACKET_STATUS_AUTOCOMMIT = 0x2,
    PACKET_STATUS_ANSWER = PACKET_STATUS_AUTOCOMMIT | 0x200
};

struct packet_writer;

/* Makes an answer's further packets while it is sent, so that a long one never lies in memory. */
struct packet_source {
    bool (*more)(struct packet_source *source, struct packet_writer *out); /* append some; false: these were the last */
    void (*free)(struct packet_source *source);
};

struct packet_writer {
    struct buf out;
    struct packet_source *source; /* what follows out; owned, NULL = nothing */
    size_t start;                 /* where the open packet's header is */
    uint8_t seq;                  /* sequence number of the next packet */
    uint16_t status;              /* in OK and EOF; PACKET_STATUS_ANSWER at first */
    int error;
};

void packet_writer_init(struct packet_writer *w);
void packet_writer_fini(struct packet_writer *w);

/* Forget everything written; the next packet has the number seq. */
void packet_writer_reset(struct packet_writer *w, uint8_t seq);

/* One packet: begin, put, end. */
void packet_begin(struct packet_writer *w);
void packet_end(struct packet_writer *w);
void packet_put(struct packet_writer *w, const void *data, size_t len);
void packet_put_int(struct packet_writer *w, uint64_t value, unsigned bytes);
void packet_put_lenenc(struct packet_writer *w, uint64_t value);
void packet_put_string(struct packet_writer *w, const char *text, size_t len);

/* Whole packets. message and sqlstate are texts; message NULL = none. */
void packet_ok(struct packet_writer *w, uint64_t affected_rows, const char *message);
void packet_err(struct packet_writer *w, unsigned code, const char *sqlstate, const char *message);
void packet_eof(struct packet_writer *w);
void packet_column_count(struct packet_writer *w, unsigned columns);
/* Every column of the admin interface is a VAR_STRING. */
void packet_column(struct packet_writer *w, const char *name);
/* type is a number of MySQL's protocol. */
void packet_column_typed(struct packet_writer *w, const char *name, unsigned type);

/* Send what was written, and what the source makes. 0, -ECONNRESET, or the first failure of writing. */
MUST_CHECK int packet_send(struct packet_writer *w, struct stream *s);

/* Read one packet into payload (emptied first) and its sequence number. 0, -ECONNRESET, or -EMSGSIZE for a payload of
 * 16 MiB or more. */
MUST_CHECK int packet_read(struct stream *s, struct buf *payload, uint8_t *ret_seq);
