#pragma once

#include "daemon/config/config.h"
#include "daemon/queue/job_queue.h"

enum {
    /* From submission to the end, uploads included. */
    DUMP_DEADLINE_MS = 3 * 3600 * 1000,
    /* ProxySQL builds table and answer before the first byte: for millions of rows that takes minutes. */
    DUMP_ANSWER_MS = 10 * 60 * 1000,
    DUMP_GAP_MS = 30 * 1000,
    DUMP_LOG_MS = 5 * 1000,
};

/* What one dump shall do: the params of a job of kind dump. */
struct dump_options {
    char *dir;  /* "" = a new folder */
    char *pipe; /* a pipe that somebody reads, or "-" for standard output: everything goes there in place of files;
                   "" = files */
    int format;
    int compress;
    bool reset;
    int64_t max_bytes;
    char *upload_url; /* "" = no upload */
};

/* What the settings say, to be changed at will (texts are owned, malloc'ed) and submitted with dump_options_free(). */
struct dump_options *dump_options_new(const struct config *config);
void dump_options_free(void *options);

/*
 * The dump job: the digest statistics of ProxySQL into files (mysql's, then pgsql's where there are any), which are
 * uploaded if wanted. params is a struct dump_options, NULL = as configured. context is a struct job_context. It logs
 * its begin, its progress and its end; the job's summary says what was saved and, after a failure with reset, what was
 * not. No ProxySQL is talked to while it uploads.
 */
int dump_run(struct job *job, void *context, struct error *err);
