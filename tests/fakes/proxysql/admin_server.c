#include "tests/fakes/proxysql/admin_server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/admin_sql.h"
#include "tests/fakes/proxysql/listener.h"
#include "tests/fakes/proxysql/login.h"
#include "tests/fakes/proxysql/packet.h"

enum {
    COM_QUIT = 0x01,
    COM_INIT_DB = 0x02,
    COM_QUERY = 0x03,
    COM_STATISTICS = 0x09,
    COM_PROCESS_KILL = 0x0c,
    COM_PING = 0x0e,
    COM_CHANGE_USER = 0x11,
    COM_STMT_CLOSE = 0x19,
    COM_SET_OPTION = 0x1b,
    COM_RESET_CONNECTION = 0x1f,
};

struct connection {
    struct connection *next;
    struct admin_server *server;
    pthread_t thread;
    int fd; /* closed by the thread, under the lock */
    uint32_t id;
    char peer[INET6_ADDRSTRLEN];
    unsigned peer_port;
    struct cluster_client cluster_client;
    char user[LOGIN_USER_MAX];
    bool stats;
    bool finished; /* under the server's lock: the thread is about to end */
};

struct admin_server {
    struct listener listener;
    SSL_CTX *tls;
    struct node *node;
    pthread_t thread;
    bool running;
    int stop_fd; /* eventfd: readable once stopping */
    struct mutex lock;
    struct connection *connections GUARDED;
    struct admin_counters counters GUARDED;
};

static void count(struct connection *c, int64_t *counter)
{
    mutex_lock(&c->server->lock);
    (*counter)++;
    mutex_unlock(&c->server->lock);
}

/* Run one statement as soon as the gate lets it in. */
static void run_statement(struct connection *c, const char *sql, struct packet_writer *out)
{
    struct node *node = c->server->node;
    struct admin_client client = {.stats = c->stats,
                                  .user = c->user,
                                  .peer = c->peer,
                                  .peer_port = c->peer_port,
                                  .cluster_client = &c->cluster_client};
    uint64_t number = statement_log_received(&node->statements, c->id, sql);
    if (!gate_enter(&node->gate))
        return;
    statement_log_began(&node->statements, number);
    trap_check(&node->trap, TRAP_BEFORE, sql);
    bool good = admin_sql_execute(node, &client, sql, out);
    trap_check(&node->trap, TRAP_AFTER, sql);
    statement_log_ended(&node->statements, number, !good);
    gate_leave(&node->gate);
}

static void answer_statistics(struct packet_writer *out)
{
    static const char text[] = "Uptime: 1 Threads: 0  Questions: 0  Slow queries: 0";
    packet_begin(out);
    packet_put(out, text, sizeof text - 1);
    packet_end(out);
}

/* False: the client said goodbye, or sent what makes ProxySQL hang up. */
static bool handle_command(struct connection *c, const struct buf *in, struct packet_writer *out)
{
    switch (in->len > 0 ? (unsigned char)in->data[0] : COM_QUIT) {
    case COM_QUERY:
        run_statement(c, in->data + 1, out);
        return true;
    case COM_PING:
        count(c, &c->server->counters.pings);
        packet_ok(out, 0, NULL);
        return true;
    case COM_INIT_DB:
        packet_ok(out, 0, NULL);
        return true;
    case COM_STATISTICS:
        answer_statistics(out);
        return true;
    case COM_SET_OPTION:
        packet_eof(out);
        return true;
    case COM_PROCESS_KILL:
        packet_err(out, 9003, "28000", "Command not supported");
        return true;
    case COM_RESET_CONNECTION:
        /* ProxySQL numbers this packet 2 where 1 is due: clients complain about the order of packets. */
        packet_writer_reset(out, 2);
        packet_err(out, 1047, "28000", "Received unsupported 'COM_RESET_CONNECTION' for session type 'admin'");
        return true;
    case COM_STMT_CLOSE:
    case COM_CHANGE_USER: /* swallowed, lib/MySQL_Session.cpp */
        return true;
    case COM_QUIT:
        return false;
    default:
        if ((unsigned char)in->data[0] < 0x16 || (unsigned char)in->data[0] > 0x1c)
            return false;
        packet_err(out, 1045, "28000", "Command not supported"); /* prepared statements */
        return true;
    }
}

static int send_garbage(struct stream *s)
{
    unsigned char noise[64];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)random();
    return stream_write(s, noise, sizeof noise);
}

static void serve_commands(struct connection *c, struct stream *s)
{
    struct packet_writer out;
    struct buf in;
    packet_writer_init(&out);
    buf_init(&in, PACKET_MAX_PAYLOAD);
    for (;;) {
        uint8_t seq = 0;
        if (packet_read(s, &in, &seq) < 0)
            break;
        packet_writer_reset(&out, (uint8_t)(seq + 1));
        if (!handle_command(c, &in, &out))
            break;
        bool garbage = atomic_load(&s->faults->garbage) != GARBAGE_OFF;
        if ((garbage ? send_garbage(s) : packet_send(&out, s)) < 0)
            break;
    }
    buf_fini(&in);
    packet_writer_fini(&out);
}

static void serve_login(struct connection *c, struct stream *s)
{
    struct login_options options = {
        .accounts = &c->server->node->accounts, .tls = c->server->tls, .peer = c->peer, .session_id = c->id};
    int r = login_run(s, &options, c->user, &c->stats);
    if (r == 0) {
        count(c, &c->server->counters.logins);
        serve_commands(c, s);
    } else if (r == -EACCES) {
        count(c, &c->server->counters.refused);
    }
}

