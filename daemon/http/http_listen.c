#include "daemon/http/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/mem.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t address_len(const union address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static int parse_address(const char *text, uint16_t port, union address *ret_address)
{
    union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    if (text[0] == '\0' || inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        *ret_address = a;
        return 0;
    }
    a = (union address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
    if (inet_pton(AF_INET, text, &a.v4.sin_addr) != 1)
        return -EINVAL;
    *ret_address = a;
    return 0;
}

static int read_port(int fd, uint16_t *ret_port)
{
    union address bound;
    socklen_t len = sizeof(bound);
    if (getsockname(fd, &bound.any, &len) < 0)
        return -errno;
    *ret_port = ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
    return 0;
}

static int open_listener(const union address *a, bool v6_only, int *ret_fd, uint16_t *ret_port)
{
    cleanup_fd int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    int only = v6_only ? 1 : 0;
    int receive = HTTP_RECEIVE_BYTES;
    int send = HTTP_SEND_BYTES;
    /* SO_REUSEPORT would let a second agent share the port instead of failing. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send)) < 0 ||
        (a->any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0) ||
        bind(fd, &a->any, address_len(a)) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    int rc = read_port(fd, ret_port);
    if (rc < 0)
        return rc;
    *ret_fd = take_fd(&fd);
    return 0;
}

static int open_every_address(uint16_t port, int *ret_fd, uint16_t *ret_port)
{
    union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any}};
    int rc = open_listener(&a, false, ret_fd, ret_port);
    if (rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL)
        return rc;
    a = (union address){.v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_ANY)}}};
    return open_listener(&a, false, ret_fd, ret_port);
}

int http_listen(const char *address, uint16_t port, int *ret_fd, uint16_t *ret_port, struct error *err)
{
    union address a;
    if (parse_address(address, port, &a) < 0)
        return error_set(err, -EINVAL, "listen on %s: not a numeric IPv4 or IPv6 address", address);
    bool every = address[0] == '\0';
    int rc = every ? open_every_address(port, ret_fd, ret_port) : open_listener(&a, true, ret_fd, ret_port);
    if (rc == 0)
        return 0;
    bool v6 = !every && a.any.sa_family == AF_INET6;
    return error_set(err, rc, "listen on %s%s%s:%u: %s", v6 ? "[" : "", every ? "*" : address, v6 ? "]" : "",
                     (unsigned)port, strerror(-rc));
}
