#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_conns.h"
#include "daemon/http/http_server.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"

enum { wait_ms = 20 * 1000, deferred_max = 256 };

/* What the handlers below share with the tests. */
struct world {
    struct http_server *server;
    struct mutex lock;
    struct cond changed;
    struct http_deferred *deferred[deferred_max];
    unsigned deferred_count;
    unsigned woken;
    unsigned resumed;
    int64_t defer_ms;
};

static void reply_text(struct http_request *request, const char *text)
{
    http_reply(request, 200, "text/plain", text, strlen(text));
}

static void get_now(void *context, struct http_request *request)
{
    (void)context;
    reply_text(request, "hello");
}

static void post_data(void *context, struct http_request *request)
{
    (void)context;
    reply_text(request, "taken");
}

static void get_path(void *context, struct http_request *request)
{
    (void)context;
    char path[256];
    http_request_path(request, path);
    reply_text(request, path);
}

static void get_nothing(void *context, struct http_request *request)
{
    (void)context;
    http_reply(request, 204, "text/plain", NULL, 0);
}

static void resume_later(void *context, struct http_request *request)
{
    struct world *w = context;
    mutex_lock(&w->lock);
    w->resumed++;
    cond_broadcast(&w->changed);
    mutex_unlock(&w->lock);
    reply_text(request, "later");
}

static void get_later(void *context, struct http_request *request)
{
    struct world *w = context;
    mutex_lock(&w->lock);
    struct http_deferred *d = http_defer(request, w->defer_ms, resume_later);
    assert_true(w->deferred_count < deferred_max);
    w->deferred[w->deferred_count++] = d;
    cond_broadcast(&w->changed);
    mutex_unlock(&w->lock);
}

static const struct http_route routes[] = {
    {.path = "/now", .methods = HTTP_GET, .handler = get_now},
    {.path = "/data", .methods = HTTP_POST, .handler = post_data},
    {.path = "/both", .methods = HTTP_GET, .handler = get_now},
    {.path = "/both", .methods = HTTP_POST, .handler = post_data},
    {.path = "/path", .methods = HTTP_GET | HTTP_POST, .handler = get_path},
    {.path = "/nothing", .methods = HTTP_GET, .handler = get_nothing},
    {.path = "/later", .methods = HTTP_GET, .handler = get_later},
    {.path = NULL},
};

/* Wait until `count` requests were deferred. */
static void wait_deferred(struct world *w, unsigned count)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    mutex_lock(&w->lock);
    while (w->deferred_count < count)
        assert_true(cond_wait_until(&w->changed, &w->lock, deadline_ms));
    mutex_unlock(&w->lock);
}

static void set_defer_ms(struct world *w, int64_t defer_ms)
{
    mutex_lock(&w->lock);
    w->defer_ms = defer_ms;
    mutex_unlock(&w->lock);
}

static unsigned resumed(struct world *w)
{
    mutex_lock(&w->lock);
    unsigned count = w->resumed;
    mutex_unlock(&w->lock);
    return count;
}

static void *wake_main(void *arg)
{
    struct world *w = arg;
    for (;;) {
        mutex_lock(&w->lock);
        struct http_deferred *d = w->woken < w->deferred_count ? w->deferred[w->woken++] : NULL;
        mutex_unlock(&w->lock);
        if (d == NULL)
            return NULL;
        http_deferred_wake(d);
    }
}

/* Wake all that were deferred so far, from a thread of its own. */
static void wake_all(struct world *w)
{
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "waker", wake_main, w, NULL), 0);
    thread_join(thread);
}

static struct world *world_start(struct http_server_options options)
{
    struct world *w = xcalloc(1, sizeof(*w));
    mutex_init(&w->lock);
    cond_init(&w->changed);
    w->defer_ms = wait_ms;
    options.routes = routes;
    options.context = w;
    if (options.address == NULL)
        options.address = "127.0.0.1";
    struct error err = ERROR_INIT;
    if (http_server_start(&w->server, &options, &err) < 0)
        fail_msg("%s", err.text);
    return w;
}

static struct world *world_new(void)
{
    return world_start((struct http_server_options){0});
}

static void world_free(struct world *w)
{
    wake_all(w);
    http_server_free(w->server);
    cond_fini(&w->changed);
    mutex_fini(&w->lock);
    free(w);
}

static void world_stop(struct world *w)
{
    http_server_stop(w->server, 0);
    world_free(w);
}

