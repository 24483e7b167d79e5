/*
 * What a server may answer on admin: the input is everything that the server says, from its greeting on. Logs in and
 * sends the health statement, over loopback TCP.
 */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/proxysql/admin.h"
#include "daemon/proxysql/db_library.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"
#include "tests/fuzz/fuzz.h"

/* Everything is there when the client looks, and the end of it too: nothing waits this long but a bug of ours. */
enum { deadline_ms = 2000 };

struct server {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    struct mutex lock;
    struct cond changed;
    const uint8_t *data GUARDED; /* NULL = nothing to serve */
    size_t size GUARDED;
};

static struct server server;

/* Say it all, then listen until the client hangs up: closing with unread bytes would cut off what was said. */
static void serve_client(int fd, const uint8_t *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t n = send(fd, data + sent, size - sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    (void)shutdown(fd, SHUT_WR);
    char sink[4096];
    while (recv(fd, sink, sizeof(sink), 0) > 0)
        ;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (;;) {
        mutex_lock(&s->lock);
        while (s->data == NULL)
            (void)cond_wait_until(&s->changed, &s->lock, INT64_MAX);
        const uint8_t *data = s->data;
        size_t size = s->size;
        mutex_unlock(&s->lock);
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        assert(fd >= 0);
        serve_client(fd, data, size);
        fd_close(fd);
        mutex_lock(&s->lock);
        s->data = NULL;
        cond_broadcast(&s->changed);
        mutex_unlock(&s->lock);
    }
    return NULL;
}

static void start_server(struct server *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    mutex_init(&s->lock);
    cond_init(&s->changed);
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = s->listen_fd >= 0 && bind(s->listen_fd, (struct sockaddr *)&address, len) == 0 &&
                listen(s->listen_fd, 16) == 0 && getsockname(s->listen_fd, (struct sockaddr *)&address, &len) == 0;
    struct error err = ERROR_INIT;
    if (!good || thread_start(&s->thread, "server", serve, s, &err) < 0 || db_library_start(&err) < 0)
        abort();
    s->port = ntohs(address.sin_port);
}

static void offer(struct server *s, const uint8_t *data, size_t size)
{
    mutex_lock(&s->lock);
    s->data = data;
    s->size = size;
    cond_broadcast(&s->changed);
    mutex_unlock(&s->lock);
}

static void wait_served(struct server *s)
{
    mutex_lock(&s->lock);
    while (s->data != NULL)
        (void)cond_wait_until(&s->changed, &s->lock, INT64_MAX);
    mutex_unlock(&s->lock);
}

/* Whatever was answered, what comes out must be possible. */
static void ask(struct db_conn *conn)
{
    struct admin_backends backends;
    struct admin_node node;
    struct error err = ERROR_INIT;
    int rc = admin_read_health(conn, clock_mono_ms() + deadline_ms, &backends, &node, &err);
    assert(rc <= 0 && rc != -ETIMEDOUT && (rc == 0) == (err.code == 0));
    if (rc < 0)
        return;
    assert(backends.online >= 0 && backends.shunned >= 0 && backends.online + backends.shunned <= backends.total);
    assert(node.uptime_s >= 0 && node.uptime_s < INT64_MAX / 1000 && node.clients >= 0);
    assert(memchr(node.version, '\0', sizeof(node.version)) != NULL);
    assert(memchr(node.interfaces, '\0', sizeof(node.interfaces)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct db_params params = {
        .username = "radmin", .ca_file = "", .cert_file = "", .key_file = "", .cancel_fd = -1};
    if (server.port == 0)
        start_server(&server);
    offer(&server, data, size);
    struct db_conn *conn = db_conn_new(&params);
    struct error err = ERROR_INIT;
    int rc = db_conn_connect(conn, "127.0.0.1", server.port, "radmin", clock_mono_ms() + deadline_ms, &err);
    assert(rc <= 0 && rc != -ETIMEDOUT && (rc == 0) == (err.code == 0));
    if (rc == 0) {
        ask(conn);
        if (!db_conn_broken(conn) && !db_conn_stale(conn))
            ask(conn);
    }
    db_conn_free(conn);
    wait_served(&server);
    return 0;
}
