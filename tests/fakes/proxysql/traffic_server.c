#include "tests/fakes/proxysql/traffic_server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/listener.h"
#include "tests/fakes/proxysql/packet.h"
#include "tests/fakes/proxysql/session.h"

enum {
    poll_timeout_us = 2000 * 1000,
    poll_timeout_pausing_us = 100 * 1000, /* with a wait_timeout of 0 (run_ComputePollTimeout) */
    maintenance_interval_us = 1000 * 1000,
};

struct worker {
    bool due;      /* makes a pass in this round */
    bool signaled; /* by a KILL: the next pass is one of maintenance */
    int64_t now_us;
    int64_t maintained_us;
    int64_t wait_timeout_ms;
    int64_t transactions; /* as counted in the last maintenance */
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
    struct backend *backend GUARDED;
    struct worker workers[TRAFFIC_WORKERS] GUARDED;
    struct session sessions[TRAFFIC_SESSIONS_MAX] GUARDED;
    struct traffic_counters counters GUARDED;
    int64_t wait_timeout_ms GUARDED;
};

static void close_session_locked(struct traffic_server *t, struct session *s) REQUIRES(t->lock)
{
    session_close(s);
    t->counters.connected--;
}

static void refuse_client(int fd)
{
    struct packet_writer out;
    packet_writer_init(&out);
    packet_err(&out, 1040, "08004", "Too many connections");
    (void)send(fd, out.out.data, out.out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    packet_writer_fini(&out);
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
        refuse_client(fd);
        return;
    }
    uint32_t id = atomic_fetch_add(t->next_session_id, 1);
    unsigned worker = id % TRAFFIC_WORKERS;
    t->counters.connected++;
    bool greeted = session_open(s, take_fd(&fd), id, mode == TRAFFIC_SILENT, t->workers[worker].now_us);
    s->worker = worker;
    session_set_peer(s, &peer, peer_len);
    if (!greeted)
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

/* When the worker makes a pass though no client of its own sends anything. */
static int64_t next_pass_us(const struct worker *w)
{
    return w->now_us + (w->wait_timeout_ms == 0 ? poll_timeout_pausing_us : poll_timeout_us);
}

static int64_t first_event_us_locked(struct traffic_server *t) REQUIRES(t->lock)
{
    int64_t first_us = INT64_MAX;
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++)
        if (next_pass_us(&t->workers[i]) < first_us)
            first_us = next_pass_us(&t->workers[i]);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        const struct session *s = &t->sessions[i];
        if (s->fd >= 0 && s->state == SESSION_QUERY && s->busy_until_us < first_us)
            first_us = s->busy_until_us;
    }
    return first_us;
}

static void choose_workers_locked(struct traffic_server *t, const struct pollfd *fds, const size_t *slots, nfds_t count,
                                  int64_t now_us) REQUIRES(t->lock)
{
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++) {
        struct worker *w = &t->workers[i];
        w->due = w->signaled || fds[1].revents != 0 || now_us >= next_pass_us(w);
    }
    for (nfds_t i = 2; i < count; i++)
        if (fds[i].revents != 0)
            t->workers[t->sessions[slots[i]].worker].due = true;
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        const struct session *s = &t->sessions[i];
        if (s->fd >= 0 && s->state == SESSION_QUERY && now_us >= s->busy_until_us)
            t->workers[s->worker].due = true;
    }
}

/* A session that runs a statement or is in a transaction does not look idle. */
static void maintain_locked(struct worker *w, struct session *s)
{
    bool in_transaction = session_in_transaction(s);
    w->transactions += in_transaction;
    int64_t idle_ms = s->state == SESSION_QUERY ? 0 : (w->now_us - s->last_us) / 1000;
    if (idle_ms > w->wait_timeout_ms && !in_transaction && !s->mute)
        s->killed = true;
}

static void begin_pass_locked(struct traffic_server *t, struct worker *w, int64_t now_us, bool *ret_maintenance)
    REQUIRES(t->lock)
{
    w->now_us = now_us;
    w->wait_timeout_ms = t->wait_timeout_ms;
    *ret_maintenance = w->signaled || now_us > w->maintained_us + maintenance_interval_us;
    if (now_us > w->maintained_us + maintenance_interval_us)
        w->maintained_us = now_us;
    w->signaled = false;
    if (*ret_maintenance)
        w->transactions = 0;
}

/* What the pass of their worker does with the sessions of all workers that make one. */
static void work_locked(struct traffic_server *t, const bool *maintenance) REQUIRES(t->lock)
{
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        struct session *s = &t->sessions[i];
        struct worker *w = &t->workers[s->worker];
        if (s->fd < 0 || !w->due)
            continue;
        if (maintenance[s->worker])
            maintain_locked(w, s);
        if (!session_work(s, t->backend, w->now_us, &t->counters.questions) || s->killed)
            close_session_locked(t, s);
    }
}

