#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#include "daemon/dump/dump_sink.h"
#include "shared/mem.h"

enum { chunk_bytes = 100000, big_bytes = 3 * DUMP_SINK_BUFFER_BYTES + 17 };

static struct error err;
static char *big;
static int ticks;

static int no_tick(void *arg, struct error *tick_err)
{
    (void)arg;
    (void)tick_err;
    ticks++;
    return 0;
}

static int stop_tick(void *arg, struct error *tick_err)
{
    (void)arg;
    return ++ticks < 3 ? 0 : error_set(tick_err, -ECANCELED, "stopped");
}

static int set_up(void **state)
{
    (void)state;
    error_clear(&err);
    ticks = 0;
    big = xcalloc(1, big_bytes);
    for (size_t i = 0; i < big_bytes; i++)
        big[i] = (char)('a' + i % 23);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(big);
    return 0;
}

static void make(struct dump_sink *sink, int fd, int compress, uint64_t max_bytes)
{
    const struct dump_sink_options options = {.fd = fd, .compress = compress, .max_bytes = max_bytes, .tick = no_tick};
    assert_int_equal(dump_sink_init(sink, &options, &err), 0);
}

static int temporary(void)
{
    char path[] = "/tmp/dump-sink-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    return fd;
}

/* The same bytes in pieces of all sizes around the buffer's. */
static void put_pieces(struct dump_sink *sink)
{
    dump_put(sink, big, 1);
    dump_putc(sink, big[1]);
    dump_put(sink, big + 2, DUMP_SINK_BUFFER_BYTES - 2);
    dump_putc(sink, big[DUMP_SINK_BUFFER_BYTES]);
    assert_int_equal(dump_sink_row(sink, &err), 0);
    size_t done = DUMP_SINK_BUFFER_BYTES + 1;
    dump_put(sink, big + done, big_bytes - done);
    assert_int_equal(dump_sink_row(sink, &err), 0);
}

static void bytes_arrive_in_order(void **state)
{
    (void)state;
    struct dump_sink sink;
    cleanup_fd int fd = temporary();
    make(&sink, fd, DUMP_COMPRESS_NONE, 0);
    put_pieces(&sink);
    assert_int_equal(dump_sink_finish(&sink, &err), 0);
    assert_int_equal(sink.bytes_out, big_bytes);
    assert_int_equal(sink.bytes_in, big_bytes);
    assert_int_equal(sink.rows_written, 2);
    cleanup_free char *read_back = xcalloc(1, big_bytes + 1);
    assert_int_equal(pread(fd, read_back, big_bytes + 1, 0), big_bytes);
    assert_memory_equal(read_back, big, big_bytes);
    dump_sink_fini(&sink);
}

static void gzip_is_whole(void **state)
{
    (void)state;
    struct dump_sink sink;
    cleanup_fd int fd = temporary();
    make(&sink, fd, DUMP_COMPRESS_GZIP, 0);
    put_pieces(&sink);
    assert_int_equal(dump_sink_finish(&sink, &err), 0);
    assert_true(sink.bytes_out < big_bytes / 10);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    gzFile in = gzdopen(dup(fd), "rb");
    cleanup_free char *read_back = xcalloc(1, big_bytes + 1);
    assert_int_equal(gzread(in, read_back, big_bytes + 1), big_bytes);
    assert_memory_equal(read_back, big, big_bytes);
    assert_int_equal(gzclose(in), Z_OK);
    dump_sink_fini(&sink);
}

static void max_bytes_is_never_passed(void **state)
{
    (void)state;
    struct dump_sink sink;
    cleanup_fd int fd = temporary();
    make(&sink, fd, DUMP_COMPRESS_NONE, DUMP_SINK_BUFFER_BYTES + 5);
    int rc = 0;
    for (int i = 0; i < 10 && rc == 0; i++) {
        dump_put(&sink, big, chunk_bytes);
        rc = dump_sink_row(&sink, &err);
    }
    assert_int_equal(rc, -EFBIG);
    assert_non_null(strstr(err.text, "dump.max_bytes (262149)"));
    assert_int_equal(sink.bytes_out, 2 * chunk_bytes);
    assert_int_equal(sink.rows_written, 2);
    assert_int_equal(dump_sink_finish(&sink, NULL), -EFBIG);
    dump_sink_fini(&sink);
}

static void exactly_max_bytes_fit(void **state)
{
    (void)state;
    struct dump_sink sink;
    cleanup_fd int fd = temporary();
    make(&sink, fd, DUMP_COMPRESS_NONE, chunk_bytes);
    dump_put(&sink, big, chunk_bytes);
    assert_int_equal(dump_sink_row(&sink, &err), 0);
    assert_int_equal(dump_sink_finish(&sink, &err), 0);
    dump_sink_fini(&sink);
}

static void full_disk_is_told(void **state)
{
    (void)state;
    struct dump_sink sink;
    cleanup_fd int fd = open("/dev/full", O_WRONLY);
    make(&sink, fd, DUMP_COMPRESS_GZIP, 0);
    dump_put(&sink, big, chunk_bytes);
    assert_int_equal(dump_sink_row(&sink, &err), 0);
    assert_int_equal(dump_sink_finish(&sink, &err), -ENOSPC);
    assert_string_equal(err.text, "cannot write: No space left on device");
    dump_sink_fini(&sink);
}

static void slow_reader_is_waited_for(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
    struct dump_sink sink;
    const struct dump_sink_options options = {.fd = fds[1], .tick = stop_tick};
    assert_int_equal(dump_sink_init(&sink, &options, &err), 0);
    dump_put(&sink, big, big_bytes);
    assert_int_equal(dump_sink_finish(&sink, &err), -ECANCELED);
    assert_string_equal(err.text, "stopped");
    assert_int_equal(ticks, 3);
    dump_sink_fini(&sink);
    fd_close(fds[0]);
    fd_close(fds[1]);
}

#define SINK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SINK(bytes_arrive_in_order), SINK(gzip_is_whole),     SINK(max_bytes_is_never_passed),
        SINK(exactly_max_bytes_fit), SINK(full_disk_is_told), SINK(slow_reader_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
