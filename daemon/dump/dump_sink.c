#include "daemon/dump/dump_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "shared/clock.h"
#include "shared/mem.h"

enum { gzip_buffer_bytes = 64 * 1024, gzip_window_bits = 15 + 16, gzip_mem_level = 8, pipe_tick_ms = 100 };
/* Between two looks at the free space; the reserve is larger. */
static const uint64_t space_step_bytes = UINT64_C(8) * 1024 * 1024;

struct dump_gzip {
    z_stream stream;
    unsigned char out[gzip_buffer_bytes];
};

uint64_t dump_free_bytes(int fd)
{
    struct statvfs fs;
    return fstatvfs(fd, &fs) < 0 ? UINT64_MAX : (uint64_t)fs.f_bavail * fs.f_frsize;
}

static bool is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

int dump_sink_init(struct dump_sink *s, const struct dump_sink_options *options, struct error *err)
{
    *s = (struct dump_sink){.options = *options, .space_check = is_file(options->fd) ? 0 : UINT64_MAX};
    if (options->compress == DUMP_COMPRESS_GZIP) {
        s->gzip = xcalloc(1, sizeof(*s->gzip));
        if (deflateInit2(&s->gzip->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window_bits, gzip_mem_level,
                         Z_DEFAULT_STRATEGY) != Z_OK) {
            free(s->gzip);
            return error_set(err, -ENOMEM, "no memory for compressing");
        }
    }
    s->buffer = xcalloc(1, DUMP_SINK_BUFFER_BYTES);
    return 0;
}

void dump_sink_fini(struct dump_sink *s)
{
    if (s->gzip != NULL)
        (void)deflateEnd(&s->gzip->stream);
    free(s->gzip);
    free(s->buffer);
    s->gzip = NULL;
    s->buffer = NULL;
}

/* Before bytes go to a file. */
static void check_limits(struct dump_sink *s, size_t len)
{
    if (s->options.max_bytes != 0 && len > s->options.max_bytes - s->bytes_out) {
        (void)error_set(&s->err, -EFBIG, "the file would be larger than dump.max_bytes (%" PRIu64 ")",
                        s->options.max_bytes);
    } else if (s->bytes_out >= s->space_check) {
        s->space_check = s->bytes_out + space_step_bytes;
        uint64_t free_bytes = dump_free_bytes(s->options.fd);
        if (free_bytes < DUMP_FREE_RESERVE_BYTES)
            (void)error_set(&s->err, -ENOSPC,
                            "only %" PRIu64 " bytes are free there, and a dump leaves %" PRIu64 " to others",
                            free_bytes, DUMP_FREE_RESERVE_BYTES);
    }
}

/* A pipe whose reader is slow is waited for; how long is the tick's matter. */
static void wait_writable(struct dump_sink *s)
{
    struct pollfd fd = {.fd = s->options.fd, .events = POLLOUT};
    int64_t deadline_ms = clock_mono_ms() + DUMP_PIPE_STALL_MS;
    while (s->err.code == 0 && poll(&fd, 1, pipe_tick_ms) == 0) {
        if (clock_left_ms(deadline_ms) == 0)
            (void)error_set(&s->err, -ETIMEDOUT, "nobody has read the pipe for %d s", DUMP_PIPE_STALL_MS / 1000);
        else
            (void)s->options.tick(s->options.arg, &s->err);
    }
}

static void write_out(struct dump_sink *s, const void *data, size_t len)
{
    const char *at = data;
    check_limits(s, len);
    while (len > 0 && s->err.code == 0) {
        ssize_t n = write(s->options.fd, at, len);
        if (n >= 0) {
            at += n;
            len -= (size_t)n;
            s->bytes_out += (uint64_t)n;
        } else if (errno == EAGAIN) {
            wait_writable(s);
        } else if (errno != EINTR) {
            int code = -errno;
            (void)error_set(&s->err, code, "cannot write: %s", strerror(-code));
        }
    }
}

static void deflate_out(struct dump_sink *s, const char *data, size_t len, int flush)
{
    z_stream *z = &s->gzip->stream;
    z->next_in = (const unsigned char *)data;
    z->avail_in = (unsigned)len;
    do {
        z->next_out = s->gzip->out;
        z->avail_out = gzip_buffer_bytes;
        (void)deflate(z, flush); /* has no other failure than no progress */
        write_out(s, s->gzip->out, gzip_buffer_bytes - z->avail_out);
    } while (z->avail_out == 0 && s->err.code == 0);
}

static void hand_on(struct dump_sink *s, const char *data, size_t len)
{
    if (s->err.code != 0)
        return;
    if (s->gzip != NULL)
        deflate_out(s, data, len, Z_NO_FLUSH);
    else
        write_out(s, data, len);
    s->bytes_in += len;
}

void dump_sink_flush(struct dump_sink *s)
{
    hand_on(s, s->buffer, s->len);
    s->len = 0;
    if (s->err.code == 0)
        s->rows_written = s->rows;
}

void dump_sink_put_long(struct dump_sink *s, const char *data, size_t len)
{
    dump_sink_flush(s);
    while (len >= DUMP_SINK_BUFFER_BYTES) {
        hand_on(s, data, DUMP_SINK_BUFFER_BYTES);
        data += DUMP_SINK_BUFFER_BYTES;
        len -= DUMP_SINK_BUFFER_BYTES;
    }
    memcpy(s->buffer, data, len);
    s->len = len;
}

static int first_error(const struct dump_sink *s, struct error *err)
{
    return s->err.code == 0 ? 0 : error_set(err, s->err.code, "%s", s->err.text);
}

int dump_sink_row(struct dump_sink *s, struct error *err)
{
    if (s->err.code != 0)
        return first_error(s, err);
    s->rows++;
    return 0;
}

int dump_sink_finish(struct dump_sink *s, struct error *err)
{
    dump_sink_flush(s);
    if (s->err.code == 0 && s->gzip != NULL)
        deflate_out(s, NULL, 0, Z_FINISH);
    return first_error(s, err);
}
