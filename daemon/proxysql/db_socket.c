#include "daemon/proxysql/db_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>

#include "shared/clock.h"

/*
 * Note: waits inside the library. Connector/C's non-blocking calls do not cover TLS: the handshake waits in the
 * library, and reads of a TLS connection block, since its socket is left in blocking mode (seen with 3.3.8;
 * ma_tls_connect() asks is_blocking() the wrong way round). So as soon as the library has read its first bytes, and
 * before it sends any, we make the socket non-blocking and put our own wait, which knows the deadline and the
 * cancel_fd, in the place of the library's: see guard().
 */

/* A dead host is noticed after at most 30 + 3 * 10 s. */
enum { keepalive_idle_s = 30, keepalive_interval_s = 10, keepalive_probes = 3 };

/* Exported by Connector/C, but in none of its headers: calls fn after each read and write of any connection. */
int STDCALL ma_pvio_register_callback(my_bool add,
                                      void (*fn)(int mode, MYSQL *mysql, const unsigned char *bytes, size_t len));

static _Thread_local struct db_socket *connecting;

void db_socket_enter(struct db_socket *s)
{
    connecting = s;
}

void db_socket_leave(void)
{
    connecting = NULL;
}

void db_socket_shut(struct db_socket *s)
{
    my_socket fd = mysql_get_socket(s->mysql);
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    s->broken = true;
}

int db_socket_wait(const struct db_socket *s, int64_t deadline_ms)
{
    struct pollfd fds[2] = {{.fd = mysql_get_socket(s->mysql)}, {.fd = s->cancel_fd, .events = POLLIN}};
    if ((s->waiting & MYSQL_WAIT_READ) != 0)
        fds[0].events |= POLLIN;
    if ((s->waiting & MYSQL_WAIT_WRITE) != 0)
        fds[0].events |= POLLOUT;
    int n;
    do {
        n = poll(fds, 2, clock_left_ms(deadline_ms));
    } while (n < 0 && errno == EINTR);
    if (n > 0 && fds[1].revents != 0)
        return -ECANCELED;
    if (n <= 0)
        return 0;
    int ready = 0;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        ready |= MYSQL_WAIT_READ;
    if ((fds[0].revents & (POLLOUT | POLLHUP | POLLERR)) != 0)
        ready |= MYSQL_WAIT_WRITE;
    return ready & s->waiting;
}

static struct db_socket *socket_of(const MARIADB_PVIO *io)
{
    return (void *)((char *)io->methods - offsetof(struct db_socket, methods));
}

/* The library waits for its socket, not through us. Returns 1 when it is ready, 0 to give up. */
static int wait_inside(MARIADB_PVIO *io, my_bool is_read, int timeout)
{
    (void)timeout;
    struct db_socket *s = socket_of(io);
    if (!s->connecting || s->broken)
        return 0; /* cleaning up */
    s->waiting = is_read ? MYSQL_WAIT_READ : MYSQL_WAIT_WRITE;
    int ready = clock_left_ms(s->deadline_ms) == 0 ? 0 : db_socket_wait(s, s->deadline_ms);
    s->waiting = 0;
    s->wait_rc = ready == 0 ? -ETIMEDOUT : ready < 0 ? ready : 0;
    return ready > 0 ? 1 : 0;
}

/* See the note at the top. */
static void guard(struct db_socket *s)
{
    s->methods = *s->mysql->net.pvio->methods;
    s->methods.wait_io_or_timeout = wait_inside;
    s->mysql->net.pvio->methods = &s->methods;
    int fd = mysql_get_socket(s->mysql);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        db_socket_shut(s);
}

/* The library's hook: it has read (mode 0) or written len bytes; (size_t)-1 when that failed. */
static void bytes_passed(int mode, MYSQL *mysql, const unsigned char *bytes, size_t len)
{
    MARIADB_PVIO *io = mysql->net.pvio;
    if (io == NULL)
        return;
    if (connecting != NULL && connecting->mysql == mysql && io->methods != &connecting->methods)
        guard(connecting);
    if (mode == 0 && len <= SSIZE_MAX && io->methods->wait_io_or_timeout == wait_inside)
        packet_screen_read(&socket_of(io)->screen, (unsigned char *)(uintptr_t)bytes, len);
}

int db_socket_hook_start(void)
{
    return ma_pvio_register_callback(1, bytes_passed) == 0 ? 0 : -EIO;
}

void db_socket_hook_stop(void)
{
    (void)ma_pvio_register_callback(0, bytes_passed);
}

void db_socket_keep_alive(const struct db_socket *s)
{
    int fd = mysql_get_socket(s->mysql);
    const int on = 1;
    const int idle = keepalive_idle_s;
    const int interval = keepalive_interval_s;
    const int probes = keepalive_probes;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* Bytes behind the last answer, read together with it: the next statement would take them for its own answer. */
static bool has_read_ahead(const struct db_socket *s)
{
    const MARIADB_PVIO *io = s->mysql->net.pvio;
    return io != NULL && io->cache != NULL && io->cache + io->cache_size > io->cache_pos;
}

bool db_socket_stale(const struct db_socket *s)
{
    struct pollfd fd = {.fd = mysql_get_socket(s->mysql), .events = POLLIN};
    return has_read_ahead(s) || poll(&fd, 1, 0) != 0;
}
