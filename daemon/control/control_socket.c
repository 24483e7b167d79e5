#include "daemon/control/control_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"

enum { backlog = 128, folder_mode_run = 0755, folder_mode_own = 0700, mode_while_binding = 0600 };
enum { lock_wait_ms = 500, lock_step_ms = 10 };

static int address_of(const char *path, struct sockaddr_un *ret_address, struct error *err)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(ret_address->sun_path))
        return error_set(err, -ENAMETOOLONG, "%.120s: a socket's path has %zu bytes at most", path,
                         sizeof(ret_address->sun_path) - 1);
    memcpy(ret_address->sun_path, path, strlen(path) + 1);
    return 0;
}

/* 0: nobody listens there (any more), and a socket's file that was left behind is gone. */
static int clear_way(const char *path, const struct sockaddr_un *address, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : error_set(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, -EEXIST, "%s exists and is no socket", path);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, -errno, "socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
        return error_set(err, -EADDRINUSE, "%s: another agent serves it", path);
    if (errno != ECONNREFUSED)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    return unlink(path) == 0 || errno == ENOENT ? 0 : error_set(err, -errno, "%s: %s", path, strerror(errno));
}

/* The rights of the file that is there now, if it is a socket and ours. In a folder of others it may have been replaced
 * since it was bound, and chmod(2) would follow a link. *ret_status is the file's. */
static int set_mode(const char *path, mode_t mode, struct stat *ret_status, struct error *err)
{
    char by_descriptor[64];
    cleanup_fd int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, ret_status) < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISSOCK(ret_status->st_mode) || ret_status->st_uid != geteuid())
        return error_set(err, -EPERM, "%s was replaced by somebody else while it was made", path);
    (void)snprintf(by_descriptor, sizeof(by_descriptor), "/proc/self/fd/%d", fd);
    return chmod(by_descriptor, mode) == 0 ? 0 : error_set(err, -errno, "%s: chmod: %s", path, strerror(errno));
}

/* The file is made with few rights and gets its own afterwards, so that it never has more than it should. */
static int bind_file(const char *path, const struct sockaddr_un *address, mode_t mode, int fd, struct stat *ret_status,
                     struct error *err)
{
    if (fchmod(fd, mode_while_binding) < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    int rc = set_mode(path, mode, ret_status, err);
    if (rc == 0 && listen(fd, backlog) < 0)
        rc = error_set(err, -errno, "%s: %s", path, strerror(errno));
    if (rc < 0 && rc != -EPERM)
        (void)unlink(path);
    return rc;
}

/* The folder is locked while we look and bind, so that of two agents that start at once one finds the other's socket.
 * Whoever may open the folder may lock it: after lock_wait_ms, and where nothing can be locked, it goes on without. */
static int lock_folder(const char *path)
{
    char folder[SOCKET_PATH_SIZE];
    (void)snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        (void)snprintf(folder, sizeof(folder), ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct timespec pause = {.tv_nsec = lock_step_ms * 1000000L};
    int64_t deadline_ms = clock_mono_ms() + lock_wait_ms;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && clock_mono_ms() < deadline_ms)
        (void)nanosleep(&pause, NULL);
    return fd;
}

static int listen_on(const char *path, mode_t mode, struct control_socket *ret_socket, struct error *err)
{
    struct sockaddr_un address;
    int rc = address_of(path, &address, err);
    if (rc < 0)
        return rc;
    cleanup_fd int folder = lock_folder(path);
    (void)folder; /* held until the end of this function */
    rc = clear_way(path, &address, err);
    if (rc < 0)
        return rc;
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, -errno, "socket: %s", strerror(errno));
    struct stat st;
    rc = bind_file(path, &address, mode, fd, &st, err);
    if (rc < 0)
        return rc;
    *ret_socket = (struct control_socket){.fd = take_fd(&fd), .device = st.st_dev, .inode = st.st_ino};
    (void)snprintf(ret_socket->path, sizeof(ret_socket->path), "%s", path);
    return 0;
}

/* In a folder that others may write to (/tmp) somebody else may have made ours. */
static int check_own_folder(const char *folder, struct error *err)
{
    struct stat st;
    if (lstat(folder, &st) < 0)
        return error_set(err, -errno, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(err, -ENOTDIR, "%s is no folder", folder);
    if (st.st_uid != geteuid())
        return error_set(err, -EPERM, "%s belongs to uid %u", folder, (unsigned)st.st_uid);
    if ((st.st_mode & 077) != 0)
        return error_set(err, -EPERM, "%s is open to others (mode %04o, not 0700)", folder,
                         (unsigned)st.st_mode & 07777);
    return 0;
}

static int listen_in_place(size_t place, mode_t mode, struct control_socket *ret_socket, struct error *err)
{
    char path[SOCKET_PATH_SIZE];
    char folder[SOCKET_PATH_SIZE];
    if (socket_path_place(place, geteuid(), path, folder) < 0)
        return error_set(err, -ENAMETOOLONG, "TMPDIR is too long for a socket's path");
    bool in_run = place == 0;
    if (mkdir(folder, in_run ? folder_mode_run : folder_mode_own) < 0 && errno != EEXIST)
        return error_set(err, -errno, "%s: %s", folder, strerror(errno));
    int rc = in_run ? 0 : check_own_folder(folder, err);
    return rc < 0 ? rc : listen_on(path, mode, ret_socket, err);
}

int control_socket_open(const char *path, mode_t mode, struct control_socket *ret_socket, struct error *err)
{
    if (path[0] != '\0')
        return listen_on(path, mode, ret_socket, err);
    char first[sizeof(err->text)] = "";
    for (size_t place = 0; place < SOCKET_PLACES; place++) {
        struct error why = ERROR_INIT;
        int rc = listen_in_place(place, mode, ret_socket, &why);
        if (rc == 0)
            return 0;
        if (rc == -EADDRINUSE || place + 1 == SOCKET_PLACES)
            return error_set(err, rc, "%s%s%s", first, first[0] == '\0' ? "" : "; ", why.text);
        (void)snprintf(first, sizeof(first), "%s", why.text);
    }
    return 0;
}

void control_socket_close(struct control_socket *s)
{
    struct stat st;
    if (s->fd < 0)
        return;
    if (lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode)
        (void)unlink(s->path);
    fd_close(s->fd);
    s->fd = -1;
}
