#include "tests/fakes/proxysql/traffic_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/listener.h"
#include "tests/fakes/proxysql/packet.h"
#include "tests/fakes/proxysql/scramble.h"

enum { input_max = 64 * 1024, user_max = 64, COM_QUIT = 1, COM_QUERY = 3 };

struct session {
    int fd; /* -1 = free slot */
    uint32_t id;
    bool mute; /* accepted under the silent fault: never answered */
    bool logged_in;
    bool in_transaction;
    char user[user_max];
    char host[INET6_ADDRSTRLEN];
    unsigned port;
    int64_t last_ms;
    struct buf in;
};

struct traffic_server {
    struct listener listener;
    const struct faults *faults;
    atomic_uint *next_session_id;
    pthread_t thread;
    bool running;
    struct mutex pause_lock; /* one PAUSE or RESUME at a time */
    bool paused;
    struct mutex lock;
    struct session sessions[TRAFFIC_SESSIONS_MAX] GUARDED;
    struct traffic_counters counters GUARDED;
};

static void close_session_locked(struct traffic_server *t, struct session *s) REQUIRES(t->lock)
{
    fd_close(s->fd);
    buf_fini(&s->in);
    *s = (struct session){.fd = -1};
    t->counters.connected--;
}

/* Send what was written; a client whose buffer is full is as good as gone. False: close it. */
static bool flush(struct packet_writer *out, int fd)
{
    bool sent =
        out->error == 0 && send(fd, out->out.data, out->out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out->out.len;
    packet_writer_fini(out);
    return sent;
}

static bool send_greeting(const struct session *s)
{
    unsigned char scramble[SCRAMBLE_BYTES];
    scramble_random(scramble, sizeof scramble);
    struct packet_writer out;
    packet_writer_init(&out);
    packet_begin(&out);
    packet_put_int(&out, 10, 1);
    packet_put(&out, "8.0.11", sizeof "8.0.11");
    packet_put_int(&out, s->id, 4);
    packet_put(&out, scramble, 8);
    packet_put_int(&out, 0, 1);
    packet_put_int(&out, 0xf20f, 2); /* as ProxySQL's, without compression and TLS */
    packet_put_int(&out, 33, 1);
    packet_put_int(&out, PACKET_STATUS_AUTOCOMMIT, 2);
    packet_put_int(&out, 0x000b, 2);
    packet_put_int(&out, SCRAMBLE_BYTES + 1, 1);
    packet_put(&out, "\0\0\0\0\0\0\0\0\0", 10);
    packet_put(&out, scramble + 8, SCRAMBLE_BYTES - 8);
    packet_put_int(&out, 0, 1);
    packet_put(&out, "mysql_native_password", sizeof "mysql_native_password");
    packet_end(&out);
    return flush(&out, s->fd);
}

static bool send_error(int fd)
{
    struct packet_writer out;
    packet_writer_init(&out);
    packet_err(&out, 1040, "08004", "Too many connections");
    return flush(&out, fd);
}

static void note_query_locked(struct traffic_server *t, struct session *s, const char *sql, size_t len)
    REQUIRES(t->lock)
{
    t->counters.questions++;
    if (len >= 5 && strncasecmp(sql, "BEGIN", 5) == 0)
        s->in_transaction = true;
    else if ((len >= 6 && strncasecmp(sql, "COMMIT", 6) == 0) || (len >= 8 && strncasecmp(sql, "ROLLBACK", 8) == 0))
        s->in_transaction = false;
}

/* One whole packet of a client. False: close it. */
static bool handle_packet_locked(struct traffic_server *t, struct session *s, const char *payload, size_t len,
                                 uint8_t seq) REQUIRES(t->lock)
{
    s->last_ms = clock_mono_ms();
    if (!s->logged_in) {
        if (len > 32)
            (void)snprintf(s->user, sizeof s->user, "%.*s", (int)(len - 32), payload + 32);
        s->logged_in = true;
    } else if (len == 0 || payload[0] == COM_QUIT) {
        return false;
    } else if (payload[0] == COM_QUERY) {
        note_query_locked(t, s, payload + 1, len - 1);
    }
    struct packet_writer out;
    packet_writer_init(&out);
    packet_writer_reset(&out, (uint8_t)(seq + 1));
    packet_ok(&out, 0, NULL);
    return flush(&out, s->fd);
}

static bool read_session_locked(struct traffic_server *t, struct session *s) REQUIRES(t->lock)
{
    char chunk[4096];
    ssize_t n = recv(s->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0 || buf_append(&s->in, chunk, (size_t)n) < 0)
        return false;
    if (s->mute)
        buf_reset(&s->in);
    while (s->in.len >= 4) {
        const unsigned char *header = (const unsigned char *)s->in.data;
        size_t len = header[0] | ((size_t)header[1] << 8) | ((size_t)header[2] << 16);
        if (s->in.len < len + 4)
            break;
        if (!handle_packet_locked(t, s, s->in.data + 4, len, header[3]))
            return false;
        buf_consume(&s->in, len + 4);
    }
    return true;
}

static void name_peer(struct session *s, const struct sockaddr_storage *peer, socklen_t len)
{
    char port[8];
    if (getnameinfo((const struct sockaddr *)peer, len, s->host, sizeof s->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        s->port = (unsigned)strtoul(port, NULL, 10);
}

static struct session *free_slot_locked(struct traffic_server *t) REQUIRES(t->lock)
{
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++)
        if (t->sessions[i].fd < 0)
            return &t->sessions[i];
    return NULL;
}

static void accept_session_locked(struct traffic_server *t) REQUIRES(t->lock)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    cleanup_fd int fd = accept4(t->listener.fd, (struct sockaddr *)&peer, &peer_len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    int mode = atomic_load(&t->faults->traffic);
    struct session *s = free_slot_locked(t);
    t->counters.created++;
    if (s == NULL || mode == TRAFFIC_ERR) {
        (void)send_error(fd);
        return;
    }
    *s = (struct session){.fd = take_fd(&fd), .last_ms = clock_mono_ms(), .mute = mode == TRAFFIC_SILENT};
    s->id = atomic_fetch_add(t->next_session_id, 1);
    buf_init(&s->in, input_max);
    name_peer(s, &peer, peer_len);
    t->counters.connected++;
    if (!s->mute && !send_greeting(s))
        close_session_locked(t, s);
}

/* The descriptors to wait for: wake-up, listener, then the sessions by slot. */
static nfds_t gather_locked(struct traffic_server *t, struct pollfd *ret_fds, size_t *ret_slots) REQUIRES(t->lock)
{
    nfds_t count = 0;
    ret_fds[count++] = (struct pollfd){.fd = t->listener.wake_fd, .events = POLLIN};
    ret_fds[count++] = (struct pollfd){.fd = t->listener.fd, .events = POLLIN};
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        if (t->sessions[i].fd < 0)
            continue;
        ret_slots[count] = i;
        ret_fds[count++] = (struct pollfd){.fd = t->sessions[i].fd, .events = POLLIN};
    }
    return count;
}

static void *serve(void *arg)
{
    struct traffic_server *t = arg;
    struct pollfd fds[TRAFFIC_SESSIONS_MAX + 2];
    size_t slots[TRAFFIC_SESSIONS_MAX + 2];
    for (;;) {
        mutex_lock(&t->lock);
        nfds_t count = gather_locked(t, fds, slots);
        mutex_unlock(&t->lock);
        if (poll(fds, count, -1) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents != 0 && !listener_service(&t->listener))
            return NULL;
        mutex_lock(&t->lock);
        for (nfds_t i = 2; i < count; i++) {
            struct session *s = &t->sessions[slots[i]];
            if (fds[i].revents != 0 && !read_session_locked(t, s))
                close_session_locked(t, s);
        }
        if (fds[1].revents != 0 && t->listener.fd >= 0)
            accept_session_locked(t);
        mutex_unlock(&t->lock);
    }
}

int traffic_server_start(const char *address, const struct faults *faults, atomic_uint *next_session_id,
                         struct traffic_server **ret_server, struct error *err)
{
    struct traffic_server *t = xcalloc(1, sizeof *t);
    t->faults = faults;
    t->next_session_id = next_session_id;
    mutex_init(&t->pause_lock);
    mutex_init(&t->lock);
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++)
        t->sessions[i].fd = -1;
    mutex_unlock(&t->lock);
    int r = listener_init(&t->listener, address, err);
    if (r == 0)
        r = listener_start(&t->listener, err);
    if (r == 0)
        r = thread_start(&t->thread, "traffic", serve, t, err);
    t->running = r == 0;
    if (r < 0) {
        traffic_server_stop(t);
        return error_wrap(err, "traffic port");
    }
    *ret_server = t;
    return 0;
}

