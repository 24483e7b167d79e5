#include "daemon/drain/draining_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/str.h"

/*
 * The text is this many lines, then blanks and a last newline up to DRAINING_FILE_BYTES:
 *     proxysql-agent draining 1
 *     kind=shutdown
 *     began=2026-11-25T20:15:00.123Z
 *     host=7d9b6f0e-0f67-4c3e-a8c3-95b7e0f9a2b1
 *     boot_ms=1234567
 *     wait_timeout_ms=28800000
 *     session_idle_ms=1
 *     deadline_ms=1294567
 */
static const char first_line[] = "proxysql-agent draining 1";
static const char *const kind_names[] = {[DRAINING_SHUTDOWN] = "shutdown", [DRAINING_MAINTENANCE] = "maintenance"};

static bool is_host_id(const char *host)
{
    size_t len = strspn(host, "0123456789abcdef-");
    return host[len] == '\0' && len < DRAINING_HOST_SIZE;
}

void draining_host_id(char ret_host[static DRAINING_HOST_SIZE])
{
    ret_host[0] = '\0';
    cleanup_fd int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, ret_host, DRAINING_HOST_SIZE - 1);
    ret_host[n > 0 ? n : 0] = '\0';
    if (!is_host_id(ret_host))
        ret_host[0] = '\0';
}

int draining_record_format(const struct draining_record *r, char ret_text[static DRAINING_FILE_BYTES],
                           struct error *err)
{
    char began[CLOCK_RFC3339_SIZE];
    char text[DRAINING_FILE_BYTES + 1];
    clock_format_rfc3339(r->began_ms, began);
    int n = snprintf(text, sizeof(text),
                     "%s\nkind=%s\nbegan=%s\nhost=%s\nboot_ms=%lld\nwait_timeout_ms=%lld\nsession_idle_ms=%lld\n"
                     "deadline_ms=%lld\n",
                     first_line, kind_names[r->kind], began, r->host, (long long)r->boot_ms,
                     (long long)r->wait_timeout_ms, (long long)r->session_idle_ms, (long long)r->deadline_ms);
    if (n < 0 || n >= DRAINING_FILE_BYTES || !is_host_id(r->host) || r->boot_ms < -1 || r->wait_timeout_ms < -1 ||
        r->session_idle_ms < -1 || r->deadline_ms < 0)
        return error_set(err, -EINVAL, "the draining file cannot hold this");
    memset(ret_text, ' ', DRAINING_FILE_BYTES);
    memcpy(ret_text, text, (size_t)n);
    ret_text[DRAINING_FILE_BYTES - 1] = '\n';
    return 0;
}

/* Cut the next line off *rest; it must be `key=` and a value. NULL when it is not. */
static const char *take_value(char **rest, const char *key)
{
    char *line = strsep(rest, "\n");
    size_t len = strlen(key);
    if (line == NULL || *rest == NULL || strncmp(line, key, len) != 0 || line[len] != '=')
        return NULL;
    return line + len + 1;
}

static bool take_number(char **rest, const char *key, int64_t min, int64_t *ret_number)
{
    const char *value = take_value(rest, key);
    return value != NULL && str_to_int(value, min, INT64_MAX, ret_number) == 0;
}

static bool take_kind(char **rest, enum draining_kind *ret_kind)
{
    const char *value = take_value(rest, "kind");
    for (size_t i = 0; value != NULL && i < ARRAY_LEN(kind_names); i++) {
        if (strcmp(value, kind_names[i]) != 0)
            continue;
        *ret_kind = (enum draining_kind)i;
        return true;
    }
    return false;
}

/* When it began is for humans: its form is not looked at. */
static bool take_began(char **rest)
{
    return take_value(rest, "began") != NULL;
}

static bool take_host(char **rest, char ret_host[static DRAINING_HOST_SIZE])
{
    const char *value = take_value(rest, "host");
    if (value == NULL || !is_host_id(value))
        return false;
    memcpy(ret_host, value, strlen(value) + 1);
    return true;
}