static int connect_to(struct world *w, const char *address)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(http_server_port(w->server))};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(http_server_port(w->server))};
    bool is_v6 = inet_pton(AF_INET6, address, &v6.sin6_addr) == 1;
    if (!is_v6)
        assert_int_equal(inet_pton(AF_INET, address, &v4.sin_addr), 1);
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int rc = is_v6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6)) : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
    assert_int_equal(rc, 0);
    return fd;
}

static int client_new(struct world *w)
{
    return connect_to(w, "127.0.0.1");
}

/* A client with an address of its own: 127.0.0.host. */
static int client_from(struct world *w, uint8_t host)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK - 1 + host)}};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(http_server_port(w->server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void send_bytes(int fd, const void *data, size_t len)
{
    const char *next = data;
    while (len > 0) {
        ssize_t n = send(fd, next, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        next += n;
        len -= (size_t)n;
    }
}

static void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* Bytes read, 0 at the end of the stream (also when it was reset). */
static size_t read_some(int fd, char *data, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, wait_ms), 1);
    ssize_t n = recv(fd, data, size, 0);
    return n > 0 ? (size_t)n : 0;
}

static void assert_closed(int fd)
{
    char data[1024];
    while (read_some(fd, data, sizeof(data)) > 0)
        ;
}

struct response {
    char text[8192]; /* status line and headers */
    int status;
    char *body; /* in text */
};

/* One response; with_body: Content-Length bytes follow the headers. */
static void read_response(int fd, bool with_body, struct response *r)
{
    size_t len = 0;
    size_t need = sizeof(r->text);
    r->body = NULL;
    while (len < need) {
        assert_true(len < sizeof(r->text) - 1);
        size_t n = read_some(fd, r->text + len, r->body == NULL ? 1 : need - len);
        if (n == 0)
            fail_msg("the connection was closed after %zu bytes", len);
        len += n;
        r->text[len] = '\0';
        if (r->body == NULL && (r->body = strstr(r->text, "\r\n\r\n")) != NULL) {
            r->body += 4;
            const char *length = strcasestr(r->text, "content-length: ");
            need = len + (with_body && length != NULL ? (size_t)atoi(length + 16) : 0);
        }
    }
    assert_int_equal(sscanf(r->text, "HTTP/1.1 %d", &r->status), 1);
}

static void assert_answer(int fd, const char *request, int status, const char *body)
{
    struct response r;
    send_text(fd, request);
    read_response(fd, true, &r);
    assert_int_equal(r.status, status);
    assert_string_equal(r.body, body);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: agent\r\n\r\n"

static void assert_works(struct world *w)
{
    int fd = client_new(w);
    assert_answer(fd, GET("/now"), 200, "hello");
    (void)close(fd);
}

static void test_get(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    struct response r;
    send_text(fd, GET("/now"));
    read_response(fd, true, &r);
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
    read_response(fd, true, &r);
    assert_string_equal(r.body, "hello");
    (void)close(fd);
    world_stop(w);
}

static void test_head(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    struct response r;
    send_text(fd, "HEAD /now HTTP/1.1\r\nHost: a\r\n\r\n");
    read_response(fd, false, &r);
    assert_int_equal(r.status, 200);
    assert_non_null(strcasestr(r.text, "content-length: 5\r\n"));
    assert_answer(fd, GET("/now"), 200, "hello"); /* no body was in between */
    (void)close(fd);
    world_stop(w);
}

static void test_unknown_path(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    const char *body = "{\"message\":\"not found\",\"status\":\"error\"}";
    assert_answer(fd, GET("/"), 404, body);
    assert_answer(fd, GET("/now/"), 404, body);
    assert_answer(fd, GET("/no"), 404, body);
    assert_answer(fd, GET("/%6eow"), 404, body);
    assert_answer(fd, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404, body);
    struct response r;
    send_text(fd, GET("/nowhere"));
    read_response(fd, true, &r);
    assert_non_null(strcasestr(r.text, "content-type: application/json\r\n"));
    (void)close(fd);
    world_stop(w);
}

static void assert_not_allowed(int fd, const char *request, const char *allow)
{
    struct response r;
    send_text(fd, request);
    read_response(fd, true, &r);
    assert_int_equal(r.status, 405);
    assert_non_null(strcasestr(r.text, allow));
    assert_string_equal(r.body, "{\"message\":\"method not allowed\",\"status\":\"error\"}");
}

static void test_method(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    assert_not_allowed(fd, "DELETE /now HTTP/1.1\r\nHost: a\r\n\r\n", "\r\nallow: GET, HEAD\r\n");
    assert_not_allowed(fd, GET("/data"), "\r\nallow: POST\r\n");
    assert_not_allowed(fd, "PUT /both HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
                       "\r\nallow: GET, HEAD, POST\r\n");
    (void)close(fd);
    world_stop(w);
}

static void test_entity_limit(void **state)
{
    (void)state;
    struct world *w = world_new();
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
    (void)close(fd);
    world_stop(w);
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
    (void)close(head);
    (void)close(body);
    (void)close(idle);
    assert_works(w);
    world_stop(w);
}

/* libh2o copies the name to its stack. */
static void test_long_header_name(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    enum { name_len = 400 * 1000 };
    char *name = xcalloc(1, name_len);
    memset(name, 'a', name_len);
    send_text(fd, "GET /now HTTP/1.1\r\nHost: a\r\n");
    send_bytes(fd, name, name_len);
    free(name);
    assert_answer(fd, ": 1\r\n\r\n", 200, "hello");
    (void)close(fd);
    assert_works(w);
    world_stop(w);
}

struct received {
    size_t len;
    char text[256];
};

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct received *r = arg;
    assert_true(r->len + size * count < sizeof(r->text));
    memcpy(r->text + r->len, data, size * count);
    r->len += size * count;
    return size * count;
}

static void curl_get(struct world *w, const char *path, long version, int times)
{
    cleanup_free char *url = xasprintf("http://127.0.0.1:%u%s", (unsigned)http_server_port(w->server), path);
    struct received r = {0};
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, version);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &r);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)wait_ms);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    for (int i = 0; i < times; i++) {
        long used = 0;
        long status = 0;
        r = (struct received){0};
        assert_int_equal(curl_easy_perform(curl), CURLE_OK);
        (void)curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &used);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        assert_int_equal(used, CURL_HTTP_VERSION_2);
        assert_int_equal(status, 200);
        assert_string_equal(r.text, "hello");
    }
    curl_easy_cleanup(curl);
}

