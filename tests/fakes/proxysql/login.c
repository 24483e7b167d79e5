#include "tests/fakes/proxysql/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/fakes/proxysql/scramble.h"

static const char native_plugin[] = "mysql_native_password";
static const char sha2_plugin[] = "caching_sha2_password";

enum {
    CAPABILITY_LONG_PASSWORD = 0x1,
    CAPABILITY_FOUND_ROWS = 0x2,
    CAPABILITY_LONG_FLAG = 0x4,
    CAPABILITY_CONNECT_WITH_DB = 0x8,
    CAPABILITY_PROTOCOL_41 = 0x200,
    CAPABILITY_SSL = 0x800,
    CAPABILITY_IGNORE_SIGPIPE = 0x1000,
    CAPABILITY_TRANSACTIONS = 0x2000,
    CAPABILITY_RESERVED = 0x4000,
    CAPABILITY_SECURE_CONNECTION = 0x8000,
    CAPABILITY_MULTI_STATEMENTS = 0x10000,
    CAPABILITY_MULTI_RESULTS = 0x20000,
    CAPABILITY_PLUGIN_AUTH = 0x80000,
    capability_base = CAPABILITY_LONG_PASSWORD | CAPABILITY_FOUND_ROWS | CAPABILITY_LONG_FLAG |
                      CAPABILITY_CONNECT_WITH_DB | CAPABILITY_PROTOCOL_41 | CAPABILITY_IGNORE_SIGPIPE |
                      CAPABILITY_TRANSACTIONS | CAPABILITY_RESERVED | CAPABILITY_SECURE_CONNECTION |
                      CAPABILITY_MULTI_STATEMENTS | CAPABILITY_MULTI_RESULTS | CAPABILITY_PLUGIN_AUTH,
    fixed_response_bytes = 32, /* capabilities, packet size, charset, filler: an SSL request is just these */
    password_max = 255,
    charset_utf8 = 33,
};

enum { SHA2_FAST_OK = 3, SHA2_FULL_NEEDED = 4 };

struct exchange {
    struct stream *stream;
    const struct login_options *options;
    struct packet_writer out;
    struct buf in;
    bool offered_sha2;
    unsigned char scramble[LOGIN_SCRAMBLE_BYTES];
    char user[LOGIN_USER_MAX];
    unsigned char answer[password_max + 1]; /* what the client sent as its password, NUL behind */
    size_t answer_len;
    bool client_sha2; /* the plugin that the answer is for */
};

static int send_greeting(struct exchange *x)
{
    char version[ACCOUNTS_TEXT_MAX];
    accounts_server_version(x->options->accounts, version);
    uint32_t capabilities = capability_base | (x->options->tls != NULL ? CAPABILITY_SSL : 0);
    const char *plugin = x->offered_sha2 ? sha2_plugin : native_plugin;

    packet_writer_reset(&x->out, 0);
    packet_begin(&x->out);
    packet_put_int(&x->out, 10, 1);
    packet_put(&x->out, version, strlen(version) + 1);
    packet_put_int(&x->out, x->options->session_id, 4);
    packet_put(&x->out, x->scramble, 8);
    packet_put_int(&x->out, 0, 1);
    packet_put_int(&x->out, capabilities & 0xffff, 2);
    packet_put_int(&x->out, charset_utf8, 1);
    packet_put_int(&x->out, PACKET_STATUS_AUTOCOMMIT, 2);
    packet_put_int(&x->out, capabilities >> 16, 2);
    packet_put_int(&x->out, LOGIN_SCRAMBLE_BYTES + 1, 1);
    packet_put(&x->out, "\0\0\0\0\0\0\0\0\0", 10);
    packet_put(&x->out, x->scramble + 8, LOGIN_SCRAMBLE_BYTES - 8);
    packet_put_int(&x->out, 0, 1);
    packet_put(&x->out, plugin, strlen(plugin) + 1);
    packet_end(&x->out);
    return packet_send(&x->out, x->stream);
}

/* Read a packet; what we send next continues its numbering. */
static int receive(struct exchange *x)
{
    uint8_t seq = 0;
    int r = packet_read(x->stream, &x->in, &seq);
    if (r == 0)
        packet_writer_reset(&x->out, (uint8_t)(seq + 1));
    return r;
}

static int take_answer(struct exchange *x, const char *data, size_t len)
{
    if (len > password_max)
        return -EPROTO;
    memcpy(x->answer, data, len);
    x->answer[len] = '\0';
    x->answer_len = len;
    return 0;
}

/* The handshake response behind its fixed part: user, password answer, schema, plugin. */
static int parse_response(struct exchange *x, bool *ret_known_plugin)
{
    const char *end = x->in.data + x->in.len;
    const char *at = x->in.data + fixed_response_bytes;
    uint32_t capabilities;
    memcpy(&capabilities, x->in.data, sizeof capabilities);

    size_t user_len = strnlen(at, (size_t)(end - at));
    if (at + user_len >= end || user_len >= sizeof x->user)
        return -EPROTO;
    memcpy(x->user, at, user_len + 1);
    at += user_len + 1;

    if (at >= end)
        return -EPROTO;
    size_t answer_len = (unsigned char)*at++;
    if (answer_len > (size_t)(end - at) || take_answer(x, at, answer_len) < 0)
        return -EPROTO;
    at += answer_len;
    /* An empty password may come as a single NUL (lib/MySQL_Protocol.cpp, PPHR_2). */
    if (x->answer_len == 1 && x->answer[0] == '\0')
        x->answer_len = 0;

    if ((capabilities & CAPABILITY_CONNECT_WITH_DB) != 0 && at < end)
        at += strnlen(at, (size_t)(end - at)) + 1;
    const char *plugin = at < end && (capabilities & CAPABILITY_PLUGIN_AUTH) != 0 ? at : native_plugin;
    x->client_sha2 = strcmp(plugin, sha2_plugin) == 0;
    *ret_known_plugin = x->client_sha2 || strcmp(plugin, native_plugin) == 0;
    return 0;
}

