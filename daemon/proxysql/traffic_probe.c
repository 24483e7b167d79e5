#include "daemon/proxysql/traffic_probe.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/net.h"
#include "shared/str.h"

/* First payload byte of a greeting (protocol 10), and of an ERR packet, which also proves that somebody serves. */
enum { mysql_greeting = 10, mysql_err = 0xff };

static void decide(struct traffic_probe *p, enum traffic_verdict verdict)
{
    fd_close(take_fd(&p->fd));
    p->verdict = verdict;
}

/* Begin to connect to the next address; without one nobody listens, and the first failure says why. */
static void connect_next(struct traffic_probe *p)
{
    fd_close(take_fd(&p->fd));
    while (p->fd < 0 && p->next < p->addresses.count) {
        int fd = net_connect_start(p->addresses.address[p->next++], p->port);
        if (fd < 0)
            (void)error_set(&p->error, fd, "traffic port: %s", strerror(-fd));
        else
            p->fd = fd;
    }
    if (p->fd < 0)
        decide(p, TRAFFIC_REFUSED);
}

void traffic_probe_start(struct traffic_probe *p, const char *host, uint16_t port, int64_t deadline_ms)
{
    *p = (struct traffic_probe){.fd = -1, .port = port};
    if (resolve_host(host, deadline_ms, &p->addresses, &p->error) < 0)
        (void)error_wrap(&p->error, "traffic port");
    connect_next(p);
}

/* Take what is there. The connect's outcome shows as readable or in SO_ERROR. */
static void look(struct traffic_probe *p)
{
    int rc = net_connect_result(p->fd);
    if (rc < 0 && rc != -ECONNRESET) {
        (void)error_set(&p->error, rc, "traffic port: %s", strerror(-rc));
        connect_next(p);
        return;
    }
    ssize_t n = rc < 0 ? 0 : recv(p->fd, p->head + p->have, sizeof(p->head) - p->have, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN))
        return;
    if (n <= 0) {
        (void)error_set(&p->error, -ECONNRESET, "traffic port: closed without a greeting");
        decide(p, TRAFFIC_SILENT);
        return;
    }
    p->have += (unsigned)n;
    if (p->have < sizeof(p->head))
        return;
    bool empty = p->head[0] == 0 && p->head[1] == 0 && p->head[2] == 0;
    if (!empty && (p->head[4] == mysql_greeting || p->head[4] == mysql_err)) {
        decide(p, TRAFFIC_GREETS);
        return;
    }
    (void)error_set(&p->error, -EPROTO, "traffic port: what it sends is not MySQL's greeting");
    decide(p, TRAFFIC_SILENT);
}

bool traffic_probe_wait(struct traffic_probe *p, int64_t until_ms)
{
    while (p->fd >= 0) {
        struct pollfd fd = {.fd = p->fd, .events = POLLIN};
        int n = poll(&fd, 1, clock_left_ms(until_ms));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        look(p);
    }
    return true;
}

enum traffic_verdict traffic_probe_finish(struct traffic_probe *p, struct error *err)
{
    if (p->fd >= 0) {
        (void)error_set(&p->error, -ETIMEDOUT, "traffic port: no greeting in time");
        decide(p, TRAFFIC_SILENT);
    }
    if (p->verdict != TRAFFIC_GREETS)
        (void)error_set(err, p->error.code, "%s", p->error.text);
    return p->verdict;
}

const char *traffic_verdict_name(enum traffic_verdict verdict)
{
    static const char *const names[] = {"unknown", "greets", "silent", "refused"};
    assert((size_t)verdict < ARRAY_LEN(names));
    return names[verdict];
}

static bool is_wildcard(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

int traffic_address_choose(const char *interfaces, const char *admin_host, char ret_host[static TRAFFIC_HOST_SIZE],
                           uint16_t *ret_port)
{
    const char *p = interfaces;
    while (*p != '\0') {
        size_t len = strcspn(p, ";");
        char entry[TRAFFIC_HOST_SIZE + 8];
        char host[TRAFFIC_HOST_SIZE];
        uint16_t port;
        (void)snprintf(entry, sizeof(entry), "%.*s", (int)(len < sizeof(entry) ? len : 0), p);
        if (entry[0] != '/' && str_split_host_port(entry, host, sizeof(host), &port) == 0) {
            (void)snprintf(ret_host, TRAFFIC_HOST_SIZE, "%s", is_wildcard(host) ? admin_host : host);
            *ret_port = port;
            return 0;
        }
        p += len + (p[len] == ';' ? 1 : 0);
    }
    return -ENOENT;
}
