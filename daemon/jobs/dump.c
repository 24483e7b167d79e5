#include "daemon/jobs/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/dump/dump_file.h"
#include "daemon/dump/dump_table.h"
#include "daemon/dump/upload.h"
#include "daemon/dump/upload_url.h"
#include "daemon/jobs/dump_progress.h"
#include "daemon/jobs/job_counters.h"
#include "daemon/jobs/job_table.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

enum { saved_bytes_max = JOB_SUMMARY_SIZE - 1, connect_ms = 10 * 1000, connect_pause_ms = 100 };
enum { time_size = sizeof("20261125T194840Z") };

/* What is written of which table: "HOST-digests.csv". */
static const char *const kinds[ADMIN_DIGEST_TABLES] = {
    [ADMIN_DIGEST_MYSQL] = "digests",
    [ADMIN_DIGEST_PGSQL] = "pgsql-digests",
};

struct dump {
    struct job *job;
    const struct job_context *context;
    const struct dump_options *options;
    struct dump_progress progress;
    char host[DUMP_POD_NAME_MAX + 1];
    char time[time_size];
    char *folder; /* of files */
    bool new_folder;
    char *files[ADMIN_DIGEST_TABLES]; /* complete ones */
    struct buf saved;                 /* what was and was not, for the summary */
};

struct dump_options *dump_options_new(const struct config *config)
{
    struct dump_options *o = xcalloc(1, sizeof(*o));
    o->dir = xstrdup(config->dump.dir);
    o->pipe = xstrdup(config->run_mode == RUN_MODE_DUMP ? config->dump.output : "");
    o->format = config->dump.format;
    o->compress = config->dump.compress;
    o->reset = config->dump.reset;
    o->max_bytes = config->dump.max_bytes;
    o->upload_url = xstrdup(config->dump.upload_url);
    return o;
}

void dump_options_free(void *options)
{
    struct dump_options *o = options;
    if (o == NULL)
        return;
    free(o->dir);
    free(o->pipe);
    free(o->upload_url);
    free(o);
}

static void say_saved(struct dump *d, const char *fmt, ...) PRINTF_FORMAT(2, 3);
static void say_saved(struct dump *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char text[saved_bytes_max];
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (buf_printf(&d->saved, "%s%s", d->saved.len == 0 ? "" : "; ", text) == 0)
        job_set_summary(d->job, "%s", d->saved.data);
}

/* The pod's name labels rows and files; what does not belong into a file's name is replaced. */
static void find_host(char ret_host[static DUMP_POD_NAME_MAX + 1])
{
    const char *name = getenv("HOSTNAME");
    if (name != NULL && name[0] != '\0')
        (void)snprintf(ret_host, DUMP_POD_NAME_MAX + 1, "%s", name);
    else if (gethostname(ret_host, DUMP_POD_NAME_MAX) < 0 || ret_host[0] == '\0')
        (void)snprintf(ret_host, DUMP_POD_NAME_MAX + 1, "localhost");
    ret_host[DUMP_POD_NAME_MAX] = '\0';
    for (char *c = ret_host; *c != '\0'; c++)
        if (*c == '/' || (unsigned char)*c < 0x21 || *c == 0x7f || (c == ret_host && *c == '.'))
            *c = '_';
}

static void find_time(char ret_time[static time_size])
{
    time_t now = (time_t)(clock_real_ms() / 1000);
    struct tm utc;
    if (gmtime_r(&now, &utc) == NULL || strftime(ret_time, time_size, "%Y%m%dT%H%M%SZ", &utc) == 0)
        (void)snprintf(ret_time, time_size, "unknown");
}

static char *file_name(const struct dump *d, enum admin_digest_table table)
{
    return xasprintf("%s-%s%s%s", d->host, kinds[table], dump_format_suffix(d->options->format),
                     d->options->compress == DUMP_COMPRESS_GZIP ? ".gz" : "");
}

static void answered(void *arg)
{
    struct dump *d = arg;
    health_state_end_dump(d->context->health, clock_mono_ms());
}

static int tick(void *arg, uint64_t rows, uint64_t bytes, struct error *err)
{
    struct dump *d = arg;
    return dump_progress_rows(&d->progress, rows, bytes, err);
}

/* Nobody speaks that protocol here: no file. */
static bool is_unused(enum admin_digest_table table, const struct dump_count *count)
{
    return table != ADMIN_DIGEST_MYSQL && count->rows == 0;
}

