#include "daemon/dump/dump_table.h"

enum { wait_tick_ms = 500, rows_a_tick = 1024 };

struct reader {
    const struct dump_request *request;
    struct dump_count *count;
    struct dump_writer writer;
    struct dump_sink sink;
};

static int tick(void *arg, struct error *err)
{
    struct reader *r = arg;
    return r->request->tick(r->request->arg, r->count->rows, r->sink.bytes_in, err);
}

static void note_answer(struct reader *r)
{
    if (r->count->answered)
        return;
    r->count->answered = true;
    r->request->answered(r->request->arg);
}

static int take_row(void *arg, const struct db_row *row, struct error *err)
{
    struct reader *r = arg;
    note_answer(r);
    r->count->rows++;
    int rc = dump_writer_row(&r->writer, row, err);
    if (rc == 0 && r->count->rows % rows_a_tick == 0)
        rc = tick(r, err);
    return rc;
}

static int read_table(struct reader *r, struct db_conn *conn, struct error *err)
{
    const struct dump_request *request = r->request;
    const struct db_stream stream = {
        .answer_ms = request->answer_ms, .gap_ms = request->gap_ms, .tick_ms = wait_tick_ms, .tick = tick};
    dump_writer_begin(&r->writer);
    r->count->asked = true;
    int rc = admin_read_digests(conn, request->table, request->reset, &stream, take_row, r, err);
    if (rc == 0)
        note_answer(r);
    return rc;
}

int dump_table(struct db_conn *conn, const struct dump_request *request, int fd, struct dump_count *ret_count,
               struct error *err)
{
    *ret_count = (struct dump_count){.rows = 0};
    struct reader r = {.request = request, .count = ret_count};
    const struct dump_sink_options options = {
        .fd = fd, .compress = request->compress, .max_bytes = request->max_bytes, .tick = tick, .arg = &r};
    int rc = dump_sink_init(&r.sink, &options, err);
    if (rc < 0)
        return rc;
    dump_writer_init(&r.writer, request->format, request->pod_name, &r.sink);
    rc = read_table(&r, conn, err);
    /* what was read before a failure may exist nowhere else */
    int finished = dump_sink_finish(&r.sink, rc == 0 ? err : NULL);
    ret_count->rows_written = r.sink.rows_written;
    ret_count->bytes = r.sink.bytes_out;
    dump_writer_fini(&r.writer);
    dump_sink_fini(&r.sink);
    return rc == 0 ? finished : rc;
}