static void test_h2c_prior_knowledge(void **state)
{
    (void)state;
    struct world *w = world_new();
    curl_get(w, "/now?a=b", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE, 1); /* libcurl 7.88 fails on reuse: its issue 10634 */
    world_stop(w);
}

static void test_h2c_upgrade(void **state)
{
    (void)state;
    struct world *w = world_new();
    curl_get(w, "/now", CURL_HTTP_VERSION_2_0, 3);
    world_stop(w);
}

/* HTTP/2 by hand, for what no polite client does. */
enum { frame_data = 0, frame_headers = 1, frame_rst = 3, frame_settings = 4, frame_goaway = 7 };

static void send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, uint8_t len)
{
    uint8_t frame[9 + 255] = {0, 0, len, type, flags};
    uint32_t id = htonl(stream);
    memcpy(frame + 5, &id, sizeof(id));
    if (len > 0)
        memcpy(frame + 9, payload, len);
    send_bytes(fd, frame, 9 + (size_t)len);
}

static int h2_new(struct world *w, const void *settings, uint8_t len)
{
    int fd = client_new(w);
    send_text(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send_frame(fd, frame_settings, 0, 0, settings, len);
    return fd;
}

static void h2_get(int fd, uint32_t stream, const char *path)
{
    /* indexed GET and http, then :path and :authority as literals (RFC 7541, 6.1 and 6.2.2) */
    uint8_t block[64] = {0x82, 0x86, 0x04, (uint8_t)strlen(path)};
    size_t len = 4;
    memcpy(block + len, path, strlen(path));
    len += strlen(path);
    memcpy(block + len,
           "\x01\x01"
           "a",
           3);
    send_frame(fd, frame_headers, 0x5, stream, block, (uint8_t)(len + 3));
}

static void h2_reset(int fd, uint32_t stream)
{
    send_frame(fd, frame_rst, 0, stream, "\0\0\0\x08", 4);
}

/* Read frames until one of this type on this stream. */
static void h2_wait(int fd, uint8_t type, uint32_t stream)
{
    for (;;) {
        uint8_t head[9];
        char payload[16384];
        assert_int_equal(recv(fd, head, sizeof(head), MSG_WAITALL), sizeof(head));
        size_t len = ((size_t)head[1] << 8) + head[2];
        if (len > 0)
            assert_int_equal(recv(fd, payload, len, MSG_WAITALL), len);
        uint32_t id;
        memcpy(&id, head + 5, sizeof(id));
        if (head[3] == type && ntohl(id) == stream)
            return;
    }
}

static void test_deferred_woken(void **state)
{
    (void)state;
    struct world *w = world_new();
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    assert_int_equal(resumed(w), 0);
    wake_all(w);
    struct response r;
    read_response(a, true, &r);
    assert_string_equal(r.body, "later");
    h2_wait(b, frame_data, 1);
    assert_answer(a, GET("/now"), 200, "hello");
    assert_int_equal(resumed(w), 2);
    (void)close(a);
    (void)close(b);
    world_stop(w);
}

static void test_deferred_deadline(void **state)
{
    (void)state;
    struct world *w = world_new();
    set_defer_ms(w, 50);
    int fd = client_new(w);
    int64_t start_ms = clock_mono_ms();
    assert_answer(fd, GET("/later"), 200, "later");
    int64_t took_ms = clock_mono_ms() - start_ms;
    assert_true(took_ms >= 50 && took_ms < 2000);
    wake_all(w);
    assert_answer(fd, GET("/now"), 200, "hello");
    assert_int_equal(resumed(w), 1);
    (void)close(fd);
    world_stop(w);
}

static void test_deferred_deadlines_in_order(void **state)
{
    (void)state;
    struct world *w = world_new();
    int slow = client_new(w);
    send_text(slow, GET("/later"));
    wait_deferred(w, 1);
    set_defer_ms(w, 30);
    int fd = client_new(w);
    assert_answer(fd, GET("/later"), 200, "later");
    assert_int_equal(resumed(w), 1);
    (void)close(fd);
    (void)close(slow);
    world_stop(w);
}

static void test_client_gone_http1(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = client_new(w);
    send_text(fd, GET("/later"));
    wait_deferred(w, 1);
    (void)close(fd);
    wake_all(w);
    assert_works(w);
    world_stop(w);
}

static void test_client_gone_http2(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = h2_new(w, NULL, 0);
    h2_get(fd, 1, "/later");
    wait_deferred(w, 1);
    h2_reset(fd, 1);
    h2_get(fd, 3, "/now"); /* frames are handled in order */
    h2_wait(fd, frame_data, 3);
    wake_all(w);
    h2_get(fd, 5, "/later");
    wait_deferred(w, 2);
    (void)close(fd);
    assert_works(w);
    wake_all(w);
    assert_works(w);
    assert_int_equal(resumed(w), 0);
    world_stop(w);
}

static void test_rapid_reset(void **state)
{
    (void)state;
    struct world *w = world_new();
    int fd = h2_new(w, NULL, 0);
    for (uint32_t i = 0; i < HTTP_UNANSWERED_MAX; i++) {
        h2_get(fd, 2 * i + 1, "/later");
        h2_reset(fd, 2 * i + 1);
    }
    assert_closed(fd);
    (void)close(fd);
    wait_deferred(w, HTTP_UNANSWERED_MAX);
    assert_works(w);
    world_stop(w);
}

/* Ends although its window never opens: SETTINGS_INITIAL_WINDOW_SIZE 0. */
static void test_answer_never_taken(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.request_timeout_ms = 100});
    int fd = h2_new(w, "\0\x04\0\0\0\0", 6);
    h2_get(fd, 1, "/now");
    assert_closed(fd);
    (void)close(fd);
    world_stop(w);
}

