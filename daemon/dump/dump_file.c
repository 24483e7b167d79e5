#include "daemon/dump/dump_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"

/* How often a file is opened again that another dump renamed meanwhile. */
enum { open_attempts = 10 };

static int file_error(const char *what, const char *path, struct error *err)
{
    int code = -errno;
    return error_set(err, code, "%s %s: %s", what, path, strerror(-code));
}

/* Whoever holds the lock may have renamed the file since it was opened: is it still the one of that name? */
static bool is_same_file(int fd, const char *path)
{
    struct stat opened;
    struct stat named;
    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

static int open_locked(struct dump_file *f, struct error *err)
{
    for (int i = 0; i < open_attempts; i++) {
        cleanup_fd int fd = open(f->partial, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
            return file_error("cannot write", f->partial, err);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
            return error_set(err, -EBUSY, "another dump is writing %s", f->partial);
        if (!is_same_file(fd, f->partial))
            continue;
        if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
            return file_error("cannot write", f->partial, err);
        f->fd = take_fd(&fd);
        return 0;
    }
    return error_set(err, -EBUSY, "other dumps are writing %s", f->partial);
}

int dump_file_create(struct dump_file *f, const char *folder, const char *name, bool keep_old, struct error *err)
{
    *f = (struct dump_file){.fd = -1};
    f->path = xasprintf("%s/%s", folder, name);
    f->partial = xasprintf("%s.partial", f->path);
    int rc = 0;
    if (keep_old && access(f->path, F_OK) == 0)
        rc = error_set(err, -EEXIST,
                       "%s exists and, with dump.reset, may hold rows that are nowhere else: move it away first",
                       f->path);
    return rc == 0 ? open_locked(f, err) : rc;
}

static int sync_folder(const char *path, struct error *err)
{
    cleanup_free char *copy = xstrdup(path);
    const char *folder = dirname(copy);
    cleanup_fd int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return file_error("cannot sync", folder, err);
    return 0;
}

static int sync_and_rename(struct dump_file *f, const char *path, struct error *err)
{
    if (fsync(f->fd) < 0)
        return file_error("cannot sync", f->partial, err);
    if (rename(f->partial, path) < 0)
        return file_error("cannot rename to", path, err);
    fd_close(take_fd(&f->fd));
    return sync_folder(path, err);
}

int dump_file_commit(struct dump_file *f, struct error *err)
{
    return sync_and_rename(f, f->path, err);
}

int dump_file_keep(struct dump_file *f, const char *time, struct error *err)
{
    cleanup_free char *path = xasprintf("%s.incomplete-%s", f->path, time);
    int rc = sync_and_rename(f, path, err);
    if (rc == 0) {
        free(f->path);
        f->path = take_ptr(path);
    }
    return rc;
}

void dump_file_fini(struct dump_file *f)
{
    if (f->fd >= 0) {
        (void)unlink(f->partial);
        fd_close(take_fd(&f->fd));
    }
    free(f->path);
    free(f->partial);
    *f = (struct dump_file){.fd = -1};
}

int dump_folder(const char *dir, char **ret_folder, bool *ret_new, struct error *err)
{
    *ret_new = dir[0] == '\0';
    if (!*ret_new) {
        *ret_folder = xstrdup(dir);
        return 0;
    }
    const char *tmp = getenv("TMPDIR");
    cleanup_free char *folder =
        xasprintf("%s/proxysql-agent-dump-XXXXXX", tmp != NULL && tmp[0] != '\0' ? tmp : "/tmp");
    if (mkdtemp(folder) == NULL)
        return file_error("cannot create", folder, err);
    *ret_folder = take_ptr(folder);
    return 0;
}