static void *serve_connection(void *arg)
{
    struct connection *c = arg;
    const struct faults *faults = &c->server->node->faults;
    struct stream s;
    stream_init(&s, c->fd, c->server->stop_fd, faults);
    if (atomic_load(&faults->silent))
        stream_discard(&s);
    else if (atomic_load(&faults->garbage) == GARBAGE_GREETING)
        (void)send_garbage(&s);
    else
        serve_login(c, &s);
    stream_fini(&s);
    mutex_lock(&c->server->lock);
    (void)shutdown(c->fd, SHUT_RDWR);
    fd_close(c->fd);
    c->fd = -1;
    c->finished = true;
    c->server->counters.open--;
    mutex_unlock(&c->server->lock);
    return NULL;
}

/* Join threads that have ended; all of them when everything stops. */
static void reap(struct admin_server *a, bool all)
{
    struct connection *done = NULL;
    mutex_lock(&a->lock);
    for (struct connection **at = &a->connections; *at != NULL;) {
        struct connection *c = *at;
        if (!all && !c->finished) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = done;
        done = c;
    }
    mutex_unlock(&a->lock);
    while (done != NULL) {
        struct connection *c = done;
        done = c->next;
        thread_join(c->thread);
        free(c);
    }
}

static void name_peer(struct connection *c, const struct sockaddr_storage *peer, socklen_t len)
{
    char port[8] = "";
    (void)getnameinfo((const struct sockaddr *)peer, len, c->peer, sizeof c->peer, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
    c->peer_port = (unsigned)strtoul(port, NULL, 10);
}

static void accept_connection(struct admin_server *a)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    cleanup_fd int fd = accept4(a->listener.fd, (struct sockaddr *)&peer, &peer_len, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct connection *c = xcalloc(1, sizeof *c);
    c->server = a;
    c->id = atomic_fetch_add(&a->node->next_session_id, 1);
    name_peer(c, &peer, peer_len);
    struct error err = ERROR_INIT;
    mutex_lock(&a->lock);
    c->fd = fd;
    if (thread_start(&c->thread, "admin", serve_connection, c, &err) == 0) {
        (void)take_fd(&fd);
        c->next = a->connections;
        a->connections = take_ptr(c);
        a->counters.total++;
        if (++a->counters.open > a->counters.open_max)
            a->counters.open_max = a->counters.open;
    }
    mutex_unlock(&a->lock);
    free(c);
}

static void *serve(void *arg)
{
    struct admin_server *a = arg;
    for (;;) {
        struct pollfd fds[] = {{.fd = a->listener.wake_fd, .events = POLLIN}, {.fd = a->listener.fd, .events = POLLIN}};
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents != 0 && !listener_service(&a->listener))
            return NULL;
        reap(a, false);
        if (fds[1].revents != 0 && a->listener.fd >= 0)
            accept_connection(a);
    }
}

int admin_server_new(const char *address, SSL_CTX *tls, struct admin_server **ret_server, struct error *err)
{
    struct admin_server *a = xcalloc(1, sizeof *a);
    a->tls = tls;
    a->stop_fd = -1;
    mutex_init(&a->lock);
    int r = listener_init(&a->listener, address, err);
    if (r == 0) {
        a->stop_fd = eventfd(0, EFD_CLOEXEC);
        r = a->stop_fd < 0 ? error_set(err, -errno, "eventfd: %s", strerror(errno)) : 0;
    }
    if (r < 0) {
        admin_server_stop(a);
        return error_wrap(err, "admin port");
    }
    *ret_server = a;
    return 0;
}

int admin_server_start(struct admin_server *a, struct node *node, struct error *err)
{
    a->node = node;
    int r = listener_start(&a->listener, err);
    if (r == 0)
        r = thread_start(&a->thread, "admin-accept", serve, a, err);
    a->running = r == 0;
    return r < 0 ? error_wrap(err, "admin port") : 0;
}

void admin_server_stop(struct admin_server *a)
{
    if (a == NULL)
        return;
    uint64_t one = 1;
    if (a->stop_fd >= 0 && write(a->stop_fd, &one, sizeof one) < 0)
        abort();
    if (a->running) {
        listener_stop(&a->listener);
        thread_join(a->thread);
    }
    (void)admin_server_drop(a);
    reap(a, true);
    listener_fini(&a->listener);
    fd_close(a->stop_fd);
    mutex_fini(&a->lock);
    free(a);
}

void admin_server_address(const struct admin_server *a, char *ret_text, size_t size)
{
    listener_format(&a->listener, ret_text, size);
}

void admin_server_refuse(struct admin_server *a, bool refuse)
{
    listener_set_open(&a->listener, !refuse);
}

int64_t admin_server_drop(struct admin_server *a)
{
    int64_t dropped = 0;
    mutex_lock(&a->lock);
    for (struct connection *c = a->connections; c != NULL; c = c->next) {
        if (c->fd >= 0)
            dropped += shutdown(c->fd, SHUT_RDWR) == 0;
    }
    mutex_unlock(&a->lock);
    return dropped;
}

void admin_server_count(struct admin_server *a, struct admin_counters *ret_counters)
{
    mutex_lock(&a->lock);
    *ret_counters = a->counters;
    mutex_unlock(&a->lock);
}
