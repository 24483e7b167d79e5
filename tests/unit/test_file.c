#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/file.h"
#include "shared/mem.h"

static struct error err;

static void reads_all_or_refuses(void **state)
{
    (void)state;
    char path[] = "/tmp/file-XXXXXX";
    char text[10000];
    memset(text, 'x', sizeof(text));
    text[5000] = '\0';
    cleanup_fd int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
    cleanup_buf struct buf out;
    buf_init(&out, sizeof(text) + 2);
    assert_int_equal(buf_puts(&out, "ab"), 0);
    assert_int_equal(file_read(path, &out, &err), 0);
    assert_int_equal(out.len, sizeof(text) + 2);
    assert_memory_equal(out.data + 2, text, sizeof(text));

    cleanup_buf struct buf small;
    buf_init(&small, sizeof(text) - 1);
    assert_int_equal(file_read(path, &small, &err), -EFBIG);
    assert_non_null(strstr(err.text, path));
    (void)unlink(path);
    error_clear(&err);
    assert_int_equal(file_read(path, &small, &err), -ENOENT);
    error_clear(&err);
    assert_int_equal(file_read("/tmp", &small, &err), -EISDIR);
}

static void reads_a_pipe_to_its_end(void **state)
{
    (void)state;
    int fds[2];
    char path[32];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "secret", 6), 6);
    fd_close(fds[1]);
    (void)snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
    cleanup_buf struct buf out;
    buf_init(&out, 6);
    assert_int_equal(file_read(path, &out, NULL), 0);
    assert_string_equal(out.data, "secret");
    fd_close(fds[0]);
}

static void assert_content(const char *path, const char *expected)
{
    cleanup_buf struct buf out;
    buf_init(&out, 100);
    error_clear(&err);
    assert_int_equal(file_read_own(path, &out, &err), 0);
    assert_string_equal(out.data, expected);
}

static void replaces_a_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/file-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *path = xasprintf("%s/own", folder);
    cleanup_free char *new_path = xasprintf("%s.new", path);
    cleanup_free char *other = xasprintf("%s/other", folder);
    assert_int_equal(file_replace(path, "first", 5, &err), 0);
    assert_content(path, "first");
    assert_int_equal(file_replace(new_path, "left by one that was killed", 27, &err), 0);
    assert_int_equal(file_replace(path, "2nd", 3, &err), 0);
    assert_content(path, "2nd");
    assert_int_equal(access(new_path, F_OK), -1);
    struct stat seen;
    assert_int_equal(stat(path, &seen), 0);
    assert_int_equal(seen.st_mode & 0777, 0600);

    assert_int_equal(file_replace(other, "of somebody else", 16, &err), 0);
    (void)unlink(path);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(symlink(other, new_path), 0);
    cleanup_buf struct buf out;
    buf_init(&out, 100);
    assert_int_equal(file_read_own(path, &out, &err), -ELOOP);
    error_clear(&err);
    assert_int_equal(file_replace(path, "own", 3, &err), 0);
    assert_content(path, "own");
    assert_content(other, "of somebody else");

    (void)unlink(path);
    (void)unlink(other);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(file_replace(path, "x", 1, &err), -ENOENT);
    assert_non_null(strstr(err.text, new_path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_all_or_refuses),
                                       cmocka_unit_test(reads_a_pipe_to_its_end), cmocka_unit_test(replaces_a_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
