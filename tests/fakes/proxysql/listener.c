#include "tests/fakes/proxysql/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "shared/mem.h"

enum { listen_backlog = 1024 };

static int bind_socket(struct listener *l)
{
    cleanup_fd int fd = socket(l->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (const struct sockaddr *)&l->address, l->address_len) < 0)
        return -errno;
    l->address_len = sizeof l->address;
    if (getsockname(fd, (struct sockaddr *)&l->address, &l->address_len) < 0)
        return -errno;
    l->fd = take_fd(&fd);
    return 0;
}

static int resolve(struct listener *l, const char *address, struct error *err)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof host)
        return error_set(err, -EINVAL, "%s: not host:port", address);
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *found = NULL;
    int r = getaddrinfo(host, colon + 1, &hints, &found);
    if (r != 0)
        return error_set(err, -EINVAL, "%s: %s", address, gai_strerror(r));
    memcpy(&l->address, found->ai_addr, found->ai_addrlen);
    l->address_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int listener_init(struct listener *l, const char *address, struct error *err)
{
    *l = (struct listener){.fd = -1};
    mutex_init(&l->lock);
    cond_init(&l->applied);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->wake_fd < 0)
        return error_set(err, -errno, "eventfd: %s", strerror(errno));
    int r = resolve(l, address, err);
    if (r < 0)
        return r;
    r = bind_socket(l);
    return r < 0 ? error_set(err, r, "bind to %s: %s", address, strerror(-r)) : 0;
}

int listener_start(struct listener *l, struct error *err)
{
    if (listen(l->fd, listen_backlog) < 0)
        return error_set(err, -errno, "listen: %s", strerror(errno));
    mutex_lock(&l->lock);
    l->want_open = true;
    l->is_open = true;
    mutex_unlock(&l->lock);
    return 0;
}

void listener_fini(struct listener *l)
{
    fd_close(l->fd);
    fd_close(l->wake_fd);
    cond_fini(&l->applied);
    mutex_fini(&l->lock);
}

void listener_format(const struct listener *l, char *ret_text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    char port[8];
    if (getnameinfo((const struct sockaddr *)&l->address, l->address_len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        abort();
    (void)snprintf(ret_text, size, "%s:%s", host, port);
}

void listener_wake(struct listener *l)
{
    uint64_t one = 1;
    if (write(l->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN)
        abort();
}

void listener_set_open(struct listener *l, bool open)
{
    mutex_lock(&l->lock);
    l->want_open = open;
    listener_wake(l);
    while (l->is_open != open && !l->stopping)
        (void)cond_wait_until(&l->applied, &l->lock, INT64_MAX);
    mutex_unlock(&l->lock);
}

void listener_stop(struct listener *l)
{
    mutex_lock(&l->lock);
    l->stopping = true;
    listener_wake(l);
    cond_broadcast(&l->applied);
    mutex_unlock(&l->lock);
}

bool listener_service(struct listener *l)
{
    uint64_t count;
    if (read(l->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        abort();
    mutex_lock(&l->lock);
    if (!l->want_open && l->fd >= 0) {
        fd_close(l->fd);
        l->fd = -1;
    } else if (l->want_open && l->fd < 0 && (bind_socket(l) < 0 || listen(l->fd, listen_backlog) < 0)) {
        (void)fprintf(stderr, "fake-proxysql: cannot listen again: %s\n", strerror(errno));
    }
    l->is_open = l->want_open;
    bool going_on = !l->stopping;
    cond_broadcast(&l->applied);
    mutex_unlock(&l->lock);
    return going_on;
}
