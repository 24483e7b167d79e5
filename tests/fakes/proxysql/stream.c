#include "tests/fakes/proxysql/stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

void stream_init(struct stream *s, int fd, int stop_fd, const struct faults *faults)
{
    *s = (struct stream){.fd = fd, .stop_fd = stop_fd, .faults = faults};
}

void stream_fini(struct stream *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
}

int stream_start_tls(struct stream *s, SSL_CTX *context)
{
    s->ssl = SSL_new(context);
    if (s->ssl == NULL || SSL_set_fd(s->ssl, s->fd) != 1 || SSL_accept(s->ssl) != 1)
        return -EPROTO;
    return 0;
}

/* One read of at most len bytes; 0 or less: the peer is gone. */
static ssize_t read_some(struct stream *s, void *ret_data, size_t len)
{
    if (s->ssl != NULL)
        return SSL_read(s->ssl, ret_data, len > INT_MAX ? INT_MAX : (int)len);
    ssize_t n;
    do
        n = recv(s->fd, ret_data, len, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t write_some(struct stream *s, const void *data, size_t len)
{
    if (s->ssl != NULL)
        return SSL_write(s->ssl, data, len > INT_MAX ? INT_MAX : (int)len);
    ssize_t n;
    do
        n = send(s->fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n;
}

int stream_read(struct stream *s, void *ret_data, size_t len)
{
    char *at = ret_data;
    while (len > 0) {
        ssize_t n = read_some(s, at, len);
        if (n <= 0)
            return -ECONNRESET;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int stream_write(struct stream *s, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        int pace = atomic_load(&s->faults->drip_bytes_per_s);
        if (pace > 0 && !stream_wait(s, 1000000 / pace))
            return -ECONNRESET;
        ssize_t n = write_some(s, at, pace > 0 ? 1 : len);
        if (n <= 0)
            return -ECONNRESET;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

bool stream_wait(struct stream *s, int64_t wait_us)
{
    struct pollfd stop = {.fd = s->stop_fd, .events = POLLIN};
    struct timespec wait = {.tv_sec = (time_t)(wait_us / 1000000), .tv_nsec = (long)(wait_us % 1000000) * 1000};
    return ppoll(&stop, 1, &wait, NULL) == 0;
}

void stream_discard(struct stream *s)
{
    char sink[512];
    while (read_some(s, sink, sizeof sink) > 0)
        ;
}
