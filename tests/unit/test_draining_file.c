#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/drain/draining_file.h"

static char folder[] = "/tmp/draining-XXXXXX";
static char path[64];

static const struct draining_record example = {.kind = DRAINING_MAINTENANCE,
                                               .host = "7d9b6f0e-0f67-4c3e-a8c3-95b7e0f9a2b1",
                                               .boot_ms = 1234567,
                                               .wait_timeout_ms = 28800000,
                                               .session_idle_ms = 1000,
                                               .deadline_ms = 0,
                                               .began_ms = 1764101700123};

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/draining", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static int clean(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void put(const char *content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum draining_owner owner(struct draining_record *ret_record)
{
    struct error err = ERROR_INIT;
    enum draining_owner who = DRAINING_NOBODY;
    assert_int_equal(draining_file_read(path, &who, ret_record, &err), 0);
    return who;
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct draining_record r;
    assert_int_equal(owner(&r), DRAINING_NOBODY);
    assert_int_equal(draining_file_create(path, &example, &err), 0);
    assert_int_equal(owner(&r), DRAINING_AGENT);
    assert_int_equal(r.kind, example.kind);
    assert_string_equal(r.host, example.host);
    assert_int_equal(r.boot_ms, example.boot_ms);
    assert_int_equal(r.wait_timeout_ms, example.wait_timeout_ms);
    assert_int_equal(r.session_idle_ms, example.session_idle_ms);
    assert_int_equal(r.deadline_ms, example.deadline_ms);
}

static void is_replaced_as_a_whole(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct draining_record r = example;
    struct stat before;
    struct stat after;
    assert_int_equal(draining_file_create(path, &example, &err), 0);
    assert_int_equal(stat(path, &before), 0);
    r.kind = DRAINING_SHUTDOWN;
    r.boot_ms = -1;
    r.wait_timeout_ms = -1;
    r.deadline_ms = 7;
    assert_int_equal(draining_file_update(path, &r, &err), 0);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, DRAINING_FILE_BYTES);
    assert_int_equal(after.st_size, DRAINING_FILE_BYTES);
    struct draining_record again;
    assert_int_equal(owner(&again), DRAINING_AGENT);
    assert_int_equal(again.kind, DRAINING_SHUTDOWN);
    assert_int_equal(again.boot_ms, -1);
    assert_int_equal(again.deadline_ms, 7);
    assert_int_equal(draining_file_remove(path, &err), 0);
    assert_int_equal(owner(&again), DRAINING_NOBODY);
    assert_int_equal(draining_file_remove(path, &err), 0);
    assert_int_equal(draining_file_update(path, &r, &err), -ENOENT);
}

/* Whatever is there already is never touched. */
static void stays_the_operators(void **state)
{
    (void)state;
    static const char *const contents[] = {"", "rolling the rack", "proxysql-agent draining 1\n"};
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        struct error err = ERROR_INIT;
        struct draining_record r;
        put(contents[i]);
        assert_int_equal(owner(&r), DRAINING_OPERATOR);
        assert_int_equal(draining_file_create(path, &example, &err), -EEXIST);
        error_clear(&err);
        assert_int_equal(draining_file_update(path, &example, &err), -EPERM);
        error_clear(&err);
        assert_int_equal(draining_file_remove(path, &err), -EPERM);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(access(path, F_OK), 0);
    }
}

static void links_are_not_followed(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct draining_record r;
    char target[80];
    (void)snprintf(target, sizeof(target), "%s/elsewhere", folder);
    assert_int_equal(draining_file_create(target, &example, &err), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(owner(&r), DRAINING_OPERATOR);
    assert_int_equal(draining_file_create(path, &example, &err), -EEXIST);
    error_clear(&err);
    assert_int_equal(draining_file_remove(path, &err), -EPERM);
    assert_int_equal(unlink(target), 0); /* now it points nowhere */
    assert_int_equal(owner(&r), DRAINING_OPERATOR);
    error_clear(&err);
    assert_int_equal(draining_file_create(path, &example, &err), -EEXIST);
    assert_int_equal(access(target, F_OK), -1);
}

static void other_things_are_the_operators(void **state)
{
    (void)state;
    struct draining_record r;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(owner(&r), DRAINING_OPERATOR);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(owner(&r), DRAINING_OPERATOR);
    assert_int_equal(rmdir(path), 0);
}

/* The kernel's own file of this process' memory is a regular one, and nothing is mapped at its begin. */
static void nobody_owns_what_cannot_be_read(void **state)
{
    enum draining_owner owner = DRAINING_NOBODY;
    struct draining_record record;
    struct error err = ERROR_INIT;
    (void)state;
    assert_int_equal(draining_file_read("/proc/self/mem", &owner, &record, &err), -EIO);
    assert_string_equal(err.text, "read the draining file /proc/self/mem: Input/output error");
}

static void says_which_folder_is_missing(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct draining_record r;
    enum draining_owner who = DRAINING_AGENT;
    assert_int_equal(draining_file_create("/nowhere/draining", &example, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nowhere/draining"));
    assert_int_equal(draining_file_read("/nowhere/draining", &who, &r, &err), 0);
    assert_int_equal(who, DRAINING_NOBODY);
}

static void refuses_what_it_did_not_write(void **state)
{
    (void)state;
    char text[DRAINING_FILE_BYTES];
    struct error err = ERROR_INIT;
    struct draining_record r;
    assert_int_equal(draining_record_format(&example, text, &err), 0);
    assert_int_equal(draining_record_parse(text, sizeof(text), &r, &err), 0);
    assert_int_equal(draining_record_parse(text, sizeof(text) - 1, &r, NULL), -EBADMSG);
    for (size_t i = 0; i < sizeof(text); i++) {
        char changed[DRAINING_FILE_BYTES];
        memcpy(changed, text, sizeof(text));
        changed[i] = '\0';
        assert_int_equal(draining_record_parse(changed, sizeof(changed), &r, NULL), -EBADMSG);
    }
    text[sizeof(text) - 2] = 'x'; /* behind the last line */
    assert_int_equal(draining_record_parse(text, sizeof(text), &r, NULL), -EBADMSG);
    struct draining_record bad = example;
    bad.boot_ms = -2;
    assert_int_equal(draining_record_format(&bad, text, &err), -EINVAL);
}

static void the_host_has_an_id(void **state)
{
    (void)state;
    char host[DRAINING_HOST_SIZE];
    draining_host_id(host);
    assert_int_equal(strlen(host), DRAINING_HOST_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(comes_back_as_it_was, clean),
        cmocka_unit_test_teardown(is_replaced_as_a_whole, clean),
        cmocka_unit_test_teardown(stays_the_operators, clean),
        cmocka_unit_test_teardown(links_are_not_followed, clean),
        cmocka_unit_test_teardown(other_things_are_the_operators, clean),
        cmocka_unit_test(nobody_owns_what_cannot_be_read),
        cmocka_unit_test(says_which_folder_is_missing),
        cmocka_unit_test(refuses_what_it_did_not_write),
        cmocka_unit_test(the_host_has_an_id),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
