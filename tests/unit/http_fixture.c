#include "tests/unit/http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/cidr.h"
#include "shared/clock.h"
#include "shared/mem.h"

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

static void keep(struct world *w, struct http_deferred *d)
{
    assert_true(w->deferred_count < deferred_max);
    w->deferred[w->deferred_count++] = d;
    cond_broadcast(&w->changed);
}

static void get_later(void *context, struct http_request *request)
{
    struct world *w = context;
    mutex_lock(&w->lock);
    keep(w, http_defer(request, w->defer_ms, resume_later));
    mutex_unlock(&w->lock);
}

struct data {
    struct world *world;
    char text[16];
};

static void data_free(void *arg)
{
    struct data *data = arg;
    mutex_lock(&data->world->lock);
    data->world->data_freed++;
    mutex_unlock(&data->world->lock);
    free(data);
}

static void resume_data(void *context, struct http_request *request)
{
    (void)context;
    const struct data *data = http_request_data(request);
    reply_text(request, data->text);
}

static void get_data_later(void *context, struct http_request *request)
{
    struct world *w = context;
    struct data *data = xcalloc(1, sizeof(*data));
    *data = (struct data){.world = w, .text = "kept"};
    mutex_lock(&w->lock);
    struct http_deferred *d = http_defer_with(request, w->defer_ms, resume_data, data, data_free);
    assert_ptr_equal(http_deferred_data(d), data);
    keep(w, d);
    mutex_unlock(&w->lock);
}

static void get_seen(void *context, struct http_request *request)
{
    (void)context;
    struct sockaddr_storage address;
    char peer[CIDR_TEXT_SIZE];
    const char *value = "";
    size_t len = 0;
    char text[128];
    http_request_peer(request, &address);
    cidr_format_address((const struct sockaddr *)&address, peer);
    int rc = http_request_header(request, "x-test", &value, &len);
    (void)snprintf(text, sizeof(text), "%s %d %.*s", peer, rc, (int)len, value);
    http_reply_header(request, "x-answer", "yes");
    reply_text(request, text);
}

static void post_echo(void *context, struct http_request *request)
{
    (void)context;
    const char *body;
    size_t len;
    http_request_body(request, &body, &len);
    http_reply(request, 200, "text/plain", body, len);
}

const struct http_route world_routes[] = {
    {.path = "/now", .methods = HTTP_GET, .handler = get_now},
    {.path = "/data", .methods = HTTP_POST, .handler = post_data},
    {.path = "/both", .methods = HTTP_GET, .handler = get_now},
    {.path = "/both", .methods = HTTP_POST, .handler = post_data},
    {.path = "/path", .methods = HTTP_GET | HTTP_POST, .handler = get_path},
    {.path = "/act", .methods = HTTP_GET_ONLY | HTTP_POST, .handler = get_now},
    {.path = "/nothing", .methods = HTTP_GET, .handler = get_nothing},
    {.path = "/later", .methods = HTTP_GET, .handler = get_later},
    {.path = "/data-later", .methods = HTTP_GET, .handler = get_data_later},
    {.path = "/seen", .methods = HTTP_GET, .handler = get_seen},
    {.path = "/echo", .methods = HTTP_POST, .handler = post_echo},
    {.path = NULL},
};

/* Wait until `count` requests were deferred. */
void wait_deferred(struct world *w, unsigned count)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    mutex_lock(&w->lock);
    while (w->deferred_count < count)
        assert_true(cond_wait_until(&w->changed, &w->lock, deadline_ms));
    mutex_unlock(&w->lock);
}

void set_defer_ms(struct world *w, int64_t defer_ms)
{
    mutex_lock(&w->lock);
    w->defer_ms = defer_ms;
    mutex_unlock(&w->lock);
}

unsigned resumed(struct world *w)
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
void wake_all(struct world *w)
{
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "waker", wake_main, w, NULL), 0);
    thread_join(thread);
}

struct world *world_start(struct http_server_options options)
{
    struct world *w = xcalloc(1, sizeof(*w));
    mutex_init(&w->lock);
    cond_init(&w->changed);
    w->defer_ms = wait_ms;
    options.routes = world_routes;
    options.context = w;
    if (options.address == NULL)
        options.address = "127.0.0.1";
    struct error err = ERROR_INIT;
    if (http_server_listen(&w->server, &options, &err) < 0 || http_server_start(w->server, &err) < 0)
        fail_msg("%s", err.text);
    return w;
}

