#include "tests/unit/unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/mem.h"
#include "tests/unit/http_fixture.h"

static void test_get(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    struct response r;
    ask(fd, GET("/now"), &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strstr(r.text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strcasestr(r.text, "server: proxysql-agent\r\n"));
    assert_non_null(strcasestr(r.text, "content-type: text/plain\r\n"));
    assert_string_equal(r.body, "hello");
    assert_answer(fd, GET("/now?x=1&y"), 200, "hello");
    assert_answer(fd, GET("/path?secret=1"), 200, "/path");
    assert_answer(fd, GET("/nothing"), 204, "");
    assert_answer(fd, GET("/both"), 200, "hello");
    assert_answer(fd, "POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 200, "taken");
    assert_answer(fd, GET("/now") GET("/both"), 200, "hello"); /* pipelined */
    assert_body(fd, "hello");
}

static void test_head(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    struct response r;
    send_text(fd, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
    read_response(fd, false, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strcasestr(r.text, "content-length: 5\r\n"));
    assert_answer(fd, GET("/now"), 200, "hello"); /* no body was in between */
}

static void test_unknown_path(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    const char *body = "{\"message\":\"not found\",\"status\":\"error\"}";
    assert_answer(fd, GET("/"), 404, body);
    assert_answer(fd, GET("/now/"), 404, body);
    assert_answer(fd, GET("/no"), 404, body);
    assert_answer(fd, GET("/%6eow"), 404, body);
    assert_answer(fd, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404, body);
    struct response r;
    ask(fd, GET("/nowhere"), &r);
    assert_non_null(strcasestr(r.text, "content-type: application/json\r\n"));
}

static void assert_not_allowed(int fd, const char *request, const char *allow)
{
    struct response r;
    ask(fd, request, &r);
    assert_int_equal(r.status, 405);
    assert_non_null(strcasestr(r.text, allow));
    assert_string_equal(r.body, "{\"message\":\"method not allowed\",\"status\":\"error\"}");
}

static void test_method(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    assert_not_allowed(fd, "DELETE /now HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nallow: GET, HEAD\r\n");
    assert_not_allowed(fd, GET("/data"), "\r\nallow: POST\r\n");
    assert_not_allowed(fd, "PUT /act HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", "\r\nallow: GET, POST\r\n");
    assert_answer(fd, GET("/act"), 200, "hello");
    struct response head;
    send_text(fd, "HEAD /act HTTP/1.1\r\nHost: a\r\n\r\n");
    read_response(fd, false, &head);
    assert_int_equal(head.status, 405);
    assert_non_null(strcasestr(head.text, "\r\nallow: GET, POST\r\n"));
    assert_not_allowed(fd, "PUT /both HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
                       "\r\nallow: GET, HEAD, POST\r\n");
}

static void test_headers_and_peer(void **state)
{
    struct world *w = *state;
    int fd = client_from(w, 9);
    struct response r;
    ask(fd, "GET /seen HTTP/1.1\r\nHost: a\r\nX-Test:  a b \r\n\r\n", &r);
    assert_string_equal(r.body, "127.0.0.9 0 a b");
    assert_non_null(strcasestr(r.text, "\r\nx-answer: yes\r\n"));
    ask(fd, GET("/seen"), &r);
    cleanup_free char *none = xasprintf("127.0.0.9 %d ", -ENOENT);
    assert_string_equal(r.body, none);
    ask(fd, "GET /seen HTTP/1.1\r\nHost: a\r\nX-Test: a\r\nx-tesT: b\r\n\r\n", &r);
    cleanup_free char *several = xasprintf("127.0.0.9 %d ", -EEXIST);
    assert_string_equal(r.body, several);
    assert_answer(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 200, "abc");
    assert_answer(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200, "");
}

static void test_entity_limit(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    char *body = xcalloc(1, HTTP_ENTITY_BYTES_MAX);
    send_text(fd, "POST /data HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
    send_bytes(fd, body, HTTP_ENTITY_BYTES_MAX);
    free(body);
    struct response r;
    read_response(fd, true, &r);
    assert_int_equal(r.status, 200);
    send_text(fd, "POST /data HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n");
    read_response(fd, true, &r);
    assert_int_equal(r.status, 413);
    assert_closed(fd);
}

static void test_slow_request(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.request_timeout_ms = 100});
    int head = client_new(w);
    int body = client_new(w);
    int idle = client_new(w);
    send_text(head, "GET /now HTTP/1.1\r\nHost: ");
    send_text(body, "POST /data HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123");
    assert_closed(head);
    assert_closed(body);
    assert_closed(idle);
    assert_works(w);
    world_stop(w);
}

/* libh2o copies the name to its stack. */
static void test_long_header_name(void **state)
{
    struct world *w = *state;
    int fd = client_new(w);
    enum { name_len = 400 * 1000 };
    char *name = xcalloc(1, name_len);
    memset(name, 'a', name_len);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: a\r\n");
    send_bytes(fd, name, name_len);
    free(name);
    assert_answer(fd, ": 1\r\n\r\n", 200, "hello");
    assert_works(w);
}

static void test_port_taken(void **state)
{
    struct world *w = *state;
    struct http_server_options options = {
        .address = "127.0.0.1", .port = http_server_port(w->server), .routes = world_routes};
    struct http_server *server = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(http_server_listen(&server, &options, &err), -EADDRINUSE);
    assert_null(server);
    cleanup_free char *text =
        xasprintf("listen on 127.0.0.1:%u: Address already in use", (unsigned)http_server_port(w->server));
    assert_string_equal(err.text, text);
}

static void test_bad_address(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost", "1.2.3", "1.2.3.4 ", "[::1]", "::1%lo", "127.0.0.1:80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_server_options options = {.address = bad[i], .routes = world_routes};
        struct http_server *server = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(http_server_listen(&server, &options, &err), -EINVAL);
        assert_non_null(strstr(err.text, bad[i]));
    }
    struct http_server_options options = {.address = "192.0.2.1", .routes = world_routes};
    struct http_server *server = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(http_server_listen(&server, &options, &err), -EADDRNOTAVAIL);
}

static void test_cap_ends_longest_idle(void **state)
{
    (void)state;
    enum { max = 4 };
    struct world *w = world_start((struct http_server_options){.max_connections = max});
    int fds[max];
    for (int i = 0; i < max; i++) {
        fds[i] = client_from(w, (uint8_t)(10 + i));
        assert_answer(fds[i], GET("/now"), 200, "hello");
    }
    assert_answer(fds[0], GET("/now"), 200, "hello"); /* now 1 is idle longest */
    int extra = client_from(w, 20);
    assert_answer(extra, GET("/now"), 200, "hello");
    assert_closed(fds[1]);
    assert_answer(fds[0], GET("/now"), 200, "hello");
    assert_answer(fds[2], GET("/now"), 200, "hello");
    assert_answer(fds[3], GET("/now"), 200, "hello");
    world_stop(w);
}

/* None is idle: the newcomer waits, and the first one that pauses makes room, its answer given. */
static void test_cap_all_busy(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.max_connections = 1});
    int busy = client_deferred(w);
    int extra = client_from(w, 20);
    send_text(extra, GET("/now"));
    struct pollfd p = {.fd = extra, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 250), 0);
    wake_all(w);
    assert_body(busy, "later");
    assert_closed(busy);
    assert_body(extra, "hello");
    world_stop(w);
}

