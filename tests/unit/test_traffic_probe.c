#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon/proxysql/traffic_probe.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/unit/stand_in.h"

static struct stand_in px;
static struct error err;

/* DNS (the linker's --wrap): several.test has three addresses, of which the last one listens. */
int __real_resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *dns_err);
int __wrap_resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *dns_err);

int __wrap_resolve_host(const char *host, int64_t deadline_ms, struct resolved *ret_resolved, struct error *dns_err)
{
    if (strcmp(host, "gone.test") == 0)
        return error_set(dns_err, -ENOENT, "look up %s: no such name", host);
    if (strcmp(host, "several.test") != 0)
        return __real_resolve_host(host, deadline_ms, ret_resolved, dns_err);
    *ret_resolved = (struct resolved){.count = 3, .address = {"127.0.0.3", "127.0.0.2", "127.0.0.1"}};
    return 0;
}

static void chooses_the_first_tcp_address(void **state)
{
    (void)state;
    static const struct {
        const char *interfaces;
        const char *host; /* NULL = none */
        uint16_t port;
    } rows[] = {
        {"0.0.0.0:6033", "10.1.2.3", 6033},
        {"0.0.0.0:6033;/tmp/proxysql.sock", "10.1.2.3", 6033},
        {"/tmp/proxysql.sock;0.0.0.0:6034", "10.1.2.3", 6034},
        {"127.0.0.1:6035;0.0.0.0:6033", "127.0.0.1", 6035},
        {"[::]:6033", "10.1.2.3", 6033},
        {"[::1]:6036", "::1", 6036},
        {";;0.0.0.0:6033;", "10.1.2.3", 6033},
        {"0.0.0.0:0;0.0.0.0:70000;0.0.0.0:6037", "10.1.2.3", 6037},
        {"/tmp/a:6033;db.internal:6038", "db.internal", 6038},
        {"", NULL, 0},
        {";", NULL, 0},
        {"/tmp/proxysql.sock", NULL, 0},
        {"0.0.0.0", NULL, 0},
        {"0.0.0.0:6033x", NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char host[TRAFFIC_HOST_SIZE] = "?";
        uint16_t port = 0;
        int rc = traffic_address_choose(rows[i].interfaces, "10.1.2.3", host, &port);
        assert_int_equal(rc, rows[i].host == NULL ? -ENOENT : 0);
        assert_string_equal(host, rows[i].host == NULL ? "?" : rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
}

static void long_entries_are_skipped(void **state)
{
    (void)state;
    char interfaces[1024];
    char host[TRAFFIC_HOST_SIZE];
    uint16_t port;
    memset(interfaces, 'x', 600);
    memcpy(interfaces + 600, ":6033;127.0.0.1:6039", sizeof(":6033;127.0.0.1:6039"));
    assert_int_equal(traffic_address_choose(interfaces, "10.1.2.3", host, &port), 0);
    assert_string_equal(host, "127.0.0.1");
    assert_int_equal(port, 6039);
}

static enum traffic_verdict probe(const char *host, uint16_t port, int64_t ms)
{
    struct traffic_probe p;
    int64_t deadline_ms = clock_mono_ms() + ms;
    error_clear(&err);
    traffic_probe_start(&p, host, port, deadline_ms);
    (void)traffic_probe_wait(&p, deadline_ms);
    enum traffic_verdict verdict = traffic_probe_finish(&p, &err);
    assert_int_equal(p.fd, -1);
    assert_int_equal(err.code == 0, verdict == TRAFFIC_GREETS);
    return verdict;
}

static void each_verdict(void **state)
{
    (void)state;
    stand_in_start(&px, NULL);
    assert_int_equal(probe("127.0.0.1", px.traffic_port, 20000), TRAFFIC_GREETS);
    stand_in_tell(&px, "traffic err");
    assert_int_equal(probe("127.0.0.1", px.traffic_port, 20000), TRAFFIC_GREETS);
    stand_in_tell(&px, "traffic silent");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(probe("127.0.0.1", px.traffic_port, 100), TRAFFIC_SILENT);
    assert_in_range(clock_mono_ms() - begin_ms, 100, 10000);
    assert_int_equal(err.code, -ETIMEDOUT);
    stand_in_tell(&px, "traffic refuse");
    assert_int_equal(probe("127.0.0.1", px.traffic_port, 20000), TRAFFIC_REFUSED);
    assert_int_equal(err.code, -ECONNREFUSED);
    assert_int_equal(probe("several.test", px.traffic_port, 20000), TRAFFIC_REFUSED);
    stand_in_tell(&px, "wedge on");
    stand_in_tell(&px, "traffic greet");
    assert_int_equal(probe("several.test", px.traffic_port, 20000), TRAFFIC_GREETS);
    assert_int_equal(probe("gone.test", px.traffic_port, 20000), TRAFFIC_REFUSED);
    assert_int_equal(err.code, -ENOENT);
    stand_in_stop(&px);
}

/* A server that sends these bytes and then hangs up or stays silent. */
static enum traffic_verdict probe_bytes(const char *bytes, size_t len, bool hang_up)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t address_len = sizeof(address);
    cleanup_fd int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, address_len), 0);
    assert_int_equal(listen(listen_fd, 1), 0);
    assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &address_len), 0);
    struct traffic_probe p;
    int64_t deadline_ms = clock_mono_ms() + 100;
    error_clear(&err);
    traffic_probe_start(&p, "127.0.0.1", ntohs(address.sin_port), deadline_ms);
    cleanup_fd int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    if (hang_up)
        fd_close(take_fd(&fd));
    bool known = traffic_probe_wait(&p, deadline_ms);
    assert_int_equal(known, p.fd < 0);
    return traffic_probe_finish(&p, &err);
}

static void only_mysql_greets(void **state)
{
    (void)state;
    assert_int_equal(probe_bytes("\x4a\0\0\0\x0a"
                                 "8.0",
                                 8, false),
                     TRAFFIC_GREETS);
    assert_int_equal(probe_bytes("\x17\0\0\0\xff\x10\x04", 7, true), TRAFFIC_GREETS);
    assert_int_equal(probe_bytes("HTTP/1.1 400", 12, false), TRAFFIC_SILENT);
    assert_int_equal(err.code, -EPROTO);
    assert_int_equal(probe_bytes("\0\0\0\0\x0a", 5, false), TRAFFIC_SILENT);
    assert_int_equal(err.code, -EPROTO);
    assert_int_equal(probe_bytes("\x4a\0\0\0", 4, false), TRAFFIC_SILENT);
    assert_int_equal(err.code, -ETIMEDOUT);
    assert_int_equal(probe_bytes("\x4a\0\0\0", 4, true), TRAFFIC_SILENT);
    assert_int_equal(err.code, -ECONNRESET);
}

static void has_names(void **state)
{
    (void)state;
    assert_string_equal(traffic_verdict_name(TRAFFIC_UNKNOWN), "unknown");
    assert_string_equal(traffic_verdict_name(TRAFFIC_GREETS), "greets");
    assert_string_equal(traffic_verdict_name(TRAFFIC_SILENT), "silent");
    assert_string_equal(traffic_verdict_name(TRAFFIC_REFUSED), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_first_tcp_address),
        cmocka_unit_test(long_entries_are_skipped),
        cmocka_unit_test(each_verdict),
        cmocka_unit_test(only_mysql_greets),
        cmocka_unit_test(has_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
