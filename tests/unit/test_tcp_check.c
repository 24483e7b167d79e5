#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/resource.h>

#include "daemon/proxysql/tcp_check.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/net.h"
#include "shared/resolve.h"

enum { deadline_ms = 300, slack_ms = BUILT_WITH_SANITIZER ? 3000 : 600, enough_ms = 20000, fillers_max = 16 };

/* Linked in the place of the real ones: names that the test knows are answered here, and it is known when a connect
 * began. */
int __real_resolve_host(const char *host, int64_t until_ms, struct resolved *ret_resolved, struct error *err);
int __wrap_resolve_host(const char *host, int64_t until_ms, struct resolved *ret_resolved, struct error *err);
int __real_net_connect_start(const char *address, uint16_t port);
int __wrap_net_connect_start(const char *address, uint16_t port);

static int slow_names_asked; /* those that DNS does not answer in time */
static int connects_before_slow_names;
static int connects;

int __wrap_net_connect_start(const char *address, uint16_t port)
{
    connects++;
    if (slow_names_asked == 0)
        connects_before_slow_names++;
    return __real_net_connect_start(address, port);
}

int __wrap_resolve_host(const char *host, int64_t until_ms, struct resolved *ret_resolved, struct error *err)
{
    if (strcmp(host, "slow.example") == 0) {
        slow_names_asked++;
        while (clock_left_ms(until_ms) > 0)
            (void)poll(NULL, 0, clock_left_ms(until_ms));
        return error_set(err, -ETIMEDOUT, "no answer");
    }
    if (strcmp(host, "unknown.example") == 0)
        return error_set(err, -ENOENT, "no such name");
    if (strcmp(host, "two.example") == 0) {
        *ret_resolved = (struct resolved){.count = 2, .address = {"127.0.0.2", "127.0.0.1"}};
        return 0;
    }
    if (strcmp(host, "eight.example") == 0) {
        *ret_resolved = (struct resolved){.count = RESOLVE_ADDRESSES_MAX};
        for (size_t i = 0; i < ret_resolved->count; i++)
            (void)strcpy(ret_resolved->address[i], "127.0.0.1");
        return 0;
    }
    return __real_resolve_host(host, until_ms, ret_resolved, err);
}

static int open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    int count = 0;
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

static int bound_socket(const char *address, uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_storage s;
    socklen_t len = net_sockaddr(address, 0, &s);
    assert_int_equal(bind(fd, (const struct sockaddr *)&s, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&s, &len), 0);
    *ret_port = ntohs(((const struct sockaddr_in *)(const void *)&s)->sin_port);
    return fd;
}

/* Ports of 127.0.0.1: one that accepts, one that refuses, one whose full backlog makes connects wait for ever. */
static uint16_t accepting_port, refusing_port, silent_port;
static int accepting_fd, refusing_fd, silent_fd;
static int fillers[fillers_max];
static size_t fillers_count;

static bool connects_at_once(uint16_t port, int *ret_fd)
{
    *ret_fd = net_connect_start("127.0.0.1", port);
    assert_true(*ret_fd >= 0);
    struct pollfd p = {.fd = *ret_fd, .events = POLLOUT};
    return poll(&p, 1, 200) == 1;
}

static int start(void **state)
{
    (void)state;
    accepting_fd = bound_socket("127.0.0.1", &accepting_port);
    assert_int_equal(listen(accepting_fd, 1024), 0);
    refusing_fd = bound_socket("127.0.0.1", &refusing_port);
    silent_fd = bound_socket("127.0.0.1", &silent_port);
    assert_int_equal(listen(silent_fd, 0), 0);
    bool room = true;
    while (room) {
        assert_true(fillers_count < fillers_max);
        room = connects_at_once(silent_port, &fillers[fillers_count++]);
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < fillers_count; i++)
        fd_close(fillers[i]);
    fd_close(accepting_fd);
    fd_close(refusing_fd);
    fd_close(silent_fd);
    return 0;
}

/* Returns how long it took. No descriptor stays open. */
static int64_t check(struct tcp_target *targets, size_t count, int64_t ms)
{
    int before = open_fds();
    int64_t begin_ms = clock_mono_ms();
    tcp_check(targets, count, begin_ms + ms);
    int64_t took_ms = clock_mono_ms() - begin_ms;
    assert_int_equal(open_fds(), before);
    return took_ms;
}

static void no_target_is_no_work(void **state)
{
    (void)state;
    assert_true(check(NULL, 0, enough_ms) < enough_ms);
}

static void a_listener_accepts(void **state)
{
    (void)state;
    struct tcp_target t = {.host = "127.0.0.1", .port = accepting_port};
    assert_true(check(&t, 1, enough_ms) < enough_ms);
    assert_true(t.accepts);
}

/* Known at once: nobody waits for the deadline. */
static void a_refusal_does_not_accept(void **state)
{
    (void)state;
    struct tcp_target t = {.host = "127.0.0.1", .port = refusing_port, .accepts = true};
    assert_true(check(&t, 1, enough_ms) < enough_ms);
    assert_false(t.accepts);
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    struct tcp_target t = {.host = "127.0.0.1", .port = silent_port, .accepts = true};
    int64_t took_ms = check(&t, 1, deadline_ms);
    assert_false(t.accepts);
    assert_in_range(took_ms, deadline_ms, deadline_ms + slack_ms);
}