struct stopping {
    struct world *w;
    int64_t grace_ms;
    int64_t took_ms;
    pthread_t thread;
};

static void *stop_main(void *arg)
{
    struct stopping *s = arg;
    int64_t start_ms = clock_mono_ms();
    http_server_stop(s->w->server, s->grace_ms);
    s->took_ms = clock_mono_ms() - start_ms;
    return NULL;
}

static void stop_begin(struct stopping *s, struct world *w, int64_t grace_ms)
{
    *s = (struct stopping){.w = w, .grace_ms = grace_ms};
    assert_int_equal(thread_start(&s->thread, "stopper", stop_main, s, NULL), 0);
}

static void test_stop_idle(void **state)
{
    (void)state;
    struct world *w = world_new();
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    int c = client_new(w);
    assert_answer(a, GET("/now"), 200, "hello");
    h2_get(b, 1, "/now");
    h2_wait(b, frame_data, 1);
    struct stopping s;
    stop_begin(&s, w, wait_ms);
    h2_wait(b, frame_goaway, 0);
    assert_closed(a);
    assert_closed(b);
    assert_closed(c);
    thread_join(s.thread);
    assert_true(s.took_ms < 1000);
    (void)close(a);
    (void)close(b);
    (void)close(c);
    world_free(w);
}

