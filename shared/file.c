#include "shared/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

static int read_all(const char *path, int more_flags, struct buf *out, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | more_flags);
    if (fd < 0)
        return error_set(err, -errno, "open %s: %s", path, strerror(errno));
    char chunk[4096];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, -errno, "read %s: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        int rc = buf_append(out, chunk, (size_t)n);
        explicit_bzero(chunk, (size_t)n); /* it may be a secret */
        if (rc == -EMSGSIZE)
            return error_set(err, -EFBIG, "read %s: more than %zu bytes", path, out->max);
        if (rc < 0)
            return error_set(err, rc, "read %s: out of memory", path);
    }
}

int file_read(const char *path, struct buf *out, struct error *err)
{
    return read_all(path, 0, out, err);
}

int file_read_own(const char *path, struct buf *out, struct error *err)
{
    return read_all(path, O_NOFOLLOW, out, err);
}

static int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* What a writer that was killed has left is in the way. */
static int create_new(const char *path, const void *data, size_t len, struct error *err)
{
    (void)unlink(path);
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, -errno, "create %s: %s", path, strerror(errno));
    int rc = write_all(fd, data, len);
    if (rc < 0)
        (void)unlink(path);
    return rc < 0 ? error_set(err, rc, "write %s: %s", path, strerror(-rc)) : 0;
}

int file_replace(const char *path, const void *data, size_t len, struct error *err)
{
    cleanup_free char *new_path = xasprintf("%s.new", path);
    int rc = create_new(new_path, data, len, err);
    if (rc < 0)
        return rc;
    if (rename(new_path, path) == 0)
        return 0;
    rc = -errno;
    (void)unlink(new_path);
    return error_set(err, rc, "rename %s to %s: %s", new_path, path, strerror(-rc));
}
