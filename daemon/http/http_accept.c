#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_private.h"

#include <h2o/http1.h>
#include <h2o/http2.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

/*
 * admission_note: a client is accepted before it is known whether there is a place for it, since only then is known
 * where it comes from. While there is none it is the newcomer, outside of the connections and the only one: the
 * listener rests until the newcomer has its place or is refused.
 */
enum {
    /* Should the sweep miss it, the kernel ends a connection whose client takes nothing: later, since it counts none.
     */
    tcp_user_timeout_slack_ms = 5 * 1000,
    accept_batch = 16,
    accept_pause_ms = 100
};

static void accept_later(struct http_server *server, int64_t at_ms)
{
    h2o_socket_read_stop(server->listener);
    server->accept_again_ms = at_ms;
}

static void on_close(void *memory)
{
    struct http_link *link = memory;
    struct http_server *server = link->server;
    http_request_forget_link(link);
    http_conn_fini(&link->conn);
    server->open = server->conns.count;
    SSL_CTX_free(link->tls_context);
    free(link);
    if (server->accept_again_ms != 0)
        server->accept_again_ms = 1; /* there is a place: try at once */
}

static bool is_http2(h2o_iovec_t protocol)
{
    return protocol.len == 2 && memcmp(protocol.base, "h2", 2) == 0;
}

static void on_handshake(h2o_socket_t *socket, const char *err)
{
    struct http_link *link = socket->on_close.data;
    struct http_server *server = link->server;
    link->handshaking = false;
    if (err != NULL) {
        atomic_fetch_add_explicit(&server->handshake_failures, 1, memory_order_relaxed);
        h2o_socket_close(socket);
        return;
    }
    struct timeval now = *h2o_get_timestamp(&server->h2o, NULL, NULL);
    if (is_http2(h2o_socket_ssl_get_selected_protocol(socket)))
        h2o_http2_accept(&server->accept, socket, now);
    else
        h2o_http1_accept(&server->accept, socket, now);
}

static void link_new(struct http_server *server, int fd, struct http_source *source, int64_t now_ms)
{
    unsigned timeout = (unsigned)(server->conns.options.timeout_ms + tcp_user_timeout_slack_ms);
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct http_link *link = xcalloc(1, sizeof(*link));
    link->server = server;
    TAILQ_INIT(&link->abandoned);
    http_conn_init(&link->conn, &server->conns, fd, source, now_ms);
    link->socket = h2o_evloop_socket_create(server->loop, fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
    link->socket->on_close.cb = on_close;
    link->socket->on_close.data = link;
    atomic_fetch_add_explicit(&server->accepted, 1, memory_order_relaxed);
    server->open = server->conns.count;
    if (server->tls == NULL) {
        h2o_accept(&server->accept, link->socket);
        return;
    }
    link->handshaking = true;
    link->tls_context = http_tls_context(server->tls);
    h2o_socket_ssl_handshake(link->socket, link->tls_context, NULL, on_handshake);
}

/* Give the newcomer a place or refuse it. False: it has to wait. */
static bool settle_newcomer(struct http_server *server, int64_t now_ms)
{
    struct http_newcomer *n = &server->newcomer;
    switch (http_conns_admit(&server->conns, n->source, now_ms)) {
    case HTTP_WAIT:
        return false;
    case HTTP_ADMIT:
        link_new(server, n->fd, n->source, now_ms);
        break;
    case HTTP_REFUSE:
        (void)close(n->fd);
        http_source_put(n->source);
        break;
    }
    *n = (struct http_newcomer){.fd = -1};
    return true;
}

static void warn_accept(int error)
{
    static struct log_limit limit = LOG_LIMIT_INIT(1, 60 * 1000);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_warn("accept HTTP connection", LOG_STR("error", strerror(error)), LOG_INT("suppressed", suppressed));
}

static bool is_passing(int error)
{
    return error == EAGAIN || error == ECONNABORTED || error == EINTR;
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct http_server *server = listener->data;
    int64_t now_ms = clock_mono_ms();
    if (err != NULL)
        return;
    for (int i = 0; i < accept_batch; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(h2o_socket_get_fd(listener), (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && is_passing(errno))
            return;
        if (fd < 0) {
            warn_accept(errno);
            accept_later(server, now_ms + accept_pause_ms);
            return;
        }
        server->newcomer.fd = fd;
        server->newcomer.source = http_source_get(&server->conns.sources, (const struct sockaddr *)&peer);
        if (!settle_newcomer(server, now_ms)) {
            accept_later(server, now_ms + HTTP_YOUNG_MS);
            return;
        }
    }
}

void http_accept_start(struct http_server *server, int fd)
{
    server->newcomer.fd = -1;
    server->listener = h2o_evloop_socket_create(server->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    server->listener->data = server;
    h2o_socket_read_start(server->listener, on_accept);
}

void http_accept_stop(struct http_server *server)
{
    if (server->listener == NULL)
        return;
    h2o_socket_close(server->listener);
    server->listener = NULL;
    server->accept_again_ms = 0;
    if (server->newcomer.fd < 0)
        return;
    (void)close(server->newcomer.fd);
    http_source_put(server->newcomer.source);
    server->newcomer.fd = -1;
}

int64_t http_accept_run(struct http_server *server, int64_t now_ms)
{
    if (server->accept_again_ms == 0)
        return INT64_MAX;
    if (now_ms < server->accept_again_ms)
        return server->accept_again_ms;
    if (server->newcomer.fd >= 0 && !settle_newcomer(server, now_ms)) {
        server->accept_again_ms = now_ms + HTTP_YOUNG_MS;
        return server->accept_again_ms;
    }
    server->accept_again_ms = 0;
    h2o_socket_read_start(server->listener, on_accept);
    return INT64_MAX;
}
