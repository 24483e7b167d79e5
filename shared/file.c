#include "shared/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

int file_read(const char *path, struct buf *out, struct error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
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
