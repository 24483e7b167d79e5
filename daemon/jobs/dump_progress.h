#pragma once

#include "daemon/queue/job_queue.h"

/*
 * How far a dump is: for those who wait for the job, and as a line in the log every DUMP_LOG_MS. Belongs to the job's
 * thread.
 */
struct dump_progress {
    struct job *job;
    const char *what; /* the table that is read, or what is uploaded */
    int64_t begin_ms;
    int64_t part_ms; /* begin of this table */
    int64_t next_report_ms;
    int64_t next_log_ms;
    uint64_t rows; /* of all tables that ended */
    uint64_t bytes;
};

void dump_progress_init(struct dump_progress *p, struct job *job);

/* The next part of the work. what must stay valid. */
void dump_progress_begin(struct dump_progress *p, const char *what);

/* This table is so far; report it when it is time. 0, or why the dump must end: -ECANCELED (the agent stops or
 * drains), -ETIMEDOUT (the job's deadline). */
MUST_CHECK int dump_progress_rows(struct dump_progress *p, uint64_t rows, uint64_t bytes, struct error *err);

/* The same for bytes of total that are uploaded. */
MUST_CHECK int dump_progress_upload(struct dump_progress *p, uint64_t bytes, uint64_t total, struct error *err);

/* The table's end. */
void dump_progress_end(struct dump_progress *p, uint64_t rows, uint64_t bytes);

/* Since the begin. */
int64_t dump_progress_ms(const struct dump_progress *p);