/* ProxySQL knows one switch: to mysql_native_password, for every client that does not speak the offered plugin. */
static int switch_to_native(struct exchange *x)
{
    packet_begin(&x->out);
    packet_put_int(&x->out, 0xfe, 1);
    packet_put(&x->out, native_plugin, sizeof native_plugin);
    packet_put(&x->out, x->scramble, sizeof x->scramble);
    packet_put_int(&x->out, 0, 1);
    packet_end(&x->out);
    int r = packet_send(&x->out, x->stream);
    if (r == 0)
        r = receive(x);
    if (r == 0)
        r = take_answer(x, x->in.data, x->in.len);
    x->client_sha2 = false;
    return r;
}

static int send_more_data(struct exchange *x, unsigned char what)
{
    packet_begin(&x->out);
    packet_put_int(&x->out, 1, 1);
    packet_put_int(&x->out, what, 1);
    packet_end(&x->out);
    return packet_send(&x->out, x->stream);
}

/* The stored password is hashed: the client must send it in clear text. A client without TLS asks for a public key
 * here; ProxySQL has none and takes the question for a password, so the login fails. */
static int full_exchange(struct exchange *x, const struct account *account, bool *ret_right)
{
    int r = send_more_data(x, SHA2_FULL_NEEDED);
    if (r == 0)
        r = receive(x);
    if (r == 0)
        r = take_answer(x, x->in.data, x->in.len);
    if (r < 0)
        return r;
    const char *clear = (const char *)x->answer;
    *ret_right = account->password[0] == '*' ? scramble_matches_hash(clear, account->password)
                                             : strcmp(clear, account->password) == 0;
    if (*ret_right && account->password[0] == '*')
        accounts_learn(x->options->accounts, x->user, clear);
    return 0;
}

static int check_password(struct exchange *x, const struct account *account, bool *ret_right)
{
    *ret_right = false;
    if (x->answer_len == 0 || account->password[0] == '\0') {
        *ret_right = x->answer_len == 0 && account->password[0] == '\0';
        return 0;
    }
    if (!x->client_sha2) {
        *ret_right = scramble_check_native(x->answer, x->answer_len, x->scramble, account->password);
        return 0;
    }
    if (account->password[0] == '*')
        return full_exchange(x, account, ret_right);
    *ret_right = scramble_check_sha2(x->answer, x->answer_len, x->scramble, account->password);
    return *ret_right ? send_more_data(x, SHA2_FAST_OK) : 0;
}

static bool is_local(const char *peer)
{
    return strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0 || strcmp(peer, "localhost") == 0;
}

/* Tell the client the outcome. */
static int answer_login(struct exchange *x, bool right)
{
    char text[256];
    if (!right) {
        (void)snprintf(text, sizeof text, "ProxySQL Error: Access denied for user '%s'@'%s' (using password: %s)",
                       x->user, x->options->peer, x->answer_len > 0 ? "YES" : "NO");
        packet_err(&x->out, 1045, "28000", text);
    } else if ((strcmp(x->user, "admin") == 0 || strcmp(x->user, "stats") == 0) && !is_local(x->options->peer)) {
        (void)snprintf(text, sizeof text, "User '%s' can only connect locally", x->user);
        packet_err(&x->out, 1040, "42000", text);
        right = false;
    } else {
        packet_ok(&x->out, 0, NULL);
    }
    int wait_ms = atomic_load(&x->stream->faults->slow_login_ms);
    if (wait_ms > 0 && !stream_wait(x->stream, (int64_t)wait_ms * 1000))
        return -ECONNRESET;
    int r = packet_send(&x->out, x->stream);
    return r < 0 ? r : right ? 0 : -EACCES;
}

static int receive_response(struct exchange *x, bool *ret_known_plugin)
{
    int r = receive(x);
    if (r == 0 && x->in.len == fixed_response_bytes && x->options->tls != NULL) {
        r = stream_start_tls(x->stream, x->options->tls);
        if (r == 0)
            r = receive(x);
    }
    if (r == 0 && x->in.len <= fixed_response_bytes)
        r = -EPROTO;
    return r < 0 ? r : parse_response(x, ret_known_plugin);
}

static int run(struct exchange *x, bool *ret_stats)
{
    bool known_plugin = false;
    int r = send_greeting(x);
    if (r == 0)
        r = receive_response(x, &known_plugin);
    if (r == 0 && (!known_plugin || x->client_sha2 != x->offered_sha2))
        r = switch_to_native(x);
    if (r < 0)
        return r;

    struct account account;
    bool right = false;
    if (accounts_find(x->options->accounts, x->user, &account)) {
        r = check_password(x, &account, &right);
        if (r < 0)
            return r;
    }
    r = answer_login(x, right);
    if (r == 0)
        *ret_stats = account.stats;
    return r;
}

int login_run(struct stream *s, const struct login_options *options, char ret_user[static LOGIN_USER_MAX],
              bool *ret_stats)
{
    struct exchange x = {.stream = s, .options = options};
    x.offered_sha2 = accounts_caching_sha2(options->accounts);
    scramble_random(x.scramble, sizeof x.scramble);
    packet_writer_init(&x.out);
    buf_init(&x.in, PACKET_MAX_PAYLOAD);
    int r = run(&x, ret_stats);
    if (r == 0)
        memcpy(ret_user, x.user, sizeof x.user);
    buf_fini(&x.in);
    packet_writer_fini(&x.out);
    return r;
}