/* Read one table into fd. */
static int read_into(struct dump *d, struct db_conn *conn, enum admin_digest_table table, int fd,
                     struct dump_count *ret_count, struct error *err)
{
    const struct dump_options *o = d->options;
    const struct dump_request request = {.table = table,
                                         .reset = o->reset,
                                         .format = o->format,
                                         .compress = o->compress,
                                         .max_bytes = (uint64_t)o->max_bytes,
                                         .pod_name = d->host,
                                         .answer_ms = DUMP_ANSWER_MS,
                                         .gap_ms = DUMP_GAP_MS,
                                         .tick = tick,
                                         .answered = answered,
                                         .arg = d};
    dump_progress_begin(&d->progress, admin_digest_table_name(table, o->reset));
    health_state_begin_dump(d->context->health, clock_mono_ms());
    int rc = dump_table(conn, &request, fd, ret_count, err);
    health_state_end_dump(d->context->health, clock_mono_ms());
    const struct job_counters_dump written = {.rows = ret_count->rows_written,
                                              .bytes = is_unused(table, ret_count) ? 0 : ret_count->bytes};
    job_counters_add_dump(&written);
    dump_progress_end(&d->progress, ret_count->rows, written.bytes);
    return rc < 0
               ? error_wrap(err, "%s after %" PRIu64 " rows", admin_digest_table_name(table, o->reset), ret_count->rows)
               : 0;
}

/* A dump with reset has failed: its rows are no longer in ProxySQL's statistics. */
static void save_rest(struct dump *d, struct dump_file *file, const char *name, const struct dump_count *count)
{
    struct error err = ERROR_INIT;
    if (!count->asked) {
        say_saved(d, "nothing was taken out of %s", name);
    } else if (!count->answered) {
        say_saved(d, "no row of %s was saved; whether they were taken out of the statistics is not known", name);
    } else if (file == NULL || count->rows_written == 0) {
        say_saved(d, "%s was emptied and of its rows %" PRIu64 " were written, the others are lost", name,
                  count->rows_written);
    } else if (file->fd < 0) { /* it has its name already, only its folder could not be synced */
        d->new_folder = false;
        say_saved(d, "%s was emptied, its %" PRIu64 " rows are in %s, which a crash of the machine may lose", name,
                  count->rows_written, file->path);
    } else if (dump_file_keep(file, d->time, &err) < 0) {
        say_saved(d, "%s was emptied and its rows are lost (%s)", name, err.text);
    } else {
        d->new_folder = false;
        say_saved(d, "%s was emptied, %" PRIu64 " of its rows are in %s, the others are lost", name,
                  count->rows_written, file->path);
    }
}

/* What is taken out of the statistics and finds no room is lost: look before. */
static int check_room(struct dump *d, struct db_conn *conn, int fd, struct error *err)
{
    uint64_t bytes = 0;
    struct error unknown = ERROR_INIT;
    uint64_t free_bytes = dump_free_bytes(fd);
    int64_t deadline_ms = clock_mono_ms() + d->context->config->proxysql.query_timeout_ms;
    if (!d->options->reset)
        return 0;
    if (admin_read_digest_bytes(conn, deadline_ms, &bytes, &unknown) < 0)
        return error_set(err, unknown.code, "%s", unknown.text);
    if (d->options->compress == DUMP_COMPRESS_NONE && free_bytes < bytes + DUMP_FREE_RESERVE_BYTES)
        return error_set(err, -ENOSPC,
                         "%" PRIu64 " bytes are free, the statistics have about %" PRIu64 " and %" PRIu64
                         " are left to others",
                         free_bytes, bytes, DUMP_FREE_RESERVE_BYTES);
    return 0;
}

static int dump_to_file(struct dump *d, struct db_conn *conn, enum admin_digest_table table, struct error *err)
{
    cleanup_free char *name = file_name(d, table);
    const char *table_name = admin_digest_table_name(table, d->options->reset);
    struct dump_file file;
    struct dump_count count = {.rows = 0};
    int rc = dump_file_create(&file, d->folder, name, d->options->reset, err);
    if (rc == 0)
        rc = check_room(d, conn, file.fd, err);
    if (rc == 0)
        rc = read_into(d, conn, table, file.fd, &count, err);
    bool unused = rc == 0 && is_unused(table, &count);
    if (rc == 0 && !unused)
        rc = dump_file_commit(&file, err);
    if (unused) {
        say_saved(d, "%s has no rows", table_name);
    } else if (rc == 0) {
        say_saved(d, "%" PRIu64 " rows of %s in %s (%" PRIu64 " bytes)", count.rows, table_name, file.path,
                  count.bytes);
        d->files[table] = xstrdup(file.path);
    } else if (d->options->reset) {
        save_rest(d, &file, table_name, &count);
    }
    dump_file_fini(&file);
    return rc;
}

