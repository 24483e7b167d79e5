#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/dump/upload.h"
#include "shared/mem.h"

/* A file without blocks on the disk: to hash all of it takes seconds. */
enum { huge_gib = 2, ticks_before_stop = 3 };

static char path[64];
static uint64_t ticks;
static uint64_t sent_max;

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof(path), "/tmp/upload-XXXXXX");
    cleanup_fd int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)huge_gib << 30), 0);
    ticks = 0;
    sent_max = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    return 0;
}

static int stop_soon(void *arg, uint64_t sent, uint64_t total, struct error *err)
{
    (void)arg;
    assert_true(total == (uint64_t)huge_gib << 30);
    sent_max = sent > sent_max ? sent : sent_max;
    return ++ticks < ticks_before_stop ? 0 : error_set(err, -ECANCELED, "stopped");
}

/* The keys are read after the hash: that they are missing would be told if it went on. */
static void a_stop_ends_the_hash_of_a_signed_file(void **state)
{
    (void)state;
    const struct upload_options options = {.url = "http://127.0.0.1:1/x",
                                           .path = path,
                                           .content_type = "text/csv",
                                           .content_encoding = "",
                                           .sigv4 = "aws:amz:eu-west-1:s3",
                                           .access_key_file = "/nowhere/access",
                                           .secret_key_file = "/nowhere/secret",
                                           .session_token_file = "",
                                           .ca_file = "",
                                           .attempts = 3,
                                           .tick = stop_soon};
    struct error err = ERROR_INIT;
    int attempts = 0;
    alarm(60); /* a hash of everything on a slow machine is a failure as well */
    assert_int_equal(upload_file(&options, &attempts, &err), -ECANCELED);
    alarm(0);
    assert_non_null(strstr(err.text, "stopped"));
    assert_int_equal(ticks, ticks_before_stop);
    assert_int_equal(sent_max, 0);
    assert_int_equal(attempts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stop_ends_the_hash_of_a_signed_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