static bool take_record(char *text, struct draining_record *r)
{
    const char *line = strsep(&text, "\n");
    if (text == NULL || strcmp(line, first_line) != 0)
        return false;
    if (!take_kind(&text, &r->kind) || !take_began(&text) || !take_host(&text, r->host) ||
        !take_number(&text, "boot_ms", -1, &r->boot_ms) ||
        !take_number(&text, "wait_timeout_ms", -1, &r->wait_timeout_ms) ||
        !take_number(&text, "session_idle_ms", -1, &r->session_idle_ms) ||
        !take_number(&text, "deadline_ms", 0, &r->deadline_ms))
        return false;
    size_t blanks = strspn(text, " ");
    return strcmp(text + blanks, "\n") == 0;
}

int draining_record_parse(const char *text, size_t len, struct draining_record *ret_record, struct error *err)
{
    char copy[DRAINING_FILE_BYTES + 1];
    struct draining_record r = {.kind = DRAINING_SHUTDOWN};
    if (len != DRAINING_FILE_BYTES || memchr(text, '\0', len) != NULL)
        return error_set(err, -EBADMSG, "not a draining file of an agent");
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (!take_record(copy, &r))
        return error_set(err, -EBADMSG, "not a draining file of an agent");
    *ret_record = r;
    return 0;
}

static int failed(const char *what, const char *path, struct error *err)
{
    int code = -errno;
    return error_set(err, code, "%s the draining file %s: %s", what, path, strerror(-code));
}

/* A regular file's beginning, one byte more than ours has; 0 of what is none, -1 when it cannot be read. */
static ssize_t read_start(int fd, char *ret_text, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISREG(st.st_mode))
        return 0;
    ssize_t n;
    do {
        n = read(fd, ret_text, size);
    } while (n < 0 && errno == EINTR);
    return n;
}

int draining_file_read(const char *path, enum draining_owner *ret_owner, struct draining_record *ret_record,
                       struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        *ret_owner = DRAINING_NOBODY;
        return 0;
    }
    if (fd < 0 && errno != ELOOP && errno != ENXIO)
        return failed("read", path, err);
    char text[DRAINING_FILE_BYTES + 1];
    ssize_t n = fd < 0 ? 0 : read_start(fd, text, sizeof(text));
    if (n < 0)
        return failed("read", path, err);
    bool ours = n > 0 && draining_record_parse(text, (size_t)n, ret_record, NULL) == 0;
    *ret_owner = ours ? DRAINING_AGENT : DRAINING_OPERATOR;
    return 0;
}

static int write_whole(int fd, const char text[static DRAINING_FILE_BYTES])
{
    ssize_t n;
    do {
        n = pwrite(fd, text, DRAINING_FILE_BYTES, 0);
    } while (n < 0 && errno == EINTR);
    if (n == DRAINING_FILE_BYTES)
        return 0;
    errno = n < 0 ? errno : ENOSPC;
    return -errno;
}

int draining_file_create(const char *path, const struct draining_record *record, struct error *err)
{
    char text[DRAINING_FILE_BYTES];
    int rc = draining_record_format(record, text, err);
    if (rc < 0)
        return rc;
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
    if (fd < 0)
        return failed("create", path, err);
    if (write_whole(fd, text) == 0)
        return 0;
    rc = failed("write", path, err);
    (void)unlink(path); /* half a file would be taken for the operator's */
    return rc;
}

/* 0 when it is an agent's file. */
static int check_ours(const char *path, struct error *err)
{
    enum draining_owner owner;
    struct draining_record ignored;
    int rc = draining_file_read(path, &owner, &ignored, err);
    if (rc < 0)
        return rc;
    if (owner == DRAINING_NOBODY)
        return error_set(err, -ENOENT, "the draining file %s is gone", path);
    if (owner == DRAINING_OPERATOR)
        return error_set(err, -EPERM, "the draining file %s is not one of an agent: it stays as it is", path);
    return 0;
}

int draining_file_update(const char *path, const struct draining_record *record, struct error *err)
{
    char text[DRAINING_FILE_BYTES];
    int rc = draining_record_format(record, text, err);
    if (rc == 0)
        rc = check_ours(path, err);
    if (rc < 0)
        return rc;
    cleanup_fd int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || write_whole(fd, text) < 0)
        return failed("write", path, err);
    return 0;
}

int draining_file_remove(const char *path, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = check_ours(path, &why);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return error_set(err, rc, "%s", why.text);
    return unlink(path) == 0 || errno == ENOENT ? 0 : failed("remove", path, err);
}
