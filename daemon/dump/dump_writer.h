#pragma once

#include "daemon/dump/dump_sink.h"
#include "daemon/proxysql/admin_digest.h"

/*
 * Rows of digest statistics as text.
 *
 * csv: RFC 4180, with a header line; values are ProxySQL's bytes as they are, NUL and invalid UTF-8 too.
 * jsonl: one object a line with the header's names as keys. A byte that is not UTF-8 is written as the lone surrogate
 * \udc80 to \udcff (Python's surrogateescape), so that nothing is lost.
 *
 * first_seen and last_seen are RFC 3339 in UTC; a value that is not the number it should be is kept as it is. NULL is
 * an empty value, null in jsonl. Belongs to one thread.
 */
enum { DUMP_POD_NAME_MAX = 255 };

struct dump_writer {
    int format; /* enum dump_format */
    struct dump_sink *sink;
    char *pod; /* the first column, ready to be written */
    size_t pod_len;
    int64_t day; /* since 1970, of day_text; -1 = none yet */
    char day_text[16];
};

/* ".csv", ".jsonl" */
const char *dump_format_suffix(int format);
/* "text/csv", "application/x-ndjson" */
const char *dump_format_content_type(int format);

/* pod_name: the first column's value in every row, at most DUMP_POD_NAME_MAX bytes. */
void dump_writer_init(struct dump_writer *w, int format, const char *pod_name, struct dump_sink *sink);
void dump_writer_fini(struct dump_writer *w);

/* What comes before the first row. */
void dump_writer_begin(struct dump_writer *w);

/* One row as admin_read_digests() gives it. 0, -EPROTO when it has another number of values, or the sink's error. */
MUST_CHECK int dump_writer_row(struct dump_writer *w, const struct db_row *row, struct error *err);
