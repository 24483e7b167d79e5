#include "tests/fakes/proxysql/session.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "tests/fakes/proxysql/packet.h"
#include "tests/fakes/proxysql/scramble.h"
#include "tests/fakes/proxysql/session_sql.h"

enum {
    input_max = 64 * 1024,
    COM_QUIT = 0x01,
    COM_INIT_DB = 0x02,
    COM_QUERY = 0x03,
    COM_PING = 0x0e,
    COM_RESET_CONNECTION = 0x1f,
    CAPABILITY_CONNECT_WITH_DB = 0x8,
    fixed_response_bytes = 32, /* capabilities, packet size, charset, filler */
    header_bytes = 4,
};

/* Send what was written; a client whose buffer is full is as good as gone. False: end the session. */
static bool flush(struct session *s, struct packet_writer *out, int64_t now_us)
{
    bool sent = out->error == 0 &&
                send(s->fd, out->out.data, out->out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out->out.len;
    s->last_us = now_us;
    packet_writer_fini(out);
    return sent;
}

static bool send_greeting(struct session *s, int64_t now_us)
{
    unsigned char scramble[SCRAMBLE_BYTES];
    scramble_random(scramble, sizeof scramble);
    struct packet_writer out;
    packet_writer_init(&out);
    packet_begin(&out);
    packet_put_int(&out, 10, 1);
    packet_put(&out, "8.0.11", sizeof "8.0.11");
    packet_put_int(&out, s->id, 4);
    packet_put(&out, scramble, 8);
    packet_put_int(&out, 0, 1);
    packet_put_int(&out, 0xf20f, 2); /* as ProxySQL's, without compression and TLS */
    packet_put_int(&out, 33, 1);
    packet_put_int(&out, PACKET_STATUS_AUTOCOMMIT, 2);
    packet_put_int(&out, 0x000b, 2);
    packet_put_int(&out, SCRAMBLE_BYTES + 1, 1);
    packet_put(&out, "\0\0\0\0\0\0\0\0\0", 10);
    packet_put(&out, scramble + 8, SCRAMBLE_BYTES - 8);
    packet_put_int(&out, 0, 1);
    packet_put(&out, "mysql_native_password", sizeof "mysql_native_password");
    packet_end(&out);
    return flush(s, &out, now_us);
}

bool session_open(struct session *s, int fd, uint32_t id, bool mute, int64_t now_us)
{
    *s = (struct session){
        .fd = fd, .id = id, .mute = mute, .autocommit = true, .db = "information_schema", .last_us = now_us};
    buf_init(&s->in, input_max);
    buf_init(&s->statement, input_max);
    return mute || send_greeting(s, now_us);
}

void session_close(struct session *s)
{
    fd_close(s->fd);
    buf_fini(&s->in);
    buf_fini(&s->statement);
    backend_link_free(s->link);
    *s = (struct session){.fd = -1};
}

void session_set_peer(struct session *s, const struct sockaddr_storage *peer, socklen_t len)
{
    char port[8];
    if (getnameinfo((const struct sockaddr *)peer, len, s->host, sizeof s->host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        s->port = (unsigned)strtoul(port, NULL, 10);
}

bool session_receive(struct session *s, int64_t now_us)
{
    char chunk[4096];
    ssize_t n = recv(s->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0 || buf_append(&s->in, chunk, (size_t)n) < 0)
        return false;
    s->last_us = now_us;
    if (s->mute)
        buf_reset(&s->in);
    return true;
}

bool session_in_transaction(const struct session *s)
{
    return s->link != NULL && backend_in_transaction(s->link);
}

bool session_holds_backend(const struct session *s)
{
    return s->state == SESSION_QUERY || session_in_transaction(s) || s->status_flags != 0;
}

/* The answer to the last packet. */
static void begin_answer(struct session *s, struct packet_writer *out)
{
    packet_writer_init(out);
    packet_writer_reset(out, (uint8_t)(s->seq + 1));
}

uint16_t session_server_status(const struct session *s)
{
    return (uint16_t)((s->autocommit ? PACKET_STATUS_AUTOCOMMIT : 0) |
                      (session_in_transaction(s) ? PACKET_STATUS_IN_TRANSACTION : 0));
}

static bool answer_ok(struct session *s, int64_t now_us)
{
    struct packet_writer out;
    begin_answer(s, &out);
    out.status = session_server_status(s);
    packet_ok(&out, 0, NULL);
    return flush(s, &out, now_us);
}

/* The handshake response behind its fixed part: user, password answer, schema. */
static bool log_in(struct session *s, const char *payload, size_t len, int64_t now_us)
{
    if (len <= fixed_response_bytes)
        return false;
    const char *end = payload + len;
    const char *at = payload + fixed_response_bytes;
    size_t user_len = strnlen(at, (size_t)(end - at));
    (void)snprintf(s->user, sizeof s->user, "%.*s", (int)user_len, at);
    at += user_len + 1;
    if (((unsigned char)payload[0] & CAPABILITY_CONNECT_WITH_DB) != 0 && at < end &&
        (unsigned char)*at < end - at - 1) {
        at += 1 + (unsigned char)*at;
        (void)snprintf(s->db, sizeof s->db, "%.*s", (int)strnlen(at, (size_t)(end - at)), at);
    }
    s->state = SESSION_SLEEP;
    return answer_ok(s, now_us);
}

static bool answer_statement(struct session *s, int64_t now_us)
{
    struct packet_writer out;
    begin_answer(s, &out);
    session_sql_execute(s, s->statement.data, &out);
    s->state = SESSION_SLEEP;
    return flush(s, &out, now_us);
}

static bool begin_statement(struct session *s, struct backend *backend, const char *sql, size_t len, int64_t now_us)
{
    buf_reset(&s->statement);
    if (buf_append(&s->statement, sql, len) < 0)
        return false;
    if (s->link == NULL)
        s->link = backend_link_new(backend, s->id);
    s->state = SESSION_QUERY;
    s->busy_until_us = now_us + session_sql_delay_us(s->statement.data);
    return true;
}

static bool reset_connection(struct session *s, int64_t now_us)
{
    backend_link_free(s->link);
    s->link = NULL;
    s->status_flags = 0;
    s->autocommit = true;
    return answer_ok(s, now_us);
}

static bool refuse_command(struct session *s, int64_t now_us)
{
    struct packet_writer out;
    begin_answer(s, &out);
    packet_err(&out, 1047, "08S01", "Unknown command");
    return flush(s, &out, now_us);
}

static bool handle_command(struct session *s, struct backend *backend, const char *payload, size_t len, int64_t now_us)
{
    switch (len > 0 ? (unsigned char)payload[0] : COM_QUIT) {
    case COM_QUIT:
        return false;
    case COM_QUERY:
        return begin_statement(s, backend, payload + 1, len - 1, now_us);
    case COM_INIT_DB:
        (void)snprintf(s->db, sizeof s->db, "%.*s", (int)(len - 1), payload + 1);
        return answer_ok(s, now_us);
    case COM_PING:
        return answer_ok(s, now_us);
    case COM_RESET_CONNECTION:
        return reset_connection(s, now_us);
    default:
        return refuse_command(s, now_us);
    }
}

/* The length of the first packet's payload. False: it is not all there. */
static bool whole_packet(const struct session *s, size_t *ret_len)
{
    if (s->in.len < header_bytes)
        return false;
    const unsigned char *header = (const unsigned char *)s->in.data;
    *ret_len = header[0] | ((size_t)header[1] << 8) | ((size_t)header[2] << 16);
    return s->in.len >= *ret_len + header_bytes;
}

static bool handle_packet(struct session *s, struct backend *backend, size_t len, int64_t now_us, int64_t *questions)
{
    const char *payload = s->in.data + header_bytes;
    s->seq = (unsigned char)s->in.data[3];
    bool going_on = s->state == SESSION_CONNECTING ? log_in(s, payload, len, now_us)
                                                   : handle_command(s, backend, payload, len, now_us);
    *questions += s->state == SESSION_QUERY;
    buf_consume(&s->in, len + header_bytes);
    return going_on;
}

bool session_work(struct session *s, struct backend *backend, int64_t now_us, int64_t *questions)
{
    for (bool going_on = true; going_on;) {
        size_t len = 0;
        if (s->state == SESSION_QUERY) {
            if (now_us < s->busy_until_us)
                return true;
            going_on = answer_statement(s, now_us);
        } else if (whole_packet(s, &len)) {
            going_on = handle_packet(s, backend, len, now_us, questions);
        } else {
            return true;
        }
    }
    return false;
}
