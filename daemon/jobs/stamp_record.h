#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/proxysql/admin_modules.h"
#include "shared/buf.h"
#include "shared/error.h"

/*
 * What is known to have been stamped in which life of ProxySQL, kept in a file so that an agent that is restarted does
 * not do it again. A life is its boot time on the monotonic clock and the boot of the machine that this clock counts
 * from. Parsing and writing are pure; the file is one line of JSON, read strictly: whatever is not exactly such a
 * record is an error.
 */
enum { STAMP_FORMAT = 1, STAMP_BOOT_ID_SIZE = 40, STAMP_RECORD_BYTES_MAX = 4096 };

enum stamp_outcome {
    STAMP_WAITING,    /* to be stamped */
    STAMP_BEGUN,      /* memory may have been changed, runtime not: SAVE FROM RUNTIME undoes it */
    STAMP_LOADING,    /* LOAD TO RUNTIME may have been executed: then the version has grown */
    STAMP_DONE,       /* the file's rows are in runtime */
    STAMP_LEFT_ALONE, /* the file has no rows of it, or cannot be read */
    STAMP_FOLLOWS,    /* core.config_authority is cluster, and a peer had it */
    STAMP_OUTCOMES
};

struct stamp_module {
    enum stamp_outcome outcome;
    int64_t version; /* of the module: before the LOAD while it is BEGUN or LOADING, after it when DONE; else 0 */
    int64_t rows;    /* that the file has; -1 = not known */
};

struct stamp_record {
    char boot_id[STAMP_BOOT_ID_SIZE]; /* of the machine; "" = it does not tell */
    int64_t boot_ms;                  /* of ProxySQL, monotonic */
    struct stamp_module modules[ADMIN_MODULES];
};

/* A record of a life in which nothing was done yet. */
void stamp_record_begin(struct stamp_record *record, const char *boot_id, int64_t boot_ms);

/* Whether the record is of this life. */
bool stamp_record_is_of(const struct stamp_record *record, const char *boot_id, int64_t boot_ms);

/* "waiting", "begun", "loading", "done", "left alone", "follows" */
const char *stamp_outcome_name(enum stamp_outcome outcome);

/* -EPROTO with a text that says what is wrong. */
MUST_CHECK int stamp_record_parse(const char *text, size_t len, struct stamp_record *ret_record, struct error *err);
MUST_CHECK int stamp_record_format(const struct stamp_record *record, struct buf *out);

/* The file. -ENOENT: there is none. */
MUST_CHECK int stamp_record_read(const char *path, struct stamp_record *ret_record, struct error *err);
MUST_CHECK int stamp_record_write(const char *path, const struct stamp_record *record, struct error *err);

/* The boot of this machine (random/boot_id of proc(5)); "" when it cannot be read. */
void stamp_read_boot_id(char ret_boot_id[static STAMP_BOOT_ID_SIZE]);
