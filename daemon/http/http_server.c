#include "daemon/http/http_server.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/http_listen.h"
#include "daemon/http/http_private.h"
#include "daemon/http/library_output.h"
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
    sweep_interval_ms = 1000,
    weigh_interval_ms = 10,            /* what a fast network brings until then is a few MB */
    library_slack_ms = 2000,           /* libh2o's own timers go later than ours, which count */
    give_back_bytes = 4 * 1024 * 1024, /* so much was held, and most of it is free again */
    wait_max_ms = 60 * 1000,
    close_ms = 1000
};

static void run_once(struct http_server *server, int64_t until_ms)
{
    int wait_ms = clock_left_ms(until_ms);
    server->turn++;
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

/* The allocator keeps what lies below a byte that is still in use. */
static void give_memory_back(struct http_server *server)
{
    if (server->held_most < give_back_bytes || server->conns.held > give_back_bytes / 4)
        return;
    (void)malloc_trim(0);
    server->held_most = server->conns.held;
}

static void sweep(struct http_server *server, int64_t now_ms)
{
    give_memory_back(server);
    http_conns_sweep(&server->conns, now_ms);
    if (server->tls != NULL)
        http_tls_refresh(server->tls);
    server->sweep_ms = now_ms + sweep_interval_ms;
}

/* Bytes come in without our being told: so it is looked after every turn, and not more often than is needed. */
static void weigh(struct http_server *server, int64_t now_ms)
{
    for (int state = 0; state < HTTP_CONN_CLOSING; state++) {
        struct http_conn *c;
        TAILQ_FOREACH(c, &server->conns.lists[state], link)
        http_conn_set_receiving(c, http_receiving_bytes(H2O_STRUCT_FROM_MEMBER(struct http_link, conn, c)));
    }
    if (server->conns.held > server->held_most)
        server->held_most = server->conns.held;
    http_conns_shed(&server->conns, now_ms);
    server->weigh_ms = now_ms + weigh_interval_ms;
}

/* What is due now; returns until when the loop may wait. */
static int64_t run_due(struct http_server *server)
{
    int64_t now_ms = clock_mono_ms();
    int64_t accept_ms = http_accept_run(server, now_ms);
    if (now_ms >= server->weigh_ms)
        weigh(server, now_ms);
    if (now_ms >= server->sweep_ms)
        sweep(server, now_ms);
    if (http_request_run_deadlines(server, now_ms))
        return now_ms;
    bool must_sweep = server->conns.count > 0 || server->tls != NULL || server->held_most >= give_back_bytes;
    int64_t until_ms = must_sweep ? server->sweep_ms : now_ms + wait_max_ms;
    return earlier(earlier(until_ms, accept_ms), http_request_next_deadline(server));
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
    http_accept_stop(server);
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
    http_accept_stop(server);
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

/* What an idle connection waits for. */
static enum http_limit idle_limit(const struct http_conn *conn)
{
    const struct http_link *link = H2O_STRUCT_FROM_MEMBER(struct http_link, conn, conn);
    if (link->handshaking)
        return HTTP_LIMIT_HANDSHAKE_TIME;
    return link->socket->input->size > 0 ? HTTP_LIMIT_REQUEST_TIME : HTTP_LIMIT_IDLE_TIME;
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void configure_library(struct http_server *server, bool http2, int64_t timeout_ms)
{
    h2o_globalconf_t *config = &server->config;
    h2o_config_init(config);
    config->server_name = h2o_iovec_init(H2O_STRLIT("proxysql-agent"));
    config->max_request_entity_size = HTTP_ENTITY_BYTES_MAX;
    config->http1.upgrade_to_http2 = http2;
    config->http1.req_timeout = (uint64_t)(timeout_ms + library_slack_ms);
    config->http2.idle_timeout = (uint64_t)(timeout_ms + library_slack_ms);
    http_request_install(server, h2o_config_register_host(config, h2o_iovec_init(H2O_STRLIT("agent")), 65535));
}

static void server_configure(struct http_server *server, const struct http_server_options *options)
{
    int64_t timeout_ms = or_default(options->request_timeout_ms, HTTP_REQUEST_TIMEOUT_MS);
    const struct http_conns_options conns = {
        .max = (unsigned)or_default(options->max_connections, HTTP_CONNECTIONS_MAX),
        .timeout_ms = timeout_ms,
        .age_ms = or_default(options->connection_age_ms, HTTP_CONNECTION_AGE_MS),
        .idle_limit = idle_limit,
    };
    http_conns_init(&server->conns, &conns);
    TAILQ_INIT(&server->deferred);
    mutex_init(&server->lock);
    server->routes = options->routes;
    server->counts = http_counts_new(options->routes);
    server->context = options->context;
    configure_library(server, !options->http1_only, timeout_ms);
}

/* Takes fd and tls. */
static struct http_server *server_new(const struct http_server_options *options, struct http_tls *tls, int fd,
                                      uint16_t port)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    server_configure(server, options);
    server->tls = tls;
    server->port = port;
    server->loop = h2o_evloop_create();
    h2o_context_init(&server->h2o, server->loop, &server->config);
    h2o_multithread_register_receiver(server->h2o.queue, &server->receiver, http_request_on_messages);
    server->accept.ctx = &server->h2o;
    server->accept.hosts = server->config.hosts;
    http_accept_start(server, fd);
    return server;
}

int http_server_listen(struct http_server **ret_server, const struct http_server_options *options, struct error *err)
{
    cleanup_fd int fd = -1;
    uint16_t port = 0;
    int rc = http_listen(options->address, options->port, &fd, &port, err);
    if (rc == 0)
        rc = check_descriptors(err);
    struct http_tls *tls = NULL;
    if (rc == 0 && options->tls_cert_file != NULL)
        rc = http_tls_new(&tls, options->tls_cert_file, options->tls_key_file, !options->http1_only, err);
    if (rc < 0)
        return rc;
    library_output_install();
    *ret_server = server_new(options, tls, take_fd(&fd), port);
    return 0;
}

int http_server_start(struct http_server *server, struct error *err)
{
    int rc = thread_start_stack(&server->thread, "http", stack_bytes, loop_main, server, err);
    server->started = rc == 0;
    return rc;
}

uint64_t http_server_turn(const struct http_server *server)
{
    return server->turn;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_stop(struct http_server *server, int64_t grace_ms)
{
    if (!server->started) {
        server_dispose(server);
        return;
    }
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
    http_tls_free(server->tls);
    http_counts_free(server->counts);
    free(server);
}

void http_server_get_stats(const struct http_server *server, struct http_server_stats *ret_stats)
{
    *ret_stats = (struct http_server_stats){
        .connections = server->open,
        .connections_max = server->conns.options.max,
        .accepted = server->accepted,
        .tls = server->tls != NULL,
        .handshake_failures = server->handshake_failures,
    };
    for (int limit = 0; limit < HTTP_LIMITS; limit++)
        ret_stats->limit_hits[limit] = http_limit_hits_get(&server->conns.hits, (enum http_limit)limit);
    ret_stats->limit_hits[HTTP_LIMIT_LIBRARY_LINES] = library_output_dropped();
    if (server->tls != NULL)
        http_tls_get_stats(server->tls, &ret_stats->certificate);
}

void http_server_each_count(const struct http_server *server, http_count_fn *each, void *arg)
{
    http_counts_each(server->counts, each, arg);
}
