#pragma once

#include "daemon/dump/dump_writer.h"

/*
 * One table of digest statistics into one descriptor, row by row. Belongs to one thread.
 */
struct dump_request {
    enum admin_digest_table table;
    bool reset;
    int format;   /* enum dump_format */
    int compress; /* enum dump_compress */
    uint64_t max_bytes;
    const char *pod_name;
    int64_t answer_ms; /* for the first row */
    int64_t gap_ms;    /* for each further one */
    /* While waiting and every so many rows: how far it is. A negative return ends it with that code. */
    int (*tick)(void *arg, uint64_t rows, uint64_t bytes, struct error *err);
    /* ProxySQL has begun to answer: it is no longer busy with the table. */
    void (*answered)(void *arg);
    void *arg;
};

struct dump_count {
    uint64_t rows;         /* that ProxySQL sent */
    uint64_t rows_written; /* whole ones among what was written */
    uint64_t bytes;        /* written, compressed ones if so */
    bool asked;            /* the statement was sent */
    bool answered;         /* and an answer began */
};

/* Write the whole table to fd. *ret_count is filled in every case. 0, or what admin_read_digests() and the sink
 * return. */
MUST_CHECK int dump_table(struct db_conn *conn, const struct dump_request *request, int fd,
                          struct dump_count *ret_count, struct error *err);
