#include "daemon/http/http_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_listen.h"
#include "daemon/http/http_private.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

/*
 * clocks_note: libh2o's own timers (a slow request, an idle connection) go by the real clock, so a step of that clock
 * fires them early or late. Everything that matters is bounded by ours as well: deadlines of deferred requests, and the
 * sweep of the connections, which also catches what libh2o does not: HTTP/2 clients that drip PINGs or never take an
 * answer.
 *
 * stop_note: h2o_context_dispose() aborts while a timer is linked, thus while a connection is open. So the loop goes on
 * until every connection is closed; should one not close within close_ms after its shutdown(2), libh2o's memory is left
 * as it is rather than the process aborted.
 */
enum {
    /* libh2o 2.2.5 copies the name of a header line to its stack, and one line may have 400 KiB. */
    stack_bytes = 1024 * 1024,
    /* Unacknowledged bytes end a connection: libh2o has no limit for sending. */
    tcp_user_timeout_ms = 10 * 1000,
    accept_batch = 16,
    accept_pause_ms = 100,
    sweep_interval_ms = 1000,
    sweep_slack_ms = 1000, /* libh2o's own timers are more polite, they go first */
    wait_max_ms = 60 * 1000,
    close_ms = 1000
};

static void accept_later(struct http_server *server, int64_t now_ms)
{
    h2o_socket_read_stop(server->listener);
    server->accept_again_ms = now_ms + accept_pause_ms;
}

static void on_close(void *memory)
{
    struct http_link *link = memory;
    struct http_server *server = link->server;
    http_conn_fini(&link->conn);
    free(link);
    if (server->accept_again_ms != 0)
        server->accept_again_ms = 1; /* there is a place: try at once */
}

static void link_new(struct http_server *server, h2o_socket_t *socket, int64_t now_ms)
{
    int fd = h2o_socket_get_fd(socket);
    unsigned timeout = tcp_user_timeout_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
    struct http_link *link = xcalloc(1, sizeof(*link));
    link->server = server;
    link->socket = socket;
    http_conn_init(&link->conn, &server->conns, fd, now_ms);
    socket->on_close.cb = on_close;
    socket->on_close.data = link;
}

static void warn_accept(int error)
{
    static struct log_limit limit = LOG_LIMIT_INIT(1, 60 * 1000);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_warn("accept HTTP connection", LOG_STR("error", strerror(error)), LOG_INT("suppressed", suppressed));
}

static void on_accept(h2o_socket_t *listener, const char *err)
{
    struct http_server *server = listener->data;
    int64_t now_ms = clock_mono_ms();
    if (err != NULL)
        return;
    for (int i = 0; i < accept_batch; i++) {
        if (i > 0 && http_conns_full(&server->conns))
            return; /* perhaps nobody waits any more; else we are called again */
        if (!http_conns_admit(&server->conns, now_ms)) {
            accept_later(server, now_ms);
            return;
        }
        errno = 0;
        h2o_socket_t *socket = h2o_evloop_socket_accept(listener); /* sets TCP_NODELAY */
        if (socket == NULL && (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR))
            return;
        if (socket == NULL) {
            warn_accept(errno);
            accept_later(server, now_ms);
            return;
        }
        link_new(server, socket, now_ms);
        h2o_accept(&server->accept, socket);
    }
}

