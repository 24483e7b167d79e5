#include "daemon/control/control_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/frame.h"
#include "proto/protocol.h"
#include "shared/mem.h"

enum { read_bytes = 4096, answers_max = 2 };

static void read_identity(struct control_client *c)
{
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t len = sizeof(who);
    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
        who = (struct ucred){.uid = (uid_t)-1}; /* nobody: may look, may not change */
    c->uid = who.uid;
    c->pid = who.pid;
}

struct control_client *control_client_new(int fd, int64_t now_ms)
{
    struct control_client *c = xcalloc(1, sizeof(*c));
    c->fd = fd;
    c->since_ms = now_ms;
    buf_init(&c->in, PROTOCOL_LENGTH_BYTES + PROTOCOL_REQUEST_BYTES_MAX);
    buf_init(&c->out, answers_max * (PROTOCOL_LENGTH_BYTES + PROTOCOL_ANSWER_BYTES_MAX));
    read_identity(c);
    return c;
}

void control_client_free(struct control_client *c)
{
    fd_close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->out);
    free(c);
}

void control_client_set_state(struct control_client *c, enum control_client_state state, int64_t now_ms)
{
    c->state = state;
    c->since_ms = now_ms;
    c->read_ms = now_ms;
}

/* How much may be read: never more than what the frame that has begun still lacks, so that a second request waits in
 * the kernel. */
static size_t wanted_bytes(const struct control_client *c)
{
    const uint8_t *bytes = (const uint8_t *)c->in.data;
    size_t content = 0;
    if (c->in.len < PROTOCOL_LENGTH_BYTES)
        return PROTOCOL_LENGTH_BYTES - c->in.len;
    for (size_t i = 0; i < PROTOCOL_LENGTH_BYTES; i++)
        content = content << 8 | bytes[i];
    size_t whole = PROTOCOL_LENGTH_BYTES + content;
    return whole > c->in.len ? whole - c->in.len : 0;
}

static bool read_some(struct control_client *c)
{
    char bytes[read_bytes];
    size_t wanted = wanted_bytes(c);
    ssize_t n = recv(c->fd, bytes, wanted < sizeof(bytes) ? wanted : sizeof(bytes), 0);
    if (n > 0)
        return buf_append(&c->in, bytes, (size_t)n) == 0;
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->gone = true;
    return false;
}

int control_client_receive(struct control_client *c, int64_t now_ms, const uint8_t **ret_content, size_t *ret_len,
                           struct error *err)
{
    for (;;) {
        int rc = frame_find(c->in.data, c->in.len, PROTOCOL_REQUEST_BYTES_MAX, ret_content, ret_len, err);
        if (rc != 0)
            return rc;
        if (!read_some(c))
            break;
        if (c->state == CONTROL_CLIENT_IDLE)
            control_client_set_state(c, CONTROL_CLIENT_RECEIVING, now_ms);
    }
    return 0;
}

void control_client_drop_frame(struct control_client *c, size_t content_len)
{
    buf_consume(&c->in, PROTOCOL_LENGTH_BYTES + content_len);
    if (c->in.len == 0) { /* an idle client costs no buffer */
        buf_fini(&c->in);
        buf_init(&c->in, PROTOCOL_LENGTH_BYTES + PROTOCOL_REQUEST_BYTES_MAX);
    }
}

static void all_sent(struct control_client *c, int64_t now_ms)
{
    size_t max = c->out.max;
    buf_fini(&c->out);
    buf_init(&c->out, max);
    if (c->state == CONTROL_CLIENT_CLOSING)
        c->gone = true;
    if (c->state == CONTROL_CLIENT_SENDING)
        control_client_set_state(c, CONTROL_CLIENT_IDLE, now_ms);
}

void control_client_send(struct control_client *c, int64_t now_ms)
{
    size_t sent = 0;
    while (sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + sent, c->out.len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            c->read_ms = now_ms;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            c->gone = true;
        break;
    }
    if (sent == c->out.len)
        all_sent(c, now_ms);
    else
        buf_consume(&c->out, sent);
}

int64_t control_client_deadline_ms(const struct control_client *c)
{
    switch (c->state) {
    case CONTROL_CLIENT_IDLE:
        return c->since_ms + CONTROL_IDLE_MS;
    case CONTROL_CLIENT_RECEIVING:
        return c->since_ms + CONTROL_FRAME_MS;
    case CONTROL_CLIENT_WORKING: /* bounded by the job; one that reads no progress misses it */
        return INT64_MAX;
    default:
        return c->read_ms + CONTROL_SEND_MS < c->since_ms + CONTROL_ANSWER_MS ? c->read_ms + CONTROL_SEND_MS
                                                                              : c->since_ms + CONTROL_ANSWER_MS;
    }
}

short control_client_events(const struct control_client *c)
{
    bool receives = c->state == CONTROL_CLIENT_IDLE || c->state == CONTROL_CLIENT_RECEIVING;
    return (short)((receives ? POLLIN : 0) | (c->out.len > 0 ? POLLOUT : 0));
}
