#include "tests/unit/scripted_server.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/mem.h"
#include "shared/thread.h"

enum { capabilities_default = 0x0008f6ff, charset_utf8 = 33, header_bytes = 4, null_value = 0xfb };

void scripted_server_init(struct scripted_server *s)
{
    memset(s, 0, sizeof(*s));
    s->capabilities = capabilities_default;
    buf_init(&s->heard, SCRIPT_HEARD_MAX);
    for (size_t i = 0; i < SCRIPT_ANSWERS_MAX; i++)
        packet_writer_init(&s->answers[i]);
    packet_writer_init(&s->endless);
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(s->listen_fd, 16), 0);
    assert_int_equal(getsockname(s->listen_fd, (struct sockaddr *)&address, &len), 0);
    s->port = ntohs(address.sin_port);
}

/* Wait until fd can be read (written). False: the server stops. */
static bool wait_for(const struct scripted_server *s, int fd, short events)
{
    struct pollfd fds[2] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = fd, .events = events}};
    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return false;
    return fds[0].revents == 0;
}

static bool read_exactly(struct scripted_server *s, int fd, unsigned char *ret_bytes, size_t len)
{
    for (size_t have = 0; have < len;) {
        if (!wait_for(s, fd, POLLIN))
            return false;
        ssize_t n = recv(fd, ret_bytes + have, len - have, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    return buf_append(&s->heard, ret_bytes, len) == 0;
}

static bool read_packet(struct scripted_server *s, int fd)
{
    unsigned char head[header_bytes];
    unsigned char body[4096];
    if (!read_exactly(s, fd, head, sizeof(head)))
        return false;
    size_t len = head[0] | (size_t)head[1] << 8;
    return head[2] == 0 && len <= sizeof(body) && read_exactly(s, fd, body, len);
}

static bool write_answer(const struct scripted_server *s, int fd, const struct packet_writer *answer)
{
    for (size_t sent = 0; sent < answer->out.len;) {
        if (!wait_for(s, fd, POLLOUT))
            return false;
        ssize_t n = send(fd, answer->out.data + sent, answer->out.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

static void serve_client(struct scripted_server *s, int fd)
{
    for (size_t i = 0; i < s->count; i++)
        if ((i > 0 && !read_packet(s, fd)) || !write_answer(s, fd, &s->answers[i]))
            return;
    while (s->endless.out.len > 0 && write_answer(s, fd, &s->endless))
        ;
    unsigned char any;
    while (read_exactly(s, fd, &any, 1))
        ;
}

static void *serve(void *arg)
{
    struct scripted_server *s = arg;
    while (wait_for(s, s->listen_fd, POLLIN)) {
        int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        atomic_fetch_add(&s->seen, 1);
        serve_client(s, fd);
        fd_close(fd);
    }
    return NULL;
}

void scripted_server_run(struct scripted_server *s)
{
    struct error err = ERROR_INIT;
    assert_int_equal(thread_start(&s->thread, "scripted", serve, s, &err), 0);
}

void scripted_server_stop(struct scripted_server *s)
{
    const uint64_t one = 1;
    assert_int_equal(write(s->stop_fd, &one, sizeof(one)), sizeof(one));
    thread_join(s->thread);
}

void scripted_server_fini(struct scripted_server *s)
{
    fd_close(s->listen_fd);
    fd_close(s->stop_fd);
    buf_fini(&s->heard);
    for (size_t i = 0; i < SCRIPT_ANSWERS_MAX; i++)
        packet_writer_fini(&s->answers[i]);
    packet_writer_fini(&s->endless);
}

struct packet_writer *scripted_answer(struct scripted_server *s, uint8_t seq)
{
    assert_true(s->count < SCRIPT_ANSWERS_MAX);
    struct packet_writer *w = &s->answers[s->count++];
    packet_writer_reset(w, seq);
    return w;
}

void scripted_greeting(struct scripted_server *s, const char *plugin)
{
    static const char version[] = "8.0.11";
    static const char scramble[] = "abcdefghijklmnopqrst";
    struct packet_writer *w = scripted_answer(s, 0);
    packet_begin(w);
    packet_put_int(w, 10, 1);
    packet_put(w, version, sizeof(version));
    packet_put_int(w, 1, 4);
    packet_put(w, scramble, 8);
    packet_put_int(w, 0, 1);
    packet_put_int(w, s->capabilities & 0xffff, 2);
    packet_put_int(w, charset_utf8, 1);
    packet_put_int(w, PACKET_STATUS_AUTOCOMMIT, 2);
    packet_put_int(w, s->capabilities >> 16, 2);
    packet_put_int(w, sizeof(scramble), 1);
    packet_put(w, "\0\0\0\0\0\0\0\0\0", 10);
    packet_put(w, scramble + 8, sizeof(scramble) - 8);
    packet_put(w, plugin, strlen(plugin) + 1);
    packet_end(w);
}

void scripted_login_ok(struct scripted_server *s)
{
    packet_ok(scripted_answer(s, 2), 0, NULL);
}

void scripted_columns(struct packet_writer *w, unsigned columns)
{
    packet_column_count(w, columns);
    for (unsigned i = 0; i < columns; i++)
        packet_column(w, "x");
    packet_eof(w);
}

void scripted_row(struct packet_writer *w, unsigned columns, const char *const *values)
{
    packet_begin(w);
    for (unsigned i = 0; i < columns; i++) {
        if (values[i] == NULL)
            packet_put_int(w, null_value, 1);
        else
            packet_put_string(w, values[i], strlen(values[i]));
    }
    packet_end(w);
}

void scripted_rows(struct scripted_server *s, unsigned columns, unsigned rows, const char *const *values)
{
    struct packet_writer *w = scripted_answer(s, 1);
    scripted_columns(w, columns);
    for (unsigned i = 0; i < rows; i++)
        scripted_row(w, columns, values + (size_t)i * columns);
    packet_eof(w);
}
