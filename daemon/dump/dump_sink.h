#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "daemon/config/config.h"
#include "shared/compiler.h"
#include "shared/error.h"

/*
 * Where a dump's bytes go: a buffer, gzip if wanted, a descriptor. Memory is constant whatever is written. Errors
 * stick: write everything of a row, then ask dump_sink_row() once. Belongs to one thread.
 */
enum { DUMP_SINK_BUFFER_BYTES = 256 * 1024, DUMP_PIPE_STALL_MS = 10 * 60 * 1000 };

struct dump_gzip;

struct dump_sink_options {
    int fd;             /* a file or a pipe; stays the caller's */
    int compress;       /* enum dump_compress */
    uint64_t max_bytes; /* that go to fd; 0 = any number */
    /* A pipe that nobody reads: called about every 100 ms, for DUMP_PIPE_STALL_MS at most; a negative return ends the
     * writing with that code. */
    int (*tick)(void *arg, struct error *err);
    void *arg;
};

struct dump_sink {
    struct dump_sink_options options;
    char *buffer;
    size_t len;
    struct dump_gzip *gzip; /* NULL = not compressed */
    uint64_t rows;          /* that dump_sink_row() was asked about */
    uint64_t rows_written;  /* whole ones handed on to gzip or fd */
    uint64_t bytes_in;      /* handed on */
    uint64_t bytes_out;     /* that fd took */
    uint64_t space_check;   /* bytes_out at which free space is looked at again */
    struct error err;       /* the first one */
};

/* Regular files leave this much of their file system to others. */
#define DUMP_FREE_RESERVE_BYTES (UINT64_C(64) * 1024 * 1024)

/* Free bytes for this process where fd is; UINT64_MAX when that cannot be told. */
uint64_t dump_free_bytes(int fd);

/* -ENOMEM: nothing to be finished. */
MUST_CHECK int dump_sink_init(struct dump_sink *sink, const struct dump_sink_options *options, struct error *err);
void dump_sink_fini(struct dump_sink *sink);

/* The end of a row. 0, or the first error: -ENOSPC, -EFBIG (max_bytes), -EPIPE, tick's code. */
MUST_CHECK int dump_sink_row(struct dump_sink *sink, struct error *err);

/* Hand over everything, with gzip's trailer. Fails like dump_sink_row(). */
MUST_CHECK int dump_sink_finish(struct dump_sink *sink, struct error *err);

/* Hand on what the buffer holds. For dump_put(). */
void dump_sink_flush(struct dump_sink *sink);
/* The same for any number of bytes. */
void dump_sink_put_long(struct dump_sink *sink, const char *data, size_t len);

static inline void dump_put(struct dump_sink *sink, const char *data, size_t len)
{
    if (len > DUMP_SINK_BUFFER_BYTES - sink->len) {
        dump_sink_put_long(sink, data, len);
        return;
    }
    memcpy(sink->buffer + sink->len, data, len);
    sink->len += len;
}

static inline void dump_putc(struct dump_sink *sink, char c)
{
    if (sink->len == DUMP_SINK_BUFFER_BYTES)
        dump_sink_flush(sink);
    sink->buffer[sink->len++] = c;
}