/* A pipe that is opened here does not block its writer; standard output is shared with others and stays as it is. */
static int open_pipe(const char *path, struct error *err)
{
    struct stat status;
    bool own = strcmp(path, "-") == 0;
    if (own && (fstat(STDOUT_FILENO, &status) < 0 || !S_ISFIFO(status.st_mode)))
        return dup(STDOUT_FILENO);
    int fd = open(own ? "/proc/self/fd/1" : path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && own)
        return dup(STDOUT_FILENO);
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode))) {
        fd_close(fd);
        return error_set(err, -EINVAL, "%s is not a pipe", path);
    }
    return fd;
}

static int dump_to_pipe(struct dump *d, struct db_conn *conn, enum admin_digest_table table, struct error *err)
{
    const char *name = admin_digest_table_name(table, d->options->reset);
    struct dump_count count = {.rows = 0};
    cleanup_fd int fd = open_pipe(d->options->pipe, err);
    if (fd < 0) {
        int code = -errno;
        return err->code != 0 ? err->code : error_set(err, code, "cannot write to the pipe: %s", strerror(-code));
    }
    int rc = read_into(d, conn, table, fd, &count, err);
    if (rc == 0)
        say_saved(d, "%" PRIu64 " rows of %s written (%" PRIu64 " bytes)", count.rows, name, count.bytes);
    else if (d->options->reset)
        save_rest(d, NULL, name, &count);
    return rc;
}

static int dump_one(struct dump *d, struct db_conn *conn, enum admin_digest_table table, struct error *err)
{
    int64_t deadline_ms = clock_mono_ms() + d->context->config->proxysql.query_timeout_ms;
    struct error missing = ERROR_INIT;
    int rc = admin_check_digests(conn, table, d->options->reset, deadline_ms, &missing);
    if (rc == -ENOENT && table != ADMIN_DIGEST_MYSQL)
        return 0;
    if (rc < 0)
        return error_set(err, rc, "%s", missing.text);
    return d->options->pipe[0] == '\0' ? dump_to_file(d, conn, table, err) : dump_to_pipe(d, conn, table, err);
}

/* A ProxySQL that is slow to log us in, or whose admin interface is stuck, may get better; one that is not there says
 * so at once. */
static int borrow(struct dump *d, struct db_conn **ret_conn, struct error *err)
{
    const struct timespec pause = {.tv_nsec = connect_pause_ms * 1000000L};
    int64_t deadline_ms = clock_mono_ms() + connect_ms;
    dump_progress_begin(&d->progress, "a connection");
    for (;;) {
        struct error failure = ERROR_INIT;
        int rc = db_pool_get(d->context->pool, DB_LANE_READ, deadline_ms, ret_conn, &failure);
        if (rc == 0)
            return 0;
        if ((rc != -ETIMEDOUT && rc != -EINPROGRESS) || clock_left_ms(deadline_ms) == 0)
            return error_set(err, rc, "%s", failure.text);
        rc = dump_progress_rows(&d->progress, 0, 0, err);
        if (rc < 0)
            return rc;
        (void)nanosleep(&pause, NULL);
    }
}

/* A pipe takes one table: two kinds of rows in one stream would be of no use. */
static int dump_tables(struct dump *d, struct error *err)
{
    int tables = d->options->pipe[0] == '\0' ? ADMIN_DIGEST_TABLES : ADMIN_DIGEST_PGSQL;
    struct db_conn *conn = NULL;
    int rc = borrow(d, &conn, err);
    for (int i = 0; rc == 0 && i < tables; i++)
        rc = dump_one(d, conn, (enum admin_digest_table)i, err);
    db_pool_put(d->context->pool, conn);
    return rc;
}

static int upload_tick(void *arg, uint64_t sent, uint64_t total, struct error *err)
{
    struct dump *d = arg;
    return dump_progress_upload(&d->progress, sent, total, err);
}

