#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>

#include "shared/mem.h"
#include "shared/net.h"

enum { enough_ms = 20000 };

static void addresses_become_socket_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        int family; /* 0 = refused */
    } rows[] = {
        {"127.0.0.1", AF_INET},
        {"0.0.0.0", AF_INET},
        {"::1", AF_INET6},
        {"fd00::a00:1", AF_INET6},
        {"::ffff:10.0.0.1", AF_INET6},
        {"", 0},
        {"localhost", 0},
        {"127.1", 0},
        {"127.0.0.1 ", 0},
        {"[::1]", 0},
        {"fe80::1%lo", 0},
        {"256.0.0.1", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_storage s;
        socklen_t len = net_sockaddr(rows[i].address, 6032, &s);
        if (rows[i].family == 0) {
            assert_int_equal(len, 0);
            continue;
        }
        assert_int_equal(s.ss_family, rows[i].family);
        bool v4 = rows[i].family == AF_INET;
        assert_int_equal(len, v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        const struct sockaddr_in *in = (const void *)&s;
        const struct sockaddr_in6 *in6 = (const void *)&s;
        assert_int_equal(ntohs(v4 ? in->sin_port : in6->sin6_port), 6032);
        char text[INET6_ADDRSTRLEN];
        const void *raw = v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr;
        assert_non_null(inet_ntop(s.ss_family, raw, text, sizeof(text)));
        assert_string_equal(text, rows[i].address);
    }
}

/* A socket on a free port of 127.0.0.1; with listen() or without. */
static int bound_socket(bool listening, uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    if (listening)
        assert_int_equal(listen(fd, 1), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int connect_and_wait(const char *address, uint16_t port)
{
    cleanup_fd int fd = net_connect_start(address, port);
    if (fd < 0)
        return fd;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    assert_int_equal(poll(&p, 1, enough_ms), 1);
    return net_connect_result(fd);
}

static void connects_where_somebody_listens(void **state)
{
    (void)state;
    uint16_t port;
    cleanup_fd int listener = bound_socket(true, &port);
    assert_true(listener >= 0);
    assert_int_equal(connect_and_wait("127.0.0.1", port), 0);
}

static void tells_a_refusal(void **state)
{
    (void)state;
    uint16_t port;
    cleanup_fd int bound = bound_socket(false, &port);
    assert_true(bound >= 0);
    assert_int_equal(connect_and_wait("127.0.0.1", port), -ECONNREFUSED);
}

static void connects_to_numeric_addresses_only(void **state)
{
    (void)state;
    assert_int_equal(net_connect_start("localhost", 1), -EINVAL);
    assert_int_equal(net_connect_start("", 1), -EINVAL);
}

static void addresses_with_and_without_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *ip; /* NULL: refused */
        uint16_t port;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", 0},
        {"10.0.0.1:6032", "10.0.0.1", 6032},
        {"[::ffff:1]:1", "::255.255.0.1", 1},
        {"[FD00::1]", "fd00::1", 0},
        {"fd00::1", "fd00::1", 0},
        {"fd00::1:6032", "fd00::1:6032", 0}, /* without brackets all of it is the address */
        {"[fd00::1]:65535", "fd00::1", 65535},
        {"", NULL, 0},
        {"[]", NULL, 0},
        {"[", NULL, 0},
        {":6032", NULL, 0},
        {"10.0.0.1:", NULL, 0},
        {"10.0.0.1:0", NULL, 0},
        {"10.0.0.1:65536", NULL, 0},
        {"10.0.0.1:6032:1", NULL, 0},
        {" 10.0.0.1", NULL, 0},
        {"10.0.0.1 ", NULL, 0},
        {"010.0.0.1", NULL, 0},
        {"10.0.0", NULL, 0},
        {"[10.0.0.1]:6032", NULL, 0},
        {"[10.0.0.1]", NULL, 0},
        {"[fd00::1]6032", NULL, 0},
        {"[fd00::1", NULL, 0},
        {"fe80::1%eth0", NULL, 0},
        {"core-1", NULL, 0},
        {"core-1:6032", NULL, 0},
        {"0.0.0.0:6032", NULL, 0},
        {"[::]", NULL, 0},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char ip[INET6_ADDRSTRLEN] = "";
        uint16_t port = 9;
        int rc = net_parse_address(cases[i].text, ip, &port);
        if (rc != (cases[i].ip != NULL ? 0 : -EINVAL))
            fail_msg("\"%s\": %d", cases[i].text, rc);
        assert_string_equal(ip, cases[i].ip != NULL ? cases[i].ip : "");
        assert_int_equal(port, cases[i].ip != NULL ? cases[i].port : 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_become_socket_addresses),
        cmocka_unit_test(connects_where_somebody_listens),
        cmocka_unit_test(tells_a_refusal),
        cmocka_unit_test(connects_to_numeric_addresses_only),
        cmocka_unit_test(addresses_with_and_without_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
