#include "daemon/dump_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"
#include "shared/thread.h"

enum { chunk_bytes = 64 * 1024 };

struct dump_pipe {
    char *folder;
    char *path;
    int fd;
    int over_fd; /* eventfd: no writer comes any more */
    pthread_t thread;
    int failure; /* of the thread: a negative errno */
};

static int write_all(const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, data, len);
        if (n < 0 && errno != EINTR)
            return -errno;
        data += n < 0 ? 0 : n;
        len -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Pass on what is there. False: nothing is. */
static bool pass_on(struct dump_pipe *p, char *chunk)
{
    ssize_t n = read(p->fd, chunk, chunk_bytes);
    if (n <= 0)
        return false;
    (void)unlink(p->path); /* whoever writes has opened it */
    p->failure = write_all(chunk, (size_t)n);
    return p->failure == 0;
}

static void *run(void *arg)
{
    struct dump_pipe *p = arg;
    cleanup_free char *chunk = xcalloc(1, chunk_bytes);
    struct pollfd fds[] = {{.fd = p->fd, .events = POLLIN}, {.fd = p->over_fd, .events = POLLIN}};
    bool over = false;
    while (!over && p->failure == 0) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            abort();
        over = fds[1].revents != 0;
        while (pass_on(p, chunk))
            continue;
        if ((fds[0].revents & POLLHUP) != 0)
            fds[0].fd = -1; /* its writer is gone; what it wrote was read above */
    }
    fd_close(take_fd(&p->fd)); /* a writer that goes on sees it */
    return NULL;
}

static int fail(const char *what, struct error *err)
{
    int code = -errno;
    return error_set(err, code, "%s: %s", what, strerror(-code));
}

static int make(struct dump_pipe *p, struct error *err)
{
    const char *tmp = getenv("TMPDIR");
    p->folder = xasprintf("%s/proxysql-agent-pipe-XXXXXX", tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
    if (mkdtemp(p->folder) == NULL)
        return fail(p->folder, err);
    p->path = xasprintf("%s/pipe", p->folder);
    if (mkfifo(p->path, 0600) < 0)
        return fail(p->path, err);
    p->fd = open(p->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    p->over_fd = eventfd(0, EFD_CLOEXEC);
    if (p->fd < 0 || p->over_fd < 0)
        return fail(p->path, err);
    return thread_start(&p->thread, "dump-pipe", run, p, err);
}

static void drop(struct dump_pipe *p)
{
    if (p->path != NULL)
        (void)unlink(p->path);
    (void)rmdir(p->folder);
    fd_close(p->fd);
    fd_close(p->over_fd);
    free(p->path);
    free(p->folder);
    free(p);
}

int dump_pipe_start(struct dump_pipe **ret_pipe, struct error *err)
{
    struct dump_pipe *p = xcalloc(1, sizeof(*p));
    p->fd = -1;
    p->over_fd = -1;
    int rc = make(p, err);
    if (rc < 0) {
        drop(p);
        return rc;
    }
    *ret_pipe = p;
    return 0;
}

const char *dump_pipe_path(const struct dump_pipe *p)
{
    return p->path;
}

int dump_pipe_finish(struct dump_pipe *p, struct error *err)
{
    const uint64_t one = 1;
    if (write(p->over_fd, &one, sizeof(one)) < 0)
        abort();
    thread_join(p->thread);
    int rc = p->failure == 0 ? 0 : error_set(err, p->failure, "standard output: %s", strerror(-p->failure));
    drop(p);
    return rc;
}