static bool ipv6_off;
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);

int __wrap_socket(int domain, int type, int protocol)
{
    if (ipv6_off && domain == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return __real_socket(domain, type, protocol);
}

static bool have_ipv6(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    bool have = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    fd_close(fd);
    return have;
}

static void assert_get_at(struct world *w, const char *address)
{
    int fd = connect_to(w, address);
    assert_answer(fd, GET("/now"), 200, "hello");
    (void)close(fd);
}

static void test_ipv6(void **state)
{
    (void)state;
    if (!have_ipv6())
        skip();
    struct world *w = world_start((struct http_server_options){.address = "::1"});
    assert_get_at(w, "::1");
    world_stop(w);
    w = world_start((struct http_server_options){.address = ""});
    assert_get_at(w, "::1");
    assert_get_at(w, "127.0.0.1");
    world_stop(w);
}

static void test_ipv6_off(void **state)
{
    (void)state;
    ipv6_off = true;
    struct world *w = world_start((struct http_server_options){.address = ""});
    ipv6_off = false;
    assert_get_at(w, "127.0.0.1");
    world_stop(w);
}

static void test_never_started(void **state)
{
    (void)state;
    const struct http_server_options options = {.address = "127.0.0.1", .routes = world_routes};
    struct http_server *server = NULL;
    assert_int_equal(http_server_listen(&server, &options, NULL), 0);
    assert_int_not_equal(http_server_port(server), 0);
    http_server_stop(server, 1000);
    http_server_free(server);
}

static void test_free_nothing(void **state)
{
    (void)state;
    http_server_free(NULL);
}

/* The one that pauses is ended; the older one, at work on its request, has its answer first. */
static void test_old_connections_end(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.connection_age_ms = 1000});
    int busy = client_deferred(w);
    int idle = client_new(w);
    assert_closed(idle);
    wake_all(w);
    assert_last_body(busy, "later");
    struct http_server_stats stats;
    http_server_get_stats(w->server, &stats);
    assert_true(stats.limit_hits[HTTP_LIMIT_CONNECTION_AGE] >= 1);
    assert_works(w);
    world_stop(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(test_get),
        WORLD(test_head),
        WORLD(test_unknown_path),
        WORLD(test_method),
        WORLD(test_headers_and_peer),
        WORLD(test_entity_limit),
        cmocka_unit_test(test_slow_request),
        cmocka_unit_test(test_old_connections_end),
        WORLD(test_long_header_name),
        WORLD(test_port_taken),
        cmocka_unit_test(test_bad_address),
        cmocka_unit_test(test_cap_ends_longest_idle),
        cmocka_unit_test(test_cap_all_busy),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_ipv6_off),
        cmocka_unit_test(test_never_started),
        cmocka_unit_test(test_free_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