void traffic_server_stop(struct traffic_server *t)
{
    if (t == NULL)
        return;
    if (t->running) {
        listener_stop(&t->listener);
        thread_join(t->thread);
    }
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++)
        if (t->sessions[i].fd >= 0)
            close_session_locked(t, &t->sessions[i]);
    mutex_unlock(&t->lock);
    listener_fini(&t->listener);
    mutex_fini(&t->lock);
    mutex_fini(&t->pause_lock);
    free(t);
}

void traffic_server_address(const struct traffic_server *t, char *ret_text, size_t size)
{
    listener_format(&t->listener, ret_text, size);
}

static void apply(struct traffic_server *t)
{
    listener_set_open(&t->listener, !t->paused && atomic_load(&t->faults->traffic) != TRAFFIC_REFUSE);
}

bool traffic_server_pause(struct traffic_server *t, bool pause)
{
    mutex_lock(&t->pause_lock);
    bool changed = t->paused != pause;
    t->paused = pause;
    if (changed)
        apply(t);
    mutex_unlock(&t->pause_lock);
    mutex_lock(&t->lock);
    t->counters.paused = pause;
    mutex_unlock(&t->lock);
    return changed;
}

void traffic_server_apply_mode(struct traffic_server *t)
{
    mutex_lock(&t->pause_lock);
    apply(t);
    mutex_unlock(&t->pause_lock);
}

bool traffic_server_kill(struct traffic_server *t, uint32_t id)
{
    bool found = false;
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX && !found; i++) {
        found = t->sessions[i].fd >= 0 && t->sessions[i].id == id;
        if (found)
            (void)shutdown(t->sessions[i].fd, SHUT_RDWR);
    }
    mutex_unlock(&t->lock);
    return found;
}

void traffic_server_count(struct traffic_server *t, struct traffic_counters *ret_counters)
{
    mutex_lock(&t->lock);
    *ret_counters = t->counters;
    ret_counters->transactions = 0;
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++)
        ret_counters->transactions += t->sessions[i].fd >= 0 && t->sessions[i].in_transaction;
    mutex_unlock(&t->lock);
}

void traffic_server_sessions(struct traffic_server *t,
                             void (*visit)(void *context, const struct traffic_session *session), void *context)
{
    int64_t now_ms = clock_mono_ms();
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        const struct session *s = &t->sessions[i];
        if (s->fd < 0 || !s->logged_in)
            continue;
        struct traffic_session view = {
            .id = s->id, .user = s->user, .host = s->host, .port = s->port, .idle_ms = now_ms - s->last_ms};
        visit(context, &view);
    }
    mutex_unlock(&t->lock);
}