/* What is open when the server stops is answered within the grace, and nothing new is accepted. */
static void test_stop_waits(void **state)
{
    (void)state;
    struct world *w = world_new();
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    int idle = client_new(w);
    assert_answer(idle, GET("/now"), 200, "hello");
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    struct stopping s;
    stop_begin(&s, w, wait_ms);
    assert_closed(idle); /* the stop has begun */
    wake_all(w);
    struct response r;
    read_response(a, true, &r);
    assert_string_equal(r.body, "later");
    assert_non_null(strcasestr(r.text, "connection: close\r\n"));
    assert_closed(a);
    h2_wait(b, frame_data, 1);
    assert_closed(b);
    thread_join(s.thread);
    assert_true(s.took_ms < wait_ms);
    (void)close(a);
    (void)close(b);
    (void)close(idle);
    world_free(w);
}

/* The grace ends first: resumed as at a deadline, and woken when the server is gone. */
static void test_stop_with_deferred(void **state)
{
    (void)state;
    struct world *w = world_new();
    int a = client_new(w);
    int b = h2_new(w, NULL, 0);
    send_text(a, GET("/later"));
    h2_get(b, 1, "/later");
    wait_deferred(w, 2);
    struct stopping s;
    stop_begin(&s, w, 50);
    struct response r;
    read_response(a, true, &r);
    assert_string_equal(r.body, "later");
    h2_wait(b, frame_data, 1);
    assert_closed(a);
    assert_closed(b);
    thread_join(s.thread);
    assert_true(s.took_ms >= 50 && s.took_ms < 5000);
    assert_int_equal(resumed(w), 2);
    (void)close(a);
    (void)close(b);
    world_free(w);
}

static void test_port_taken(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct http_server_options options = {
        .address = "127.0.0.1", .port = http_server_port(w->server), .routes = routes};
    struct http_server *server = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(http_server_start(&server, &options, &err), -EADDRINUSE);
    assert_null(server);
    cleanup_free char *text =
        xasprintf("listen on 127.0.0.1:%u: Address already in use", (unsigned)http_server_port(w->server));
    assert_string_equal(err.text, text);
    world_stop(w);
}

static void test_bad_address(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost", "1.2.3", "1.2.3.4 ", "[::1]", "::1%lo", "127.0.0.1:80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_server_options options = {.address = bad[i], .routes = routes};
        struct http_server *server = NULL;
        struct error err = ERROR_INIT;
        assert_int_equal(http_server_start(&server, &options, &err), -EINVAL);
        assert_non_null(strstr(err.text, bad[i]));
    }
    struct http_server_options options = {.address = "192.0.2.1", .routes = routes};
    struct http_server *server = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(http_server_start(&server, &options, &err), -EADDRNOTAVAIL);
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
    for (int i = 0; i < max; i++)
        (void)close(fds[i]);
    (void)close(extra);
    world_stop(w);
}

/* None is idle: the newcomer waits, and the first one that pauses makes room, its answer given. */
static void test_cap_all_busy(void **state)
{
    (void)state;
    struct world *w = world_start((struct http_server_options){.max_connections = 1});
    int busy = client_new(w);
    send_text(busy, GET("/later"));
    wait_deferred(w, 1);
    int extra = client_from(w, 20);
    send_text(extra, GET("/now"));
    struct pollfd p = {.fd = extra, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 250), 0);
    wake_all(w);
    struct response r;
    read_response(busy, true, &r);
    assert_string_equal(r.body, "later");
    assert_closed(busy);
    read_response(extra, true, &r);
    assert_string_equal(r.body, "hello");
    (void)close(busy);
    (void)close(extra);
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

static void test_free_nothing(void **state)
{
    (void)state;
    http_server_free(NULL);
}

int main(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_unknown_path),
        cmocka_unit_test(test_method),
        cmocka_unit_test(test_entity_limit),
        cmocka_unit_test(test_slow_request),
        cmocka_unit_test(test_long_header_name),
        cmocka_unit_test(test_h2c_prior_knowledge),
        cmocka_unit_test(test_h2c_upgrade),
        cmocka_unit_test(test_deferred_woken),
        cmocka_unit_test(test_deferred_deadline),
        cmocka_unit_test(test_deferred_deadlines_in_order),
        cmocka_unit_test(test_client_gone_http1),
        cmocka_unit_test(test_client_gone_http2),
        cmocka_unit_test(test_rapid_reset),
        cmocka_unit_test(test_answer_never_taken),
        cmocka_unit_test(test_stop_idle),
        cmocka_unit_test(test_stop_waits),
        cmocka_unit_test(test_stop_with_deferred),
        cmocka_unit_test(test_port_taken),
        cmocka_unit_test(test_bad_address),
        cmocka_unit_test(test_cap_ends_longest_idle),
        cmocka_unit_test(test_cap_all_busy),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_ipv6_off),
        cmocka_unit_test(test_free_nothing),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return rc;
}
