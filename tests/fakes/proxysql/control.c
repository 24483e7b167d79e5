#include "tests/fakes/proxysql/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"
#include "tests/fakes/proxysql/control_commands.h"

enum { clients_max = 16, line_max = 64 * 1024, answer_max = 64 * 1024 * 1024 };

struct client {
    int fd; /* -1 = free slot */
    struct buf in;
};

struct control {
    struct control_target target;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    int listen_fd;
    int stop_fd; /* eventfd */
    pthread_t thread;
    bool running;
    struct client clients[clients_max];
};

static void close_client(struct client *client)
{
    fd_close(client->fd);
    client->fd = -1;
    buf_fini(&client->in);
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

/* Execute every whole line that has arrived. False: close the client. */
static bool handle_lines(struct control *c, struct client *client)
{
    for (char *end = strchr(client->in.data, '\n'); end != NULL; end = strchr(client->in.data, '\n')) {
        *end = '\0';
        struct buf out;
        buf_init(&out, answer_max);
        control_execute(&c->target, client->in.data, &out);
        bool sent = send_all(client->fd, out.data, out.len);
        buf_fini(&out);
        if (!sent)
            return false;
        buf_consume(&client->in, (size_t)(end - client->in.data) + 1);
    }
    return true;
}

static bool read_client(struct control *c, struct client *client)
{
    char chunk[4096];
    ssize_t n = recv(client->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n <= 0 || buf_append(&client->in, chunk, (size_t)n) < 0)
        return false;
    return handle_lines(c, client);
}

static void accept_client(struct control *c)
{
    cleanup_fd int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < clients_max; i++) {
        if (c->clients[i].fd < 0) {
            c->clients[i].fd = take_fd(&fd);
            buf_init(&c->clients[i].in, line_max);
        }
    }
}

static void *serve(void *arg)
{
    struct control *c = arg;
    for (;;) {
        struct pollfd fds[clients_max + 2];
        fds[0] = (struct pollfd){.fd = c->stop_fd, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = c->listen_fd, .events = POLLIN};
        for (size_t i = 0; i < clients_max; i++)
            fds[i + 2] = (struct pollfd){.fd = c->clients[i].fd, .events = POLLIN};
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            abort();
        if (fds[0].revents != 0)
            return NULL;
        for (size_t i = 0; i < clients_max; i++)
            if (fds[i + 2].revents != 0 && !read_client(c, &c->clients[i]))
                close_client(&c->clients[i]);
        if (fds[1].revents != 0)
            accept_client(c);
    }
}

static int open_socket(struct control *c, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(err, -ENAMETOOLONG, "%s: path too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    (void)unlink(path);
    c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->listen_fd < 0 || bind(c->listen_fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(c->listen_fd, clients_max) < 0)
        return error_set(err, -errno, "%s: %s", path, strerror(errno));
    memcpy(c->path, path, strlen(path) + 1);
    return 0;
}

int control_start(const char *path, struct node *node, struct admin_server *admin, struct control **ret_control,
                  struct error *err)
{
    struct control *c = xcalloc(1, sizeof *c);
    c->target = (struct control_target){.node = node, .admin = admin};
    c->listen_fd = -1;
    c->stop_fd = eventfd(0, EFD_CLOEXEC);
    for (size_t i = 0; i < clients_max; i++)
        c->clients[i].fd = -1;
    int r = c->stop_fd < 0 ? error_set(err, -errno, "eventfd: %s", strerror(errno)) : open_socket(c, path, err);
    if (r == 0)
        r = thread_start(&c->thread, "control", serve, c, err);
    c->running = r == 0;
    if (r < 0) {
        control_stop(c);
        return error_wrap(err, "control socket");
    }
    *ret_control = c;
    return 0;
}

void control_stop(struct control *c)
{
    if (c == NULL)
        return;
    uint64_t one = 1;
    if (c->running) {
        if (write(c->stop_fd, &one, sizeof one) < 0)
            abort();
        thread_join(c->thread);
    }
    for (size_t i = 0; i < clients_max; i++)
        if (c->clients[i].fd >= 0)
            close_client(&c->clients[i]);
    fd_close(c->listen_fd);
    fd_close(c->stop_fd);
    if (c->path[0] != '\0')
        (void)unlink(c->path);
    free(c);
}
