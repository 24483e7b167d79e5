#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/discovery/kube_client.h"
#include "daemon/discovery/kube_url.h"
#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum { WAIT_MS = 10000 };

/* One connection that says what it is told, in the test's own thread. */
struct server {
    int listener;
    char url[64];
};

static void server_open(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listener, 4), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
}

/* What a request has brought. */
struct outcome {
    struct buf body;
    bool opened;
    bool done;
    int refuse; /* what on_data returns */
    struct kube_answer answer;
};

static void on_open(void *arg)
{
    ((struct outcome *)arg)->opened = true;
}

static int on_data(void *arg, const char *data, size_t len, struct error *err)
{
    struct outcome *outcome = arg;
    if (outcome->refuse < 0)
        return error_set(err, outcome->refuse, "refused");
    return buf_append(&outcome->body, data, len);
}

static void on_done(void *arg, const struct kube_answer *answer)
{
    struct outcome *outcome = arg;
    outcome->done = true;
    outcome->answer = *answer;
}

static const struct kube_handler handler = {.on_open = on_open, .on_data = on_data, .on_done = on_done};
static const struct kube_target target = {"list", "", "pods", "proxysql", "\"list\""};
static const struct kube_call call = {.path = "/x", .target = &target, .timeout_ms = WAIT_MS};

/* Poll the client until the server can accept, resp. has something to read. */
static void poll_until_readable(struct kube_client *client, int fd)
{
    int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    while (poll(&ready, 1, 0) == 0) {
        assert_true(clock_mono_ms() < deadline_ms);
        kube_client_poll(client, 5);
    }
}

static struct kube_client *client_new(const char *url, const char *token_file)
{
    struct kube_client *client;
    struct error err = ERROR_INIT;
    const struct kube_client_options options = {.api_server = url, .token_file = token_file, .ca_file = ""};
    assert_int_equal(kube_client_new(&client, &options, &err), 0);
    return client;
}

/* GET /x: the server answers with this text and closes. What was asked goes to ret_head. */
static void exchange(const char *token_file, const char *answer, struct outcome *outcome, char ret_head[1024])
{
    struct server server;
    server_open(&server);
    struct kube_client *client = client_new(server.url, token_file);
    struct kube_request *request = kube_request_new(client, &handler, outcome);
    struct error err = ERROR_INIT;
    buf_init(&outcome->body, 65536);
    assert_int_equal(kube_request_start(request, &call, &err), 0);
    poll_until_readable(client, server.listener);
    cleanup_fd int fd = accept(server.listener, NULL, NULL);
    poll_until_readable(client, fd);
    ssize_t got = read(fd, ret_head, 1023);
    assert_true(got > 0);
    ret_head[got] = '\0';
    assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    while (!outcome->done && clock_mono_ms() < deadline_ms)
        kube_client_poll(client, 5);
    assert_true(outcome->done);
    kube_request_free(request);
    kube_client_free(client);
    (void)close(server.listener);
}

static void write_file(char path[32], const char *text)
{
    strcpy(path, "/tmp/kube-token-XXXXXX");
    cleanup_fd int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void request_is_as_it_must_be(void **state)
{
    (void)state;
    char token[32];
    char head[1024];
    struct outcome outcome = {.done = false};
    write_file(token, "abc.DEF_123-x\n");
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    exchange(token, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", &outcome, head);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_memory_equal(head, "GET /x HTTP/1.1\r\n", 17);
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer abc.DEF_123-x\r\n"));
    assert_non_null(strstr(head, "\r\nUser-Agent: proxysql-agent/"));
    assert_true(outcome.opened);
    assert_string_equal(outcome.body.data, "hello");
    assert_int_equal(outcome.answer.err.code, 0);
    buf_fini(&outcome.body);
    (void)unlink(token);
}

static void answers_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        int code;
        int status;
        int64_t retry_after_ms;
        const char *text;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", -ECONNRESET, 200, 0, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", -ECONNRESET, 200, 0, ""},
        {"", -ECONNRESET, 0, 0, ""},
        {"HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", -EACCES, 401, 0, "no token was sent"},
        {"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", -EACCES, 403, 0, "may not list pods in namespace proxysql"},
        {"HTTP/1.1 410 x\r\nContent-Length: 0\r\n\r\n", -ESTALE, 410, 0, "410"},
        {"HTTP/1.1 429 x\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", -EBUSY, 429, 3000, "429"},
        {"HTTP/1.1 503 x\r\nRetry-After: 9999\r\nContent-Length: 17\r\n\r\n{\"message\":\"etc\"}", -EIO, 503,
         KUBE_RETRY_AFTER_MAX_MS, "503: etc"},
        {"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", -EIO, 302, 0, "redirects"},
        {"HTTP/1.1 204 x\r\n\r\n", -EIO, 204, 0, "204"},
        {"SSH-2.0-x\r\n\r\n", -EIO, 0, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char head[1024];
        struct outcome outcome = {.done = false};
        exchange("", cases[i].answer, &outcome, head);
        assert_null(strstr(head, "Authorization"));
        assert_int_equal(outcome.answer.err.code, cases[i].code);
        assert_int_equal(outcome.answer.status, cases[i].status);
        assert_int_equal(outcome.answer.retry_after_ms, cases[i].retry_after_ms);
        assert_true(outcome.answer.err.text[0] != '\0');
        assert_non_null(strstr(outcome.answer.err.text, cases[i].text));
        buf_fini(&outcome.body);
    }
}