static void silent_ones_do_not_hold_up_the_others(void **state)
{
    (void)state;
    struct tcp_target t[] = {
        {.host = "127.0.0.1", .port = silent_port},    {.host = "127.0.0.1", .port = silent_port},
        {.host = "127.0.0.1", .port = accepting_port}, {.host = "127.0.0.1", .port = refusing_port, .accepts = true},
        {.host = "127.0.0.1", .port = silent_port},    {.host = "127.0.0.1", .port = accepting_port},
    };
    int64_t took_ms = check(t, ARRAY_LEN(t), deadline_ms);
    assert_in_range(took_ms, deadline_ms, deadline_ms + slack_ms);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(t[i].accepts, i == 2 || i == 5);
}

static void a_past_deadline_does_not_wait(void **state)
{
    (void)state;
    struct tcp_target t = {.host = "127.0.0.1", .port = silent_port, .accepts = true};
    assert_true(check(&t, 1, -1000) < slack_ms);
    assert_false(t.accepts);
}

/* The C library takes a short form of 127.0.0.1 for a name, which needs no /etc/hosts. */
static void names_are_looked_up(void **state)
{
    (void)state;
    struct tcp_target t[] = {
        {.host = "127.1", .port = accepting_port},
        {.host = "127.1", .port = refusing_port, .accepts = true},
        {.host = "unknown.example", .port = accepting_port, .accepts = true},
        {.host = "not a name", .port = accepting_port, .accepts = true},
        {.host = "", .port = accepting_port, .accepts = true},
    };
    tcp_check(t, ARRAY_LEN(t), clock_mono_ms() + enough_ms); /* a first look-up may keep descriptors */
    assert_true(t[0].accepts);
    for (size_t i = 1; i < ARRAY_LEN(t); i++)
        assert_false(t[i].accepts);
}

/* Nobody listens on 127.0.0.2. */
static void one_accepting_address_of_a_name_is_enough(void **state)
{
    (void)state;
    struct tcp_target t[] = {
        {.host = "two.example", .port = accepting_port},
        {.host = "two.example", .port = refusing_port, .accepts = true},
    };
    (void)check(t, ARRAY_LEN(t), enough_ms);
    assert_true(t[0].accepts);
    assert_false(t[1].accepts);
}

/* A bootstrap name that DNS does not answer must not make cores look dead. */
static void a_slow_name_takes_no_time_from_addresses(void **state)
{
    (void)state;
    struct tcp_target t[] = {
        {.host = "slow.example", .port = accepting_port, .accepts = true},
        {.host = "127.0.0.1", .port = accepting_port},
        {.host = "127.0.0.1", .port = silent_port, .accepts = true},
    };
    slow_names_asked = 0;
    connects_before_slow_names = 0;
    int64_t took_ms = check(t, ARRAY_LEN(t), deadline_ms);
    assert_int_equal(slow_names_asked, 1);
    assert_int_equal(connects_before_slow_names, 2);
    assert_in_range(took_ms, deadline_ms, deadline_ms + slack_ms);
    assert_false(t[0].accepts);
    assert_true(t[1].accepts);
    assert_false(t[2].accepts);
}

static void as_many_targets_as_a_cluster_has(void **state)
{
    (void)state;
    static struct tcp_target t[TCP_CHECK_TARGETS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        t[i] = (struct tcp_target){.host = "127.0.0.1", .port = i % 2 == 0 ? accepting_port : refusing_port};
    connects = 0;
    assert_true(check(t, ARRAY_LEN(t), enough_ms) < enough_ms);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(t[i].accepts, i % 2 == 0);
    assert_int_equal(connects, TCP_CHECK_TARGETS_MAX);
}

/* Two addresses each: as many connects as there is room for. */
static void as_many_names_as_a_cluster_has(void **state)
{
    (void)state;
    static struct tcp_target t[TCP_CHECK_TARGETS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        t[i] = (struct tcp_target){.host = "two.example", .port = accepting_port};
    assert_true(check(t, ARRAY_LEN(t), enough_ms) < enough_ms);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_true(t[i].accepts);
}

/* More addresses than connects: the first names have theirs, the others are not tried. */
static void connects_have_a_limit(void **state)
{
    (void)state;
    enum { limit = TCP_CHECK_TARGETS_MAX * 2, tried = limit / RESOLVE_ADDRESSES_MAX };
    static struct tcp_target t[TCP_CHECK_TARGETS_MAX];
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        t[i] = (struct tcp_target){.host = "eight.example", .port = accepting_port};
    connects = 0;
    assert_true(check(t, ARRAY_LEN(t), enough_ms) < enough_ms);
    assert_int_equal(connects, limit);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        assert_int_equal(t[i].accepts, i < tried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_target_is_no_work),
        cmocka_unit_test(a_listener_accepts),
        cmocka_unit_test(a_refusal_does_not_accept),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(silent_ones_do_not_hold_up_the_others),
        cmocka_unit_test(a_past_deadline_does_not_wait),
        cmocka_unit_test(names_are_looked_up),
        cmocka_unit_test(one_accepting_address_of_a_name_is_enough),
        cmocka_unit_test(a_slow_name_takes_no_time_from_addresses),
        cmocka_unit_test(as_many_targets_as_a_cluster_has),
        cmocka_unit_test(as_many_names_as_a_cluster_has),
        cmocka_unit_test(connects_have_a_limit),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
