#include "tests/fakes/proxysql/peer_link.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tests/fakes/proxysql/cluster.h"

/* Let cluster_stop() find the socket. False: it has been there already. */
static bool publish_socket(struct peer_link *link, int fd)
{
    struct cluster *c = link->peer->cluster;
    mutex_lock(&c->lock);
    link->peer->fds[link->use] = fd;
    bool go_on = !c->stopping;
    mutex_unlock(&c->lock);
    return go_on;
}

static void format_peer_address(int fd, char *ret_address)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    ret_address[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&address, &len) < 0)
        return;
    const void *raw = address.ss_family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                                                    : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    if (inet_ntop(address.ss_family, raw, ret_address, INET6_ADDRSTRLEN) == NULL)
        ret_address[0] = '\0';
}

bool peer_link_open(struct peer_link *link, struct peer *peer, enum peer_use use, const char *host, uint16_t port,
                    char *ret_address)
{
    static const unsigned connect_timeout_s = 1;
    struct cluster_settings settings;
    cluster_get_settings(peer->cluster, &settings);
    *link = (struct peer_link){.peer = peer, .use = use, .connection = mysql_init(NULL)};
    if (link->connection == NULL)
        return false;
    (void)mysql_options(link->connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout_s);
    if (mysql_real_connect(link->connection, host, settings.username, settings.password, NULL, port, NULL, 0) == NULL) {
        mysql_close(link->connection);
        return false;
    }
    int fd = (int)mysql_get_socket(link->connection);
    if (!publish_socket(link, fd)) {
        peer_link_close(link);
        return false;
    }
    if (ret_address != NULL)
        format_peer_address(fd, ret_address);
    return true;
}

void peer_link_close(struct peer_link *link)
{
    (void)publish_socket(link, -1);
    mysql_close(link->connection);
    link->connection = NULL;
}

MYSQL_RES *peer_link_ask(struct peer_link *link, const char *question)
{
    return mysql_query(link->connection, question) == 0 ? mysql_store_result(link->connection) : NULL;
}

bool peer_link_tell(struct peer_link *link, const char *command)
{
    return mysql_query(link->connection, command) == 0;
}
