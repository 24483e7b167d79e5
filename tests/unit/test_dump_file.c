#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/dump/dump_file.h"
#include "shared/mem.h"

static struct error err;
static char folder[64];
static char path[128];
static char partial[128];

static int set_up(void **state)
{
    (void)state;
    error_clear(&err);
    (void)snprintf(folder, sizeof(folder), "/tmp/dump-file-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/a.csv", folder);
    (void)snprintf(partial, sizeof(partial), "%s/a.csv.partial", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(partial);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static void name_comes_with_the_commit(void **state)
{
    (void)state;
    struct dump_file f;
    struct stat status;
    assert_int_equal(dump_file_create(&f, folder, "a.csv", false, &err), 0);
    assert_true(exists(partial) && !exists(path));
    assert_int_equal(write(f.fd, "rows", 4), 4);
    assert_int_equal(dump_file_commit(&f, &err), 0);
    assert_false(exists(partial));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 4);
    assert_int_equal(status.st_mode & 0777, 0600);
    dump_file_fini(&f);
    assert_true(exists(path));
}

static void without_commit_nothing_is_left(void **state)
{
    (void)state;
    struct dump_file f;
    assert_int_equal(dump_file_create(&f, folder, "a.csv", false, &err), 0);
    dump_file_fini(&f);
    assert_false(exists(partial) || exists(path));
}

static void one_writer_at_a_time(void **state)
{
    (void)state;
    struct dump_file first;
    struct dump_file second;
    assert_int_equal(dump_file_create(&first, folder, "a.csv", false, &err), 0);
    assert_int_equal(dump_file_create(&second, folder, "a.csv", false, &err), -EBUSY);
    dump_file_fini(&second);
    assert_true(exists(partial));
    dump_file_fini(&first);
    error_clear(&err);
    assert_int_equal(dump_file_create(&second, folder, "a.csv", false, &err), 0);
    dump_file_fini(&second);
}

/* What a dump that was killed left is written over, mode and all; a link of that name is not followed. */
static void leftovers_are_reused_and_links_refused(void **state)
{
    (void)state;
    struct dump_file f;
    cleanup_fd int left = open(partial, O_CREAT | O_WRONLY, 0666);
    assert_int_equal(write(left, "long rest of another one", 24), 24);
    assert_int_equal(dump_file_create(&f, folder, "a.csv", false, &err), 0);
    assert_int_equal(dump_file_commit(&f, &err), 0);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    dump_file_fini(&f);
    assert_int_equal(symlink(path, partial), 0);
    assert_int_equal(dump_file_create(&f, folder, "a.csv", false, &err), -ELOOP);
    dump_file_fini(&f);
}

static void old_file_may_be_worth_keeping(void **state)
{
    (void)state;
    struct dump_file f;
    cleanup_fd int old = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(old >= 0);
    assert_int_equal(dump_file_create(&f, folder, "a.csv", true, &err), -EEXIST);
    dump_file_fini(&f);
    assert_true(exists(path) && !exists(partial));
}

static void what_was_written_is_kept_under_another_name(void **state)
{
    (void)state;
    struct dump_file f;
    char kept[160];
    (void)snprintf(kept, sizeof(kept), "%s.incomplete-now", path);
    assert_int_equal(dump_file_create(&f, folder, "a.csv", true, &err), 0);
    assert_int_equal(dump_file_keep(&f, "now", &err), 0);
    assert_string_equal(f.path, kept);
    dump_file_fini(&f);
    assert_true(exists(kept) && !exists(path) && !exists(partial));
    (void)unlink(kept);
}

static void a_folder_of_its_own(void **state)
{
    (void)state;
    char *made = NULL;
    bool is_new = false;
    assert_int_equal(setenv("TMPDIR", folder, 1), 0);
    assert_int_equal(dump_folder("", &made, &is_new, &err), 0);
    assert_true(is_new);
    struct stat status;
    assert_int_equal(stat(made, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_memory_equal(made, folder, strlen(folder));
    assert_int_equal(rmdir(made), 0);
    free(made);
    assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
    assert_int_equal(dump_folder("", &made, &is_new, &err), -ENOENT);
    assert_int_equal(dump_folder("/data", &made, &is_new, &err), 0);
    assert_false(is_new);
    free(made);
}

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(name_comes_with_the_commit),    FILE_TEST(without_commit_nothing_is_left),
        FILE_TEST(one_writer_at_a_time),          FILE_TEST(leftovers_are_reused_and_links_refused),
        FILE_TEST(old_file_may_be_worth_keeping), FILE_TEST(what_was_written_is_kept_under_another_name),
        FILE_TEST(a_folder_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
