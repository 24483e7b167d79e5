#pragma once

#include <stdint.h>

#include "shared/thread.h"

/*
 * What became of the clients' operations: counted, and every error told at once as one line of JSON on stdout. Times
 * are seconds on the monotonic clock. Thread-safe.
 */
enum operation { OP_TRANSACTION, OP_READ, OP_WRITE, OP_TEMPORARY, OP_LONG_TRANSACTION, OP_LONG_STATEMENT, OPERATIONS };

/* What an error means to the application. A pool opens another connection and goes on when the first statement on a
 * connection that it has kept finds it closed, and nothing can have been lost: STALE. Of an autocommit write nobody
 * knows whether it was done: STALE_WRITE. Everything else is FAILED. */
enum verdict { VERDICT_FAILED, VERDICT_STALE, VERDICT_STALE_WRITE, VERDICTS };

struct report_error {
    enum verdict verdict;
    enum operation operation;
    unsigned client;
    unsigned node;
    unsigned statement;   /* 1 = the operation's first, 0 = the connect before it */
    const char *what;     /* the statement */
    unsigned mysql_errno; /* of MySQL's client */
    const char *text;
};

struct report {
    struct mutex lock;
    int64_t done[OPERATIONS] GUARDED;
    int64_t errors[VERDICTS] GUARDED;
    int64_t connects GUARDED;
};

void report_init(struct report *r);
void report_fini(struct report *r);

void report_done(struct report *r, enum operation operation);
void report_connected(struct report *r);
void report_error(struct report *r, const struct report_error *error);
/* A long operation has ended well after so long. */
void report_long(struct report *r, enum operation operation, int64_t took_ms);
/* One line with all counters; stale_most: the most stale connections of one client. */
void report_total(struct report *r, unsigned stale_most);
