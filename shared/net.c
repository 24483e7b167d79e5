#include "shared/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/str.h"

socklen_t net_sockaddr(const char *address, uint16_t port, struct sockaddr_storage *ret_sockaddr)
{
    memset(ret_sockaddr, 0, sizeof(*ret_sockaddr));
    struct sockaddr_in *v4 = (void *)ret_sockaddr;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    struct sockaddr_in6 *v6 = (void *)ret_sockaddr;
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(*v6);
}

int net_connect_start(const char *address, uint16_t port)
{
    struct sockaddr_storage sockaddr;
    socklen_t len = net_sockaddr(address, port, &sockaddr);
    if (len == 0)
        return -EINVAL;
    cleanup_fd int fd = socket(sockaddr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&sockaddr, len) < 0 && errno != EINPROGRESS)
        return -errno;
    return take_fd(&fd);
}

int net_connect_result(int fd)
{
    int code = 0;
    socklen_t len = sizeof(code);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
        return -errno;
    return -code;
}

static bool spell(const char *text, char ret_ip[INET6_ADDRSTRLEN])
{
    unsigned char raw[sizeof(struct in6_addr)];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    return inet_pton(family, text, raw) == 1 && inet_ntop(family, raw, ret_ip, INET6_ADDRSTRLEN) != NULL;
}

/* host gets what is before the port; an IPv6 address without brackets has none. */
static bool split_port(const char *text, char *host, size_t size, uint16_t *ret_port)
{
    size_t len = strlen(text);
    bool bracketed = text[0] == '[';
    *ret_port = 0;
    if (len + 1 > size)
        return false;
    if (bracketed && text[len - 1] == ']') {
        memcpy(host, text + 1, len - 2);
        host[len - 2] = '\0';
        return strchr(host, ':') != NULL;
    }
    memcpy(host, text, len + 1);
    if (!bracketed && strchr(text, ':') == strrchr(text, ':'))
        return strchr(text, ':') == NULL || str_split_host_port(text, host, size, ret_port) == 0;
    return !bracketed || (str_split_host_port(text, host, size, ret_port) == 0 && strchr(host, ':') != NULL);
}

int net_parse_address(const char *text, char ret_ip[INET6_ADDRSTRLEN], uint16_t *ret_port)
{
    char host[INET6_ADDRSTRLEN + sizeof("[]:65535")];
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;
    if (!split_port(text, host, sizeof(host), &port) || !spell(host, ip) || strcmp(ip, "0.0.0.0") == 0 ||
        strcmp(ip, "::") == 0)
        return -EINVAL;
    memcpy(ret_ip, ip, sizeof(ip));
    *ret_port = port;
    return 0;
}
