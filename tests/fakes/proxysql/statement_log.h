#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/json_writer.h"
#include "shared/thread.h"

/*
 * What was asked on the admin port and when, for tests that count statements. The last STATEMENT_LOG_KEPT statements
 * are kept with their times on the monotonic clock. Thread-safe.
 */
enum { STATEMENT_LOG_KEPT = 65536, STATEMENT_LOG_TEXT_MAX = 1024 };

struct statement {
    uint64_t number; /* 1, 2, 3...; 0 = empty slot */
    uint32_t session_id;
    int64_t received_ms;
    int64_t began_ms; /* 0 while it waits for the mutex */
    int64_t ended_ms; /* 0 until it has been executed */
    bool failed;
    char *text; /* cut to STATEMENT_LOG_TEXT_MAX bytes */
};

struct statement_log {
    struct mutex lock;
    struct statement *ring GUARDED;
    uint64_t last_number GUARDED; /* goes on over a clear */
    uint64_t received GUARDED;
    uint64_t executed GUARDED;
    uint64_t failed GUARDED;
};

void statement_log_init(struct statement_log *log);
void statement_log_fini(struct statement_log *log);

/* Each returns or takes the statement's number. */
uint64_t statement_log_received(struct statement_log *log, uint32_t session_id, const char *text);
void statement_log_began(struct statement_log *log, uint64_t number);
void statement_log_ended(struct statement_log *log, uint64_t number, bool failed);

/* "received", "executed", "failed": totals of all statements. */
void statement_log_write_totals(struct statement_log *log, struct json_writer *json);

/* "received" and "executed" of the kept statements whose text matches the extended regular expression (case ignored).
 * False: the expression is bad. */
bool statement_log_write_matching(struct statement_log *log, struct json_writer *json, const char *regex);

/* "statements": an array of the last `count` statements, oldest first. */
void statement_log_write_last(struct statement_log *log, struct json_writer *json, size_t count);

/* Forget all statements and totals; running ones are no longer counted. */
void statement_log_clear(struct statement_log *log);
