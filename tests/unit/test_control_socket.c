#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control/control_socket.h"
#include "shared/mem.h"

/* Somebody who may write to the folder replaces the file right after it was bound: -Wl,--wrap=bind. */
static char folder[64];
static char path[96];
static char victim[96];
static enum { KEEP, REPLACE_BY_LINK, REPLACE_BY_FILE, REMOVE } then;

int __real_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t len)
{
    int rc = __real_bind(fd, address, len);
    if (then != KEEP)
        assert_int_equal(unlink(path), 0);
    if (then == REPLACE_BY_LINK)
        assert_int_equal(symlink(victim, path), 0);
    if (then == REPLACE_BY_FILE)
        assert_int_equal(link(victim, path), 0);
    return rc;
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/control-socket-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)snprintf(victim, sizeof(victim), "%s/victim", folder);
    cleanup_fd int fd = open(victim, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    then = KEEP;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    assert_int_equal(unlink(victim), 0);
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static mode_t mode_of(const char *file)
{
    struct stat status;
    assert_int_equal(lstat(file, &status), 0);
    return status.st_mode & 07777;
}

static void the_file_has_its_mode_and_goes_at_the_end(void **state)
{
    (void)state;
    struct control_socket s;
    struct error err = ERROR_INIT;
    assert_int_equal(control_socket_open(path, 0660, &s, &err), 0);
    assert_int_equal(mode_of(path), 0660);
    control_socket_close(&s);
    assert_int_equal(access(path, F_OK), -1);
}

static void refused(int code, const char *says)
{
    struct control_socket s;
    struct error err = ERROR_INIT;
    assert_int_equal(control_socket_open(path, 0666, &s, &err), code);
    assert_non_null(strstr(err.text, says));
    assert_int_equal(mode_of(victim), 0600);
}

static void what_took_its_place_is_left_as_it_is(void **state)
{
    (void)state;
    then = REPLACE_BY_LINK;
    refused(-EPERM, "was replaced by somebody else");
    assert_int_equal(unlink(path), 0);
    then = REPLACE_BY_FILE;
    refused(-EPERM, "was replaced by somebody else");
    assert_int_equal(unlink(path), 0);
    then = REMOVE;
    refused(-ENOENT, path);
}

/* A link to a socket that was left behind is not followed either. */
static void a_link_is_no_socket(void **state)
{
    (void)state;
    assert_int_equal(symlink(victim, path), 0);
    refused(-EEXIST, "exists and is no socket");
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_has_its_mode_and_goes_at_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_took_its_place_is_left_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_no_socket, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