int world_setup(void **state)
{
    *state = world_start((struct http_server_options){0});
    return 0;
}

int world_teardown(void **state)
{
    world_stop(*state);
    return 0;
}

void world_free(struct world *w)
{
    wake_all(w);
    http_server_free(w->server);
    for (unsigned i = 0; i < w->client_count; i++)
        fd_close(w->clients[i]);
    cond_fini(&w->changed);
    mutex_fini(&w->lock);
    free(w);
}

void world_stop(struct world *w)
{
    http_server_stop(w->server, 0);
    world_free(w);
}

static int keep_client(struct world *w, int fd)
{
    assert_true(w->client_count < clients_max);
    w->clients[w->client_count++] = fd;
    return fd;
}

int connect_to(struct world *w, const char *address)
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
    return keep_client(w, fd);
}

int client_new(struct world *w)
{
    return connect_to(w, "127.0.0.1");
}

/* A client with an address of its own: 127.0.0.host. */
int client_from(struct world *w, uint8_t host)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK - 1 + host)}};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(http_server_port(w->server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return keep_client(w, fd);
}

void client_close(struct world *w, int fd)
{
    unsigned i = 0;
    while (w->clients[i] != fd)
        i++;
    w->clients[i] = -1;
    (void)close(fd);
}

int client_deferred(struct world *w)
{
    mutex_lock(&w->lock);
    unsigned before = w->deferred_count;
    mutex_unlock(&w->lock);
    int fd = client_new(w);
    send_text(fd, GET("/later"));
    wait_deferred(w, before + 1);
    return fd;
}

void send_bytes(int fd, const void *data, size_t len)
{
    const char *next = data;
    while (len > 0) {
        ssize_t n = send(fd, next, len, MSG_NOSIGNAL);
        assert_true(n > 0);
        next += n;
        len -= (size_t)n;
    }
}

void send_text(int fd, const char *text)
{
    send_bytes(fd, text, strlen(text));
}

/* Bytes read, 0 at the end of the stream (also when it was reset). */
size_t read_some(int fd, char *data, size_t size)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, wait_ms), 1);
    ssize_t n = recv(fd, data, size, 0);
    return n > 0 ? (size_t)n : 0;
}

void assert_closed(int fd)
{
    char data[1024];
    while (read_some(fd, data, sizeof(data)) > 0)
        ;
}

/* One response; with_body: Content-Length bytes follow the headers. */
void read_response(int fd, bool with_body, struct response *r)
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

void ask(int fd, const char *request, struct response *r)
{
    send_text(fd, request);
    read_response(fd, true, r);
}

void assert_answer(int fd, const char *request, int status, const char *body)
{
    struct response r;
    ask(fd, request, &r);
    assert_int_equal(r.status, status);
    assert_string_equal(r.body, body);
}

void assert_body(int fd, const char *body)
{
    struct response r;
    read_response(fd, true, &r);
    assert_string_equal(r.body, body);
}

void assert_last_body(int fd, const char *body)
{
    struct response r;
    read_response(fd, true, &r);
    assert_string_equal(r.body, body);
    assert_non_null(strcasestr(r.text, "connection: close\r\n"));
    assert_closed(fd);
}

void assert_works(struct world *w)
{
    int fd = client_new(w);
    assert_answer(fd, GET("/now"), 200, "hello");
    client_close(w, fd);
}

void send_frame(int fd, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, uint8_t len)
{
    uint8_t frame[9 + 255] = {0, 0, len, type, flags};
    uint32_t id = htonl(stream);
    memcpy(frame + 5, &id, sizeof(id));
    if (len > 0)
        memcpy(frame + 9, payload, len);
    send_bytes(fd, frame, 9 + (size_t)len);
}

int h2_new(struct world *w, const void *settings, uint8_t len)
{
    int fd = client_new(w);
    send_text(fd, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    send_frame(fd, frame_settings, 0, 0, settings, len);
    return fd;
}

void h2_get(int fd, uint32_t stream, const char *path)
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

void h2_reset(int fd, uint32_t stream)
{
    send_frame(fd, frame_rst, 0, stream, "\0\0\0\x08", 4);
}

/* Read frames until one of this type on this stream. */
void h2_wait(int fd, uint8_t type, uint32_t stream)
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