/* One pass of the workers that have a reason for one. What arrived after poll(2) is left for the next. */
static void pass_locked(struct traffic_server *t, const struct pollfd *fds, const size_t *slots, nfds_t count)
    REQUIRES(t->lock)
{
    int64_t now_us = clock_mono_us();
    bool maintenance[TRAFFIC_WORKERS] = {false};
    choose_workers_locked(t, fds, slots, count, now_us);
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++)
        if (t->workers[i].due)
            begin_pass_locked(t, &t->workers[i], now_us, &maintenance[i]);
    for (nfds_t i = 2; i < count; i++) {
        struct session *s = &t->sessions[slots[i]];
        if (fds[i].revents != 0 && !session_receive(s, now_us))
            close_session_locked(t, s);
    }
    work_locked(t, maintenance);
    if (fds[1].revents != 0 && t->listener.fd >= 0)
        accept_session_locked(t);
}

static int timeout_ms(int64_t at_us)
{
    int64_t left_us = at_us - clock_mono_us();
    return left_us > 0 ? (int)(left_us / 1000 + 1) : 0;
}

static void *serve(void *arg)
{
    struct traffic_server *t = arg;
    struct pollfd fds[TRAFFIC_SESSIONS_MAX + 2];
    size_t slots[TRAFFIC_SESSIONS_MAX + 2];
    for (;;) {
        mutex_lock(&t->lock);
        nfds_t count = gather_locked(t, fds, slots);
        int64_t first_us = first_event_us_locked(t);
        mutex_unlock(&t->lock);
        if (poll(fds, count, timeout_ms(first_us)) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents != 0 && !listener_service(&t->listener))
            return NULL;
        mutex_lock(&t->lock);
        pass_locked(t, fds, slots, count);
        mutex_unlock(&t->lock);
    }
}

static void init_locked(struct traffic_server *t) REQUIRES(t->lock)
{
    t->backend = backend_new();
    t->wait_timeout_ms = INT64_MAX;
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++)
        t->workers[i] = (struct worker){.now_us = clock_mono_us(), .wait_timeout_ms = INT64_MAX};
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++)
        t->sessions[i].fd = -1;
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
    init_locked(t);
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
    backend_free(t->backend);
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

void traffic_server_set_wait_timeout(struct traffic_server *t, int64_t wait_timeout_ms)
{
    mutex_lock(&t->lock);
    t->wait_timeout_ms = wait_timeout_ms;
    mutex_unlock(&t->lock);
}

bool traffic_server_kill(struct traffic_server *t, uint32_t id)
{
    bool found = false;
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX && !found; i++) {
        found = t->sessions[i].fd >= 0 && t->sessions[i].id == id;
        if (found)
            t->sessions[i].killed = true;
    }
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++)
        t->workers[i].signaled = true;
    mutex_unlock(&t->lock);
    listener_wake(&t->listener);
    return found;
}

void traffic_server_count(struct traffic_server *t, struct traffic_counters *ret_counters)
{
    mutex_lock(&t->lock);
    *ret_counters = t->counters;
    ret_counters->transactions = 0;
    for (size_t i = 0; i < TRAFFIC_WORKERS; i++)
        ret_counters->transactions += t->workers[i].transactions;
    mutex_unlock(&t->lock);
}

static struct traffic_session view_locked(const struct traffic_server *t, const struct session *s) REQUIRES(t->lock)
{
    static const char *const commands[] = {
        [SESSION_CONNECTING] = "Connecting client", [SESSION_SLEEP] = "Sleep", [SESSION_QUERY] = "Query"};
    int64_t now_us = t->workers[s->worker].now_us;
    return (struct traffic_session){
        .worker = s->worker,
        .id = s->id,
        .user = s->state == SESSION_CONNECTING ? "unauthenticated user" : s->user,
        .db = s->db,
        .host = s->host,
        .port = s->port,
        .command = commands[s->state],
        .time_ms = now_us > s->last_us ? (now_us - s->last_us) / 1000 : 0,
        .holds_backend = session_holds_backend(s),
        .info = s->state == SESSION_QUERY ? s->statement.data : NULL,
        .status_flags = s->status_flags,
    };
}

void traffic_server_sessions(struct traffic_server *t,
                             void (*visit)(void *context, const struct traffic_session *session), void *context)
{
    mutex_lock(&t->lock);
    for (size_t i = 0; i < TRAFFIC_SESSIONS_MAX; i++) {
        if (t->sessions[i].fd < 0)
            continue;
        struct traffic_session view = view_locked(t, &t->sessions[i]);
        visit(context, &view);
    }
    mutex_unlock(&t->lock);
}
