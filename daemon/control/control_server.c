#include "daemon/control/control_server.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "daemon/control/control_private.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/mem.h"

enum {
    fixed_fds = 2, /* the listener, the wake */
    accept_pause_ms = 100,
    stack_bytes = 512 * 1024,
};

static size_t count_clients(const struct control_server *s)
{
    size_t count = 0;
    const struct control_client *c;
    TAILQ_FOREACH(c, &s->clients, link)
    {
        count++;
    }
    return count;
}

static void close_client(struct control_server *s, struct control_client *c)
{
    control_call_abandon(c);
    TAILQ_REMOVE(&s->clients, c, link);
    control_client_free(c);
}

/* Make room by ending the client that has been idle longest. */
static bool make_room(struct control_server *s, int64_t now_ms)
{
    struct control_client *oldest = NULL;
    struct control_client *c;
    TAILQ_FOREACH(c, &s->clients, link)
    {
        if (c->state == CONTROL_CLIENT_IDLE && now_ms - c->since_ms >= CONTROL_YOUNG_MS &&
            (oldest == NULL || c->since_ms < oldest->since_ms))
            oldest = c;
    }
    if (oldest == NULL)
        return false;
    close_client(s, oldest);
    mutex_lock(&s->lock);
    s->stats.crowded++;
    mutex_unlock(&s->lock);
    return true;
}

static void count(struct control_server *s, uint64_t accepted, uint64_t timed_out)
{
    mutex_lock(&s->lock);
    s->stats.accepted += accepted;
    s->stats.timed_out += timed_out;
    s->stats.clients = count_clients(s);
    mutex_unlock(&s->lock);
}

static void accept_clients(struct control_server *s, int64_t now_ms)
{
    uint64_t accepted = 0;
    s->accept_again_ms = 0;
    for (;;) {
        if (count_clients(s) >= CONTROL_CLIENTS_MAX && !make_room(s, now_ms)) {
            s->accept_again_ms = now_ms + accept_pause_ms;
            break;
        }
        int fd = accept4(s->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) /* no descriptors left: others go on */
                s->accept_again_ms = now_ms + accept_pause_ms;
            break;
        }
        struct control_client *c = control_client_new(fd, now_ms);
        TAILQ_INSERT_TAIL(&s->clients, c, link);
        accepted++;
    }
    count(s, accepted, 0);
}

static void receive(struct control_server *s, struct control_client *c, int64_t now_ms)
{
    struct error err = ERROR_INIT;
    const uint8_t *content = NULL;
    size_t len = 0;
    int rc = control_client_receive(c, now_ms, &content, &len, &err);
    if (rc < 0) {
        control_call_malformed(s, c, &err, now_ms);
    } else if (rc > 0) {
        control_call_begin(s, c, content, len, now_ms);
        control_client_drop_frame(c, len);
    }
}

static void handle_client(struct control_server *s, struct control_client *c, short events, int64_t now_ms)
{
    bool receives = c->state == CONTROL_CLIENT_IDLE || c->state == CONTROL_CLIENT_RECEIVING;
    if ((events & POLLIN) != 0 && receives)
        receive(s, c, now_ms);
    if ((events & POLLOUT) != 0)
        control_client_send(c, now_ms);
    if ((events & (POLLHUP | POLLERR)) != 0)
        c->gone = true;
}

/* End who has left, and who is too slow. */
static void sweep(struct control_server *s, int64_t now_ms)
{
    uint64_t timed_out = 0;
    struct control_client *c = TAILQ_FIRST(&s->clients);
    while (c != NULL) {
        struct control_client *next = TAILQ_NEXT(c, link);
        bool late = control_client_deadline_ms(c) <= now_ms;
        if (late && !c->gone)
            timed_out++;
        if (late || c->gone)
            close_client(s, c);
        c = next;
    }
    count(s, 0, timed_out);
}

static int64_t next_deadline(const struct control_server *s, int64_t end_ms)
{
    int64_t next = control_wait_next_deadline(s);
    const struct control_client *c;
    TAILQ_FOREACH(c, &s->clients, link)
    {
        int64_t deadline = control_client_deadline_ms(c);
        next = deadline < next ? deadline : next;
    }
    if (s->accept_again_ms != 0 && s->accept_again_ms < next)
        next = s->accept_again_ms;
    return end_ms < next ? end_ms : next;
}

