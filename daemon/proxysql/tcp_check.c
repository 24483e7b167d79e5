#include "daemon/proxysql/tcp_check.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/net.h"
#include "shared/resolve.h"

/* Two addresses a target (IPv4 and IPv6) on average. */
enum { attempts_max = TCP_CHECK_TARGETS_MAX * 2 };

struct attempts {
    size_t count;
    struct pollfd fds[attempts_max];
    struct tcp_target *targets[attempts_max];
};

static void start_one(struct attempts *a, struct tcp_target *target, const char *address)
{
    int fd = a->count < attempts_max ? net_connect_start(address, target->port) : -EMFILE;
    if (fd < 0)
        return;
    a->fds[a->count] = (struct pollfd){.fd = fd, .events = POLLOUT};
    a->targets[a->count] = target;
    a->count++;
}

static bool is_numeric(const struct tcp_target *target)
{
    struct sockaddr_storage ignored;
    return net_sockaddr(target->host, target->port, &ignored) > 0;
}

static void start_name(struct attempts *a, struct tcp_target *target, int64_t deadline_ms)
{
    struct resolved addresses = {0};
    if (resolve_host(target->host, deadline_ms, &addresses, NULL) < 0)
        return;
    for (size_t i = 0; i < addresses.count; i++)
        start_one(a, target, addresses.address[i]);
}

/* Addresses first: a name that DNS does not answer takes all the time there is. */
static void start_all(struct attempts *a, struct tcp_target *targets, size_t count, int64_t deadline_ms)
{
    for (size_t i = 0; i < count; i++) {
        targets[i].accepts = false;
        if (is_numeric(&targets[i]))
            start_one(a, &targets[i], targets[i].host);
    }
    for (size_t i = 0; i < count; i++)
        if (!is_numeric(&targets[i]))
            start_name(a, &targets[i], deadline_ms);
}

/* Take the outcomes that are there; returns how many attempts are still open. */
static size_t take_outcomes(struct attempts *a)
{
    size_t open = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (a->fds[i].fd >= 0 && a->fds[i].revents != 0) {
            if (net_connect_result(a->fds[i].fd) == 0)
                a->targets[i]->accepts = true;
            fd_close(take_fd(&a->fds[i].fd));
        }
        open += a->fds[i].fd >= 0 ? 1 : 0;
    }
    return open;
}

void tcp_check(struct tcp_target *targets, size_t count, int64_t deadline_ms)
{
    assert(count <= TCP_CHECK_TARGETS_MAX);
    struct attempts *a = xcalloc(1, sizeof(*a));
    start_all(a, targets, count, deadline_ms);
    for (size_t open = a->count; open > 0;) {
        int n = poll(a->fds, a->count, clock_left_ms(deadline_ms));
        if (n == 0 || (n < 0 && errno != EINTR))
            break;
        if (n > 0)
            open = take_outcomes(a);
    }
    for (size_t i = 0; i < a->count; i++)
        fd_close(a->fds[i].fd);
    free(a);
}
