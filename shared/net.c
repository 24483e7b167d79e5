#include "shared/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "shared/mem.h"

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