static size_t fill_poll(struct control_server *s, bool stopping, struct pollfd *fds, struct control_client **clients)
{
    size_t n = fixed_fds;
    bool accepts = !stopping && s->accept_again_ms == 0;
    fds[0] = (struct pollfd){.fd = accepts ? s->socket.fd : -1, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
    struct control_client *c;
    TAILQ_FOREACH(c, &s->clients, link)
    {
        clients[n] = c;
        fds[n++] = (struct pollfd){.fd = c->fd, .events = control_client_events(c)};
    }
    return n;
}

static void run_once(struct control_server *s, bool stopping, int64_t end_ms)
{
    struct pollfd fds[fixed_fds + CONTROL_CLIENTS_MAX];
    struct control_client *clients[fixed_fds + CONTROL_CLIENTS_MAX];
    size_t n = fill_poll(s, stopping, fds, clients);
    int64_t next = next_deadline(s, end_ms);
    int ready = poll(fds, (nfds_t)n, next == INT64_MAX ? -1 : clock_left_ms(next));
    int64_t now_ms = clock_mono_ms();
    eventfd_t ignored;
    if (ready > 0 && fds[1].revents != 0)
        (void)eventfd_read(s->wake_fd, &ignored);
    for (size_t i = fixed_fds; ready > 0 && i < n; i++)
        if (fds[i].revents != 0)
            handle_client(s, clients[i], fds[i].revents, now_ms);
    control_wait_run_posted(s, now_ms);
    control_wait_run_deadlines(s, now_ms);
    sweep(s, now_ms);
    bool accept_now = fds[0].revents != 0 || (s->accept_again_ms != 0 && s->accept_again_ms <= now_ms);
    if (accept_now && !stopping)
        accept_clients(s, now_ms);
}

static bool is_stopping(struct control_server *s)
{
    mutex_lock(&s->lock);
    bool stopping = s->stopping;
    mutex_unlock(&s->lock);
    return stopping;
}

static bool is_busy(const struct control_server *s)
{
    const struct control_client *c;
    TAILQ_FOREACH(c, &s->clients, link)
    {
        if (c->state == CONTROL_CLIENT_SENDING || c->state == CONTROL_CLIENT_CLOSING)
            return true;
    }
    return false;
}

static void *run(void *arg)
{
    struct control_server *s = arg;
    while (!is_stopping(s))
        run_once(s, false, INT64_MAX);
    int64_t end_ms = clock_mono_ms() + s->grace_ms;
    control_wait_run_posted(s, clock_mono_ms());
    control_wait_run_deadlines(s, INT64_MAX);
    while (is_busy(s) && clock_mono_ms() < end_ms)
        run_once(s, true, end_ms);
    while (!TAILQ_EMPTY(&s->clients))
        close_client(s, TAILQ_FIRST(&s->clients));
    return NULL;
}

static struct control_server *server_new(const struct control_server_options *options)
{
    struct control_server *s = xcalloc(1, sizeof(*s));
    s->handlers = options->handlers;
    s->context = options->context;
    s->socket.fd = -1;
    s->wake_fd = -1;
    TAILQ_INIT(&s->clients);
    TAILQ_INIT(&s->waits);
    mutex_init(&s->lock);
    mutex_lock(&s->lock);
    TAILQ_INIT(&s->posted);
    mutex_unlock(&s->lock);
    return s;
}

int control_server_start(struct control_server **ret_server, const struct control_server_options *options,
                         struct error *err)
{
    struct control_server *s = server_new(options);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int rc = s->wake_fd < 0 ? error_set(err, -errno, "eventfd: %s", strerror(errno)) : 0;
    if (rc == 0)
        rc = control_socket_open(options->path, options->mode, &s->socket, err);
    if (rc == 0)
        rc = thread_start_stack(&s->thread, "control", stack_bytes, run, s, err);
    if (rc < 0) {
        control_server_free(s);
        return rc;
    }
    *ret_server = s;
    return 0;
}

const char *control_server_path(const struct control_server *s)
{
    return s->socket.path;
}

void control_server_stop(struct control_server *s, int64_t grace_ms)
{
    if (s == NULL)
        return;
    s->grace_ms = grace_ms;
    mutex_lock(&s->lock);
    s->stopping = true;
    mutex_unlock(&s->lock);
    (void)eventfd_write(s->wake_fd, 1);
    thread_join(s->thread);
    control_socket_close(&s->socket);
}

void control_server_free(struct control_server *s)
{
    if (s == NULL)
        return;
    control_wait_free_all(s);
    control_socket_close(&s->socket);
    fd_close(s->wake_fd);
    mutex_fini(&s->lock);
    free(s);
}

void control_server_get_stats(struct control_server *s, struct control_server_stats *ret_stats)
{
    mutex_lock(&s->lock);
    *ret_stats = s->stats;
    mutex_unlock(&s->lock);
}