static void run_once(struct http_server *server, int64_t until_ms)
{
    int wait_ms = clock_left_ms(until_ms);
    if (h2o_evloop_run(server->loop, wait_ms) == 0 || errno == EINTR)
        return;
    static struct log_limit limit = LOG_LIMIT_INIT(1, 60 * 1000);
    uint64_t suppressed;
    if (log_limit_pass(&limit, &suppressed))
        log_error("HTTP event loop", LOG_STR("error", strerror(errno)), LOG_INT("suppressed", suppressed));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is due now; returns until when the loop may wait. */
static int64_t run_due(struct http_server *server)
{
    int64_t now_ms = clock_mono_ms();
    if (server->accept_again_ms != 0 && server->listener != NULL && now_ms >= server->accept_again_ms) {
        server->accept_again_ms = 0;
        h2o_socket_read_start(server->listener, on_accept);
    }
    if (now_ms >= server->sweep_ms) {
        http_conns_sweep(&server->conns, now_ms);
        server->sweep_ms = now_ms + sweep_interval_ms;
    }
    if (http_request_run_deadlines(server, now_ms))
        return now_ms;
    int64_t until_ms = server->conns.count > 0 ? server->sweep_ms : now_ms + wait_max_ms;
    if (server->accept_again_ms != 0 && server->listener != NULL)
        until_ms = earlier(until_ms, server->accept_again_ms);
    return earlier(until_ms, http_request_next_deadline(server));
}

/*
 * libh2o 2.2.5 announces the shutdown on every HTTP/2 connection, also on one whose h2c upgrade is still being
 * answered, and that one has no socket yet: it would crash. Such a connection is idle and writing. Returns true when
 * there was none.
 */
static bool shut_upgrading(struct http_server *server)
{
    bool none = true;
    struct http_conn *next;
    for (struct http_conn *c = TAILQ_FIRST(&server->conns.lists[HTTP_CONN_IDLE]); c != NULL; c = next) {
        next = TAILQ_NEXT(c, link);
        struct http_link *link = H2O_STRUCT_FROM_MEMBER(struct http_link, conn, c);
        if (h2o_socket_is_writing(link->socket))
            http_conn_shut(c, SHUT_RDWR, clock_mono_ms());
    }
    struct http_conn *c;
    TAILQ_FOREACH(c, &server->conns.lists[HTTP_CONN_CLOSING], link)
    {
        if (h2o_socket_is_writing(H2O_STRUCT_FROM_MEMBER(struct http_link, conn, c)->socket))
            none = false;
    }
    return none;
}

static void run_until_closed(struct http_server *server, int64_t end_ms)
{
    while (server->conns.count > 0 && clock_mono_ms() < end_ms)
        run_once(server, earlier(run_due(server), end_ms));
}

static void drain(struct http_server *server)
{
    int64_t end_ms = clock_mono_ms() + server->grace_ms;
    h2o_socket_close(server->listener);
    server->listener = NULL;
    bool upgrading;
    while ((upgrading = !shut_upgrading(server)) && clock_mono_ms() < end_ms + close_ms)
        run_once(server, clock_mono_ms() + 1);
    if (!upgrading)
        h2o_context_request_shutdown(&server->h2o);
    http_conns_drain(&server->conns, clock_mono_ms());
    run_until_closed(server, end_ms);
    if (server->conns.count == 0)
        return;
    (void)http_request_run_deadlines(server, INT64_MAX);
    run_once(server, 0);
    http_conns_shut(&server->conns, clock_mono_ms());
    run_until_closed(server, clock_mono_ms() + close_ms);
}

static void server_dispose(struct http_server *server)
{
    if (server->listener != NULL)
        h2o_socket_close(server->listener);
    h2o_multithread_unregister_receiver(server->h2o.queue, &server->receiver);
    h2o_timeout_unlink(&server->h2o.http2._graceful_shutdown_timeout);
    h2o_multithread_queue_t *queue = server->h2o.queue;
    h2o_context_dispose(&server->h2o);
    free(queue); /* libh2o 2.2.5 empties it only, and forgets the descriptor of its loop as well */
    h2o_config_dispose(&server->config);
    h2o_evloop_destroy(server->loop);
}

static void *loop_main(void *arg)
{
    struct http_server *server = arg;
    while (!server->stopping)
        run_once(server, run_due(server));
    drain(server);
    mutex_lock(&server->lock);
    server->stopped = true;
    mutex_unlock(&server->lock);
    if (server->conns.count > 0) {
        log_error("HTTP connections do not close, leaving them", LOG_INT("count", server->conns.count));
        return NULL;
    }
    /* wakes that were sent before */
    while (h2o_evloop_run(server->loop, 0) != 0 && errno == EINTR)
        ;
    server_dispose(server);
    return NULL;
}

/* libh2o aborts when it gets no descriptors for its loop and its queue: see whether there are some. */
static int check_descriptors(struct error *err)
{
    cleanup_fd int a = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cleanup_fd int b = fcntl(a, F_DUPFD_CLOEXEC, 0);
    cleanup_fd int c = fcntl(b, F_DUPFD_CLOEXEC, 0);
    if (c < 0)
        return error_set(err, -EMFILE, "start the HTTP server: %s", strerror(EMFILE));
    return 0;
}

static void server_configure(struct http_server *server, const struct http_server_options *options)
{
    int64_t timeout_ms = options->request_timeout_ms != 0 ? options->request_timeout_ms : HTTP_REQUEST_TIMEOUT_MS;
    unsigned max = options->max_connections != 0 ? options->max_connections : HTTP_CONNECTIONS_MAX;
    http_conns_init(&server->conns, max, timeout_ms + sweep_slack_ms);
    TAILQ_INIT(&server->deferred);
    mutex_init(&server->lock);
    server->routes = options->routes;
    server->context = options->context;
    h2o_config_init(&server->config);
    server->config.server_name = h2o_iovec_init(H2O_STRLIT("proxysql-agent"));
    server->config.max_request_entity_size = HTTP_ENTITY_BYTES_MAX;
    server->config.http1.req_timeout = (uint64_t)timeout_ms;
    server->config.http2.idle_timeout = (uint64_t)timeout_ms;
    http_request_install(server, h2o_config_register_host(&server->config, h2o_iovec_init(H2O_STRLIT("agent")), 65535));
}

/* Takes fd. */
static struct http_server *server_new(const struct http_server_options *options, int fd, uint16_t port)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    server_configure(server, options);
    server->port = port;
    server->loop = h2o_evloop_create();
    h2o_context_init(&server->h2o, server->loop, &server->config);
    h2o_multithread_register_receiver(server->h2o.queue, &server->receiver, http_request_on_messages);
    server->accept.ctx = &server->h2o;
    server->accept.hosts = server->config.hosts;
    server->listener = h2o_evloop_socket_create(server->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    server->listener->data = server;
    h2o_socket_read_start(server->listener, on_accept);
    return server;
}

int http_server_start(struct http_server **ret_server, const struct http_server_options *options, struct error *err)
{
    cleanup_fd int fd = -1;
    uint16_t port = 0;
    int rc = http_listen(options->address, options->port, &fd, &port, err);
    if (rc == 0)
        rc = check_descriptors(err);
    if (rc < 0)
        return rc;
    struct http_server *server = server_new(options, take_fd(&fd), port);
    rc = thread_start_stack(&server->thread, "http", stack_bytes, loop_main, server, err);
    if (rc < 0) {
        server_dispose(server);
        http_server_free(server);
        return rc;
    }
    *ret_server = server;
    return 0;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server, int64_t grace_ms)
{
    server->grace_ms = grace_ms;
    h2o_multithread_send_message(&server->receiver, &server->stop_message);
    thread_join(server->thread);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    mutex_lock(&server->lock);
    assert(server->deferred_count == 0);
    mutex_unlock(&server->lock);
    mutex_fini(&server->lock);
    free(server);
}