static void refused_data_ends_the_request(void **state)
{
    (void)state;
    char head[1024];
    struct outcome outcome = {.refuse = -EBADMSG};
    exchange("", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", &outcome, head);
    assert_int_equal(outcome.answer.err.code, -EBADMSG);
    assert_string_equal(outcome.answer.err.text, "refused");
    buf_fini(&outcome.body);
}

static void headers_have_a_limit(void **state)
{
    (void)state;
    char head[1024];
    struct buf answer;
    buf_init(&answer, 1024 * 1024);
    assert_int_equal(buf_puts(&answer, "HTTP/1.1 200 OK\r\n"), 0);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_printf(&answer, "X-%d: 0123456789012345678901234567890\r\n", i), 0);
    assert_int_equal(buf_puts(&answer, "\r\n"), 0);
    struct outcome outcome = {.done = false};
    exchange("", answer.data, &outcome, head);
    assert_int_equal(outcome.answer.err.code, -EMSGSIZE);
    buf_fini(&outcome.body);
    buf_fini(&answer);
}

static void token_must_be_one(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "\n", "a b", "a\nAuthorization: x", "a\x7f", "\xc3\xa9"};
    struct kube_client *client;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char path[32];
        struct error err = ERROR_INIT;
        struct outcome outcome = {.done = false};
        write_file(path, bad[i]);
        client = client_new("http://127.0.0.1:1", path);
        struct kube_request *request = kube_request_new(client, &handler, &outcome);
        assert_int_equal(kube_request_start(request, &call, &err), -EINVAL);
        assert_memory_equal(err.text, "token: ", 7);
        kube_request_free(request);
        kube_client_free(client);
        (void)unlink(path);
    }
}

static void wakeup_ends_the_wait(void **state)
{
    (void)state;
    struct kube_client *client = client_new("http://127.0.0.1:1", "");
    int64_t began_ms = clock_mono_ms();
    kube_client_wakeup(client);
    kube_client_poll(client, WAIT_MS);
    assert_true(clock_mono_ms() - began_ms < WAIT_MS / 2);
    kube_client_free(client);
}

static void urls_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *url; /* NULL: refused */
    } cases[] = {
        {"https://10.0.0.1:443", "https://10.0.0.1:443"},
        {"https://kubernetes.default.svc/", "https://kubernetes.default.svc"},
        {"https://[fd00::1]:6443", "https://[fd00::1]:6443"},
        {"https://[fd00::1]", "https://[fd00::1]"},
        {"http://127.0.0.1:8001", "http://127.0.0.1:8001"},
        {"http://[::1]:8001", "http://[::1]:8001"},
        {"http://localhost:8001", "http://localhost:8001"},
        {"http://10.0.0.1:8001", NULL},
        {"http://localhost.evil:8001", NULL},
        {"https://user:secret@host", NULL},
        {"https://host/path", NULL},
        {"https://host?x=1", NULL},
        {"https://host:0", NULL},
        {"https://host:99999", NULL},
        {"https://fd00::1", NULL},
        {"https://", NULL},
        {"ftp://host", NULL},
        {"file:///etc/passwd", NULL},
        {"host:443", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *url = NULL;
        struct error err = ERROR_INIT;
        int rc = kube_url(cases[i].text, &url, &err);
        assert_int_equal(rc, cases[i].url != NULL ? 0 : -EINVAL);
        assert_null(strstr(err.text, "secret"));
        if (url != NULL)
            assert_string_equal(url, cases[i].url);
        free(url);
    }
}

static void cluster_says_where_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *port;
        const char *url;
    } cases[] = {
        {"10.96.0.1", "443", "https://10.96.0.1:443"},
        {"fd00::1", "6443", "https://[fd00::1]:6443"},
        {"", "443", NULL},
        {"10.96.0.1", "", NULL},
        {"10.96.0.1", "x", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *url = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(setenv("KUBERNETES_SERVICE_HOST", cases[i].host, 1), 0);
        assert_int_equal(setenv("KUBERNETES_SERVICE_PORT", cases[i].port, 1), 0);
        assert_int_equal(kube_url("", &url, &err), cases[i].url != NULL ? 0 : -EINVAL);
        if (url != NULL)
            assert_string_equal(url, cases[i].url);
        free(url);
    }
    assert_int_equal(unsetenv("KUBERNETES_SERVICE_HOST"), 0);
    assert_int_equal(unsetenv("KUBERNETES_SERVICE_PORT"), 0);
}

static void https_needs_a_ca(void **state)
{
    (void)state;
    struct kube_client *client = NULL;
    struct error err = ERROR_INIT;
    const struct kube_client_options options = {.api_server = "https://host", .token_file = "", .ca_file = ""};
    assert_int_equal(kube_client_new(&client, &options, &err), -EINVAL);
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_is_as_it_must_be),
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(refused_data_ends_the_request),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(token_must_be_one),
        cmocka_unit_test(wakeup_ends_the_wait),
        cmocka_unit_test(urls_are_checked),
        cmocka_unit_test(cluster_says_where_it_is),
        cmocka_unit_test(https_needs_a_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