/* The file stays when it was not uploaded. */
static int upload_one(struct dump *d, enum admin_digest_table table, struct error *err)
{
    const struct config *config = d->context->config;
    const struct upload_names names = {
        .host = d->host, .time = d->time, .namespace = config->core.podselector.namespace, .kind = kinds[table]};
    cleanup_free char *url = upload_url_expand(d->options->upload_url, &names);
    cleanup_free char *shown = upload_url_shown(url);
    bool gzip = d->options->compress == DUMP_COMPRESS_GZIP;
    const struct upload_options options = {.url = url,
                                           .path = d->files[table],
                                           .content_type = dump_format_content_type(d->options->format),
                                           .content_encoding = gzip ? "gzip" : "",
                                           .sigv4 = config->dump.upload.sigv4,
                                           .access_key_file = config->dump.upload.access_key_file,
                                           .secret_key_file = config->dump.upload.secret_key_file,
                                           .session_token_file = config->dump.upload.session_token_file,
                                           .ca_file = config->dump.upload.ca_file,
                                           .attempts = config->dump.upload.attempts,
                                           .tick = upload_tick,
                                           .arg = d};
    dump_progress_begin(&d->progress, shown);
    int tried = 0;
    int rc = upload_file(&options, &tried, err);
    dump_progress_begin(&d->progress, "");
    if (rc < 0) {
        say_saved(d, "not uploaded, %s is kept", d->files[table]);
        return error_wrap(err, "upload");
    }
    say_saved(d, "uploaded to %s", shown);
    log_info("uploaded", LOG_STR("file", d->files[table]), LOG_STR("to", shown), LOG_INT("attempts", tried));
    if (!config->dump.upload.keep_file && unlink(d->files[table]) < 0)
        log_warn("an uploaded file cannot be removed", LOG_STR("file", d->files[table]),
                 LOG_STR("error", strerror(errno)));
    return 0;
}

static int upload_all(struct dump *d, struct error *err)
{
    if (d->options->upload_url[0] == '\0')
        return 0;
    if (d->files[ADMIN_DIGEST_PGSQL] != NULL && !upload_url_tells_kinds(d->options->upload_url))
        return error_set(err, -EINVAL,
                         "dump.upload_url: this ProxySQL has two kinds of statistics and both would get the same URL: "
                         "put %%k into it");
    for (int i = 0; i < ADMIN_DIGEST_TABLES; i++) {
        int rc = d->files[i] == NULL ? 0 : upload_one(d, (enum admin_digest_table)i, err);
        if (rc < 0)
            return rc;
    }
    if (d->new_folder && rmdir(d->folder) == 0)
        d->new_folder = false;
    return 0;
}

static void log_end(const struct dump *d, int rc, const struct error *err)
{
    if (rc == 0)
        log_info("dump done", LOG_STR("saved", d->saved.data), LOG_INT("rows", d->progress.rows),
                 LOG_INT("bytes", d->progress.bytes), LOG_INT("duration_ms", dump_progress_ms(&d->progress)));
    else
        log_error("dump failed", LOG_STR("error", err->text), LOG_STR("saved", d->saved.data),
                  LOG_INT("rows", d->progress.rows), LOG_INT("duration_ms", dump_progress_ms(&d->progress)));
}

static int run(struct dump *d, struct error *err)
{
    int rc = 0;
    if (d->options->pipe[0] == '\0')
        rc = dump_folder(d->options->dir, &d->folder, &d->new_folder, err);
    if (rc == 0)
        rc = dump_tables(d, err);
    if (rc == 0)
        rc = upload_all(d, err);
    if (rc < 0 && d->new_folder)
        (void)rmdir(d->folder); /* only if nothing is in it */
    return rc;
}

int dump_run(struct job *job, void *context, struct error *err)
{
    const struct job_context *c = context;
    struct dump_options *usual = dump_options_new(c->config);
    const void *params = job_params(job);
    struct dump d = {.job = job, .context = c, .options = params != NULL ? params : usual};
    buf_init(&d.saved, saved_bytes_max);
    dump_progress_init(&d.progress, job);
    find_host(d.host);
    find_time(d.time);
    struct error failure = ERROR_INIT;
    int rc = run(&d, &failure);
    log_end(&d, rc, &failure);
    for (size_t i = 0; i < ADMIN_DIGEST_TABLES; i++)
        free(d.files[i]);
    free(d.folder);
    buf_fini(&d.saved);
    dump_options_free(usual);
    return rc < 0 ? error_set(err, rc, "%s", failure.text) : 0;
}
