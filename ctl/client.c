#include "ctl/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/frame.h"
#include "proto/pack.h"
#include "proto/protocol.h"
#include "shared/clock.h"
#include "shared/mem.h"

enum { read_bytes = 16 * 1024, connect_timeout_s = 2 };

/* Why there is nobody, in words. */
static void explain(const char *path, int code, char ret_why[static CLIENT_WHY_SIZE])
{
    struct stat st;
    size_t used = strlen(ret_why);
    char reason[128];
    if (code == ENOENT || code == ENOTDIR)
        (void)snprintf(reason, sizeof(reason), "missing: no agent has made it");
    else if (code == ECONNREFUSED)
        (void)snprintf(reason, sizeof(reason), "refused: no agent listens there any more");
    else if ((code == EACCES || code == EPERM) && stat(path, &st) == 0)
        (void)snprintf(reason, sizeof(reason), "permission denied: its mode is %04o, its owner uid %u, group %u",
                       (unsigned)st.st_mode & 07777, (unsigned)st.st_uid, (unsigned)st.st_gid);
    else if (code == EACCES || code == EPERM)
        (void)snprintf(reason, sizeof(reason), "permission denied: its folder is closed to uid %u", (unsigned)getuid());
    else if (code == EAGAIN)
        (void)snprintf(reason, sizeof(reason), "full: the agent does not accept anybody");
    else
        (void)snprintf(reason, sizeof(reason), "%s", strerror(code));
    (void)snprintf(ret_why + used, CLIENT_WHY_SIZE - used, "  %.120s: %s\n", path, reason);
}

/* connect(2) of a unix socket waits while too many wait to be accepted; SO_SNDTIMEO is how long. */
static int connect_patiently(int fd, const struct sockaddr_un *address)
{
    const struct timeval patience = {.tv_sec = connect_timeout_s};
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
        return -1;
    return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int connect_to(struct client *c, const char *path, char ret_why[static CLIENT_WHY_SIZE])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        explain(path, ENAMETOOLONG, ret_why);
        return -ECONNREFUSED;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect_patiently(fd, &address) < 0) {
        explain(path, errno, ret_why);
        return -ECONNREFUSED;
    }
    *c = (struct client){.fd = take_fd(&fd)};
    (void)snprintf(c->path, sizeof(c->path), "%s", path);
    buf_init(&c->in, PROTOCOL_LENGTH_BYTES + PROTOCOL_ANSWER_BYTES_MAX);
    return 0;
}

/* The second place is in a folder where everybody may make files: what listens there must be the user's own agent, or
 * anybody could answer in its place and read what it is told. Whoever listens is who is asked. */
static bool is_own(const struct client *c)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    return getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid();
}

static int connect_to_place(struct client *c, size_t index, char ret_why[static CLIENT_WHY_SIZE])
{
    char path[SOCKET_PATH_SIZE];
    char folder[SOCKET_PATH_SIZE];
    if (socket_path_place(index, geteuid(), path, folder) < 0 || connect_to(c, path, ret_why) < 0)
        return -ECONNREFUSED;
    if (index == 0 || is_own(c))
        return 0;
    size_t used = strlen(ret_why);
    (void)snprintf(ret_why + used, CLIENT_WHY_SIZE - used, "  %.120s: not trusted: another user listens there\n", path);
    client_close(c);
    return -ECONNREFUSED;
}

int client_connect(struct client *c, const char *path, char ret_why[static CLIENT_WHY_SIZE])
{
    ret_why[0] = '\0';
    if (path != NULL)
        return connect_to(c, path, ret_why);
    for (size_t i = 0; i < SOCKET_PLACES; i++)
        if (connect_to_place(c, i, ret_why) == 0)
            return 0;
    return -ECONNREFUSED;
}

void client_close(struct client *c)
{
    fd_close(c->fd);
    buf_fini(&c->in);
    c->fd = -1;
}

static int wait_for(const struct client *c, short events, int64_t deadline_ms, struct error *err)
{
    struct pollfd fd = {.fd = c->fd, .events = events};
    for (;;) {
        int rc = poll(&fd, 1, deadline_ms == INT64_MAX ? -1 : clock_left_ms(deadline_ms));
        if (rc > 0)
            return 0;
        if (rc == 0 && clock_mono_ms() >= deadline_ms)
            return error_set(err, -ETIMEDOUT, "%s: the agent does not answer in time", c->path);
        if (rc < 0 && errno != EINTR)
            return error_set(err, -errno, "poll: %s", strerror(errno));
    }
}

static int send_all(const struct client *c, const struct buf *frame, int64_t deadline_ms, struct error *err)
{
    for (size_t sent = 0; sent < frame->len;) {
        ssize_t n = send(c->fd, frame->data + sent, frame->len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return error_set(err, -ECONNRESET, "%s: the agent has closed the connection", c->path);
        int rc = wait_for(c, POLLOUT, deadline_ms, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int send_request(struct client *c, const struct command *command, const struct argument_values *values,
                        int64_t deadline_ms, struct error *err)
{
    struct pack p;
    cleanup_buf struct buf args;
    cleanup_buf struct buf frame;
    buf_init(&args, PROTOCOL_REQUEST_BYTES_MAX);
    buf_init(&frame, PROTOCOL_LENGTH_BYTES + PROTOCOL_REQUEST_BYTES_MAX);
    pack_init(&p, &args);
    command_pack(command, values, &p);
    int rc = pack_end(&p);
    if (rc == 0)
        rc = request_encode(&frame, ++c->last_id, command->name, &args, err);
    return rc < 0 ? rc : send_all(c, &frame, deadline_ms, err);
}

static int receive_frame(struct client *c, int64_t deadline_ms, const uint8_t **ret_content, size_t *ret_len,
                         struct error *err)
{
    char bytes[read_bytes];
    for (;;) {
        int rc = frame_find(c->in.data, c->in.len, PROTOCOL_ANSWER_BYTES_MAX, ret_content, ret_len, err);
        if (rc != 0)
            return rc < 0 ? error_wrap(err, "%s", c->path) : 0;
        ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            return error_set(err, -ECONNRESET, "%s: the agent went away before it answered", c->path);
        rc = n > 0 ? buf_append(&c->in, bytes, (size_t)n) : wait_for(c, POLLIN, deadline_ms, err);
        if (rc < 0)
            return error_set(err, rc, "no memory for the answer");
    }
}

static int receive_answer(struct client *c, int64_t deadline_ms, struct answer *ret_answer, struct error *err)
{
    const uint8_t *content = NULL;
    size_t len = 0;
    int rc = receive_frame(c, deadline_ms, &content, &len, err);
    if (rc == 0)
        rc = answer_decode(content, len, ret_answer, err);
    if (rc == 0)
        buf_consume(&c->in, PROTOCOL_LENGTH_BYTES + len);
    return rc;
}

int client_call(struct client *c, const struct command *command, const struct argument_values *values,
                int64_t deadline_ms, client_progress_fn *progress, void *arg, struct answer *ret_answer,
                struct error *err)
{
    int rc = send_request(c, command, values, deadline_ms, err);
    while (rc == 0) {
        struct answer answer;
        rc = receive_answer(c, deadline_ms, &answer, err);
        if (rc < 0)
            return rc;
        if (answer.kind != MESSAGE_PROGRESS) {
            *ret_answer = answer;
            return 0;
        }
        progress(arg, answer.body);
        answer_fini(&answer);
    }
    return rc;
}
