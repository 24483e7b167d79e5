#include "daemon/proxysql/db_conn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <errmsg.h>
#include <mysql.h>

#include <ma_pvio.h>
#include <mysqld_error.h>

#include "daemon/proxysql/packet_screen.h"
#include "shared/clock.h"
#include "shared/mem.h"

/*
 * Note: waits inside the library. Connector/C's non-blocking calls do not cover TLS: the handshake waits in the
 * library, and reads of a TLS connection block, since its socket is left in blocking mode (seen with 3.3.8;
 * ma_tls_connect() asks is_blocking() the wrong way round). So as soon as the library has read its first bytes, and
 * before it sends any, we make the socket non-blocking and put our own wait, which knows the deadline and the
 * cancel_fd, in the place of the library's: see guard_socket().
 */

/* The stack on which Connector/C's calls are suspended; OpenSSL's handshake is what needs the most of it. */
enum { coroutine_stack_bytes = 96 * 1024 * (BUILT_WITH_SANITIZER ? 4 : 1) };
/* A dead host is noticed after at most 30 + 3 * 10 s even when nothing is sent. */
enum { keepalive_idle_s = 30, keepalive_interval_s = 10, keepalive_probes = 3 };
/* db_conn_resume() makes this many steps at most (a row, or one read of the socket), so that it never holds its caller
 * up. */
enum { resume_steps_max = 1000 };

enum step { STEP_NONE, STEP_CONNECT, STEP_QUERY, STEP_FETCH };

struct db_conn {
    MYSQL *mysql;
    MYSQL_RES *result; /* during STEP_FETCH */
    enum step step;    /* what is in flight */
    int waiting;       /* MYSQL_WAIT_ bits, 0 = the step's last call has returned */
    bool broken;
    bool lost; /* broken, and by the other side */
    int cancel_fd;
    int64_t deadline_ms; /* of the connect */
    int wait_rc;         /* why a wait inside the library ended: 0, -ETIMEDOUT, -ECANCELED */
    struct st_ma_pvio_methods methods;
    struct packet_screen screen;
    enum db_tls tls;
    /* What the suspended calls read and write outlives our callers' frames. */
    char *username;
    char *password;
    char *address;
    char *sql;
    MYSQL *connected;
    int query_rc;
    MYSQL_ROW row;
};

/* Not one more byte to the peer, and no wait in the library's clean-up. */
static void shut(struct db_conn *conn)
{
    my_socket fd = mysql_get_socket(conn->mysql);
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    conn->broken = true;
}

/* The wait of one suspended call. Returns MYSQL_WAIT_ bits, 0 at the deadline, -ECANCELED. */
static int wait_ready(const struct db_conn *conn, int64_t deadline_ms)
{
    struct pollfd fds[2] = {{.fd = mysql_get_socket(conn->mysql)}, {.fd = conn->cancel_fd, .events = POLLIN}};
    if ((conn->waiting & MYSQL_WAIT_READ) != 0)
        fds[0].events |= POLLIN;
    if ((conn->waiting & MYSQL_WAIT_WRITE) != 0)
        fds[0].events |= POLLOUT;
    int n;
    do {
        n = poll(fds, 2, clock_left_ms(deadline_ms));
    } while (n < 0 && errno == EINTR);
    if (n > 0 && fds[1].revents != 0)
        return -ECANCELED;
    if (n <= 0)
        return 0;
    int ready = 0;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        ready |= MYSQL_WAIT_READ;
    if ((fds[0].revents & (POLLOUT | POLLHUP | POLLERR)) != 0)
        ready |= MYSQL_WAIT_WRITE;
    return ready & conn->waiting;
}

/* Exported by Connector/C, but in none of its headers: calls fn after each read and write of any connection. */
int STDCALL ma_pvio_register_callback(my_bool add,
                                      void (*fn)(int mode, MYSQL *mysql, const unsigned char *bytes, size_t len));

static _Thread_local struct db_conn *connecting;

static struct db_conn *conn_of(const MARIADB_PVIO *io)
{
    return (void *)((char *)io->methods - offsetof(struct db_conn, methods));
}

/* The library waits for its socket, not through us. Returns 1 when it is ready, 0 to give up. */
static int wait_inside(MARIADB_PVIO *io, my_bool is_read, int timeout)
{
    (void)timeout;
    struct db_conn *conn = conn_of(io);
    if (conn->step != STEP_CONNECT || conn->broken)
        return 0; /* cleaning up */
    conn->waiting = is_read ? MYSQL_WAIT_READ : MYSQL_WAIT_WRITE;
    int ready = clock_left_ms(conn->deadline_ms) == 0 ? 0 : wait_ready(conn, conn->deadline_ms);
    conn->waiting = 0;
    conn->wait_rc = ready == 0 ? -ETIMEDOUT : ready < 0 ? ready : 0;
    return ready > 0 ? 1 : 0;
}

/* See the note at the top. */
static void guard_socket(struct db_conn *conn)
{
    conn->methods = *conn->mysql->net.pvio->methods;
    conn->methods.wait_io_or_timeout = wait_inside;
    conn->mysql->net.pvio->methods = &conn->methods;
    int fd = mysql_get_socket(conn->mysql);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        shut(conn);
}

/* The library's hook: it has read (mode 0) or written len bytes; (size_t)-1 when that failed. */
static void bytes_passed(int mode, MYSQL *mysql, const unsigned char *bytes, size_t len)
{
    MARIADB_PVIO *io = mysql->net.pvio;
    if (io == NULL)
        return;
    if (connecting != NULL && connecting->mysql == mysql && io->methods != &connecting->methods)
        guard_socket(connecting);
    if (mode == 0 && len <= SSIZE_MAX && io->methods->wait_io_or_timeout == wait_inside)
        packet_screen_read(&conn_of(io)->screen, (unsigned char *)(uintptr_t)bytes, len);
}

/*
 * Asked by libgnutls when it is loaded (GNUTLS_SKIP_GLOBAL_INIT in gnutls/gnutls.h): 1 = do not initialise yet, for 0.9
 * MB and some milliseconds. The client library does it with its first TLS connection, if there ever is one.
 */
int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}

int db_library_start(struct error *err)
{
    if (mysql_library_init(0, NULL, NULL) != 0 || ma_pvio_register_callback(1, bytes_passed) != 0)
        return error_set(err, -EIO, "the MySQL client library does not initialise");
    return 0;
}

void db_library_stop(void)
{
    (void)ma_pvio_register_callback(0, bytes_passed);
    mysql_library_end();
}

void db_thread_start(void)
{
    (void)mysql_thread_init();
}

void db_thread_end(void)
{
    mysql_thread_end();
}

static void set_text_option(MYSQL *mysql, enum mysql_option option, const char *text)
{
    if (text[0] != '\0')
        (void)mysql_options(mysql, option, text);
}

static void set_tls(MYSQL *mysql, const struct db_params *p)
{
    /* Both are set explicitly: ENFORCE without VERIFY falls back to clear text without a word. */
    my_bool enforce = p->tls != DB_TLS_DISABLED;
    my_bool verify = p->tls == DB_TLS_VERIFY;
    (void)mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
    (void)mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (p->tls == DB_TLS_DISABLED)
        return;
    set_text_option(mysql, MYSQL_OPT_SSL_CA, p->ca_file);
    set_text_option(mysql, MYSQL_OPT_SSL_CERT, p->cert_file);
    set_text_option(mysql, MYSQL_OPT_SSL_KEY, p->key_file);
}

/* Of every connection of the process: admin is slow or it is not. */
static struct histogram statement_durations;

struct db_conn *db_conn_new(const struct db_params *params)
{
    struct db_conn *conn = xcalloc(1, sizeof(*conn));
    conn->cancel_fd = params->cancel_fd;
    conn->tls = params->tls;
    conn->username = xstrdup(params->username);
    conn->mysql = mysql_init(NULL);
    if (conn->mysql == NULL)
        abort();
    size_t stack = coroutine_stack_bytes;
    (void)mysql_options(conn->mysql, MYSQL_OPT_NONBLOCK, &stack);
    size_t packet = DB_ROW_BYTES_MAX;
    (void)mysql_options(conn->mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
    /* A server may ask its client for local files and for the password in clear text: not us. */
    unsigned off = 0;
    (void)mysql_options(conn->mysql, MYSQL_OPT_LOCAL_INFILE, &off);
    (void)mysql_options(conn->mysql, MARIADB_OPT_RESTRICTED_AUTH, "mysql_native_password,caching_sha2_password");
    set_tls(conn->mysql, params);
    return conn;
}

static void forget_password(struct db_conn *conn)
{
    if (conn->password != NULL)
        explicit_bzero(conn->password, strlen(conn->password));
    free(conn->password);
    conn->password = NULL;
}

void db_conn_free(struct db_conn *conn)
{
    if (conn == NULL)
        return;
    if (conn->step != STEP_NONE || conn->broken)
        shut(conn);
    if (conn->result != NULL)
        mysql_free_result(conn->result);
    mysql_close(conn->mysql);
    forget_password(conn);
    free(conn->username);
    free(conn->address);
    free(conn->sql);
    free(conn);
}

static void continue_call(struct db_conn *conn, int ready)
{
    switch (conn->step) {
    case STEP_CONNECT:
        connecting = conn;
        conn->waiting = mysql_real_connect_cont(&conn->connected, conn->mysql, ready);
        connecting = NULL;
        break;
    case STEP_QUERY:
        conn->waiting = mysql_real_query_cont(&conn->query_rc, conn->mysql, ready);
        break;
    case STEP_FETCH:
        conn->waiting = mysql_fetch_row_cont(&conn->row, conn->result, ready);
        break;
    case STEP_NONE:
    default:
        assert(false && "no call is suspended");
    }
}

/* Wait for what the suspended call waits for and go on with it once. 0, -ETIMEDOUT (it stays suspended), -ECANCELED
 * (broken). */
static int advance_call(struct db_conn *conn, int64_t deadline_ms)
{
    int ready = wait_ready(conn, deadline_ms);
    if (ready == 0)
        return -ETIMEDOUT;
    if (ready == -ECANCELED)
        shut(conn);
    else
        continue_call(conn, ready);
    return ready < 0 ? ready : 0;
}

/* Until the suspended call returns; a peer whose bytes never end does not move the deadline. 0, -ETIMEDOUT (it stays
 * suspended), -ECANCELED (broken). */
static int finish_call(struct db_conn *conn, int64_t deadline_ms)
{
    int rc = 0;
    for (bool late = false; rc == 0 && conn->waiting != 0; late = clock_left_ms(deadline_ms) == 0)
        rc = late ? -ETIMEDOUT : advance_call(conn, deadline_ms);
    return rc;
}

/* How one answer is read. */
struct reading {
    size_t max_bytes;
    int64_t deadline_ms;
    const struct db_stream *stream; /* NULL = max_bytes and deadline_ms hold for the whole answer */
    void *arg;                      /* of the stream's tick */
};

/* Like finish_call(), asking tick() now and then. Its code, too: broken. */
static int finish_streaming(struct db_conn *conn, const struct reading *r, int64_t wait_ms, struct error *err)
{
    int64_t now_ms = clock_mono_ms();
    int64_t deadline_ms = now_ms + wait_ms;
    while (conn->waiting != 0) {
        int64_t tick_at_ms = now_ms + r->stream->tick_ms;
        int rc = advance_call(conn, tick_at_ms < deadline_ms ? tick_at_ms : deadline_ms);
        now_ms = clock_mono_ms();
        if ((rc < 0 && rc != -ETIMEDOUT) || (conn->waiting != 0 && now_ms >= deadline_ms))
            return rc < 0 ? rc : -ETIMEDOUT;
        rc = rc == -ETIMEDOUT ? r->stream->tick(r->arg, err) : 0;
        if (rc < 0) {
            shut(conn);
            return rc;
        }
    }
    return 0;
}

/* Connector/C reports the errno of a failed connect(2) only inside the text: `... (111)` or `... (111 "Connection
 * refused")`. */
static int connect_errno(const char *text)
{
    const char *paren = strrchr(text, '(');
    int code = paren == NULL ? 0 : atoi(paren + 1);
    return code > 0 && code < 4096 ? -code : -EHOSTUNREACH;
}

static int connect_error(struct db_conn *conn, struct error *err)
{
    unsigned number = mysql_errno(conn->mysql);
    const char *text = mysql_error(conn->mysql);
    switch (number) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
        return error_set(err, -EACCES, "login denied: %s", text);
    case CR_CONN_HOST_ERROR:
    case CR_CONNECTION_ERROR:
        return error_set(err, connect_errno(text), "%s", text);
    case CR_SERVER_LOST:
    case CR_SERVER_GONE_ERROR:
        return error_set(err, -ECONNRESET, "connection lost while logging in: %s", text);
    default:
        return error_set(err, -EPROTO, "login failed: error %u: %s", number, text);
    }
}

static void set_keepalive(int fd)
{
    const int on = 1;
    const int idle = keepalive_idle_s;
    const int interval = keepalive_interval_s;
    const int probes = keepalive_probes;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static int connect_finished(struct db_conn *conn, struct error *err)
{
    conn->step = STEP_NONE;
    forget_password(conn);
    if (conn->connected == NULL) {
        conn->broken = true;
        if (conn->wait_rc != 0)
            return error_set(err, conn->wait_rc, "no TLS handshake in time");
        int rc = connect_error(conn, err);
        conn->lost = rc != -EACCES;
        return rc;
    }
    if (conn->tls != DB_TLS_DISABLED && mysql_get_ssl_cipher(conn->mysql) == NULL) {
        shut(conn);
        return error_set(err, -EPROTO, "TLS is required but the server does not offer it (mysql-have_ssl)");
    }
    set_keepalive(mysql_get_socket(conn->mysql));
    return 0;
}

int db_conn_connect(struct db_conn *conn, const char *address, uint16_t port, const char *password, int64_t deadline_ms,
                    struct error *err)
{
    assert(conn->step == STEP_NONE && conn->address == NULL);
    conn->address = xstrdup(address);
    conn->password = xstrdup(password);
    conn->step = STEP_CONNECT;
    conn->deadline_ms = deadline_ms;
    connecting = conn;
    conn->waiting = mysql_real_connect_start(&conn->connected, conn->mysql, conn->address, conn->username,
                                             conn->password, NULL, port, NULL, 0);
    connecting = NULL;
    int rc = finish_call(conn, deadline_ms);
    if (rc == -ETIMEDOUT)
        return error_set(err, rc, "no login in time: the server accepts but does not answer");
    if (rc < 0)
        return error_set(err, rc, "connecting was cancelled");
    return connect_finished(conn, err);
}

static int query_code(unsigned number)
{
    switch (number) {
    case CR_SERVER_LOST:
    case CR_SERVER_GONE_ERROR:
        return -ECONNRESET;
    case CR_NET_PACKET_TOO_LARGE:
        return -EMSGSIZE;
    default:
        return number >= CR_MIN_ERROR && number <= CR_MAX_ERROR ? -EPROTO : -EREMOTEIO;
    }
}

/* An answer that is ERR leaves the connection usable; everything else ends it. */
static int query_error(struct db_conn *conn, struct error *err)
{
    int rc = query_code(mysql_errno(conn->mysql));
    (void)error_set(err, rc, "%s", mysql_error(conn->mysql));
    if (rc != -EREMOTEIO)
        shut(conn);
    conn->lost = rc == -ECONNRESET;
    return rc;
}

static void statement_ended(struct db_conn *conn)
{
    if (conn->result != NULL)
        mysql_free_result(conn->result);
    conn->result = NULL;
    conn->step = STEP_NONE;
    free(conn->sql);
    conn->sql = NULL;
}

/* One row into conn->row, NULL at the end of the rows. */
static int fetch_row(struct db_conn *conn, const struct reading *r, struct error *err)
{
    conn->step = STEP_FETCH;
    conn->waiting = mysql_fetch_row_start(&conn->row, conn->result);
    int rc = 0;
    if (r->stream == NULL)
        rc = finish_call(conn, r->deadline_ms);
    else if (conn->waiting != 0)
        rc = finish_streaming(conn, r, r->stream->gap_ms, err);
    if (rc == 0 && r->stream == NULL && conn->row != NULL && clock_left_ms(r->deadline_ms) == 0)
        rc = -ETIMEDOUT;
    if (rc < 0)
        return rc;
    if (conn->row == NULL && mysql_errno(conn->mysql) != 0)
        return query_error(conn, err);
    return 0;
}

static size_t row_bytes(const struct db_row *row)
{
    size_t sum = 0;
    for (unsigned i = 0; i < row->count; i++)
        sum += row->lengths[i] + sizeof(row->values[i]);
    return sum;
}

static int read_rows(struct db_conn *conn, db_row_fn *fn, void *arg, const struct reading *r, struct error *err)
{
    size_t bytes = 0;
    for (;;) {
        int rc = fetch_row(conn, r, err);
        if (rc < 0 || conn->row == NULL)
            return rc;
        struct db_row row = {
            .count = mysql_num_fields(conn->result), .values = conn->row, .lengths = mysql_fetch_lengths(conn->result)};
        bytes += r->max_bytes == 0 ? 0 : row_bytes(&row);
        if (bytes > r->max_bytes)
            rc = error_set(err, -EMSGSIZE, "the answer is longer than %zu bytes", r->max_bytes);
        else if (fn != NULL)
            rc = fn(arg, &row, err);
        if (rc < 0) {
            shut(conn); /* reading the rest could take for ever */
            return rc;
        }
    }
}

static int run_statement(struct db_conn *conn, db_row_fn *fn, void *arg, const struct reading *r, struct error *err)
{
    int rc =
        r->stream == NULL ? finish_call(conn, r->deadline_ms) : finish_streaming(conn, r, r->stream->answer_ms, err);
    if (rc < 0)
        return rc;
    if (conn->query_rc != 0)
        return query_error(conn, err);
    if (mysql_field_count(conn->mysql) == 0)
        return 0;
    conn->result = mysql_use_result(conn->mysql);
    if (conn->result == NULL)
        return query_error(conn, err);
    return read_rows(conn, fn, arg, r, err);
}

static int run_query(struct db_conn *conn, const char *sql, db_row_fn *fn, void *arg, const struct reading *r,
                     struct error *err)
{
    assert(conn->step == STEP_NONE && !conn->broken && conn->connected != NULL);
    int64_t began_us = clock_mono_us();
    conn->sql = xstrdup(sql);
    conn->step = STEP_QUERY;
    packet_screen_ask(&conn->screen);
    conn->waiting = mysql_real_query_start(&conn->query_rc, conn->mysql, conn->sql, strlen(conn->sql));
    int rc = run_statement(conn, fn, arg, r, err);
    histogram_add_us(&statement_durations, clock_mono_us() - began_us);
    if (rc == -ETIMEDOUT)
        return error_set(err, rc, "no answer in time");
    if (rc == -ECANCELED)
        return error_set(err, rc, "cancelled while waiting for the answer");
    statement_ended(conn);
    return rc;
}

const struct histogram *db_statement_durations(void)
{
    return &statement_durations;
}

int db_conn_query(struct db_conn *conn, const char *sql, db_row_fn *fn, void *arg, size_t max_bytes,
                  int64_t deadline_ms, uint64_t *ret_affected, struct error *err)
{
    const struct reading reading = {.max_bytes = max_bytes, .deadline_ms = deadline_ms};
    int rc = run_query(conn, sql, fn, arg, &reading, err);
    if (rc == 0 && ret_affected != NULL)
        *ret_affected = mysql_affected_rows(conn->mysql);
    return rc;
}

int db_conn_stream(struct db_conn *conn, const char *sql, const struct db_stream *stream, db_row_fn *fn, void *arg,
                   struct error *err)
{
    const struct reading reading = {.stream = stream, .arg = arg};
    return run_query(conn, sql, fn, arg, &reading, err);
}

bool db_conn_answering(const struct db_conn *conn)
{
    return conn->step == STEP_FETCH;
}

bool db_conn_busy(const struct db_conn *conn)
{
    return !conn->broken && conn->step != STEP_NONE;
}

bool db_conn_broken(const struct db_conn *conn)
{
    return conn->broken;
}

/* What follows a call that has returned while the connection was parked. */
static int resume_next(struct db_conn *conn)
{
    struct error ignored = ERROR_INIT;
    switch (conn->step) {
    case STEP_CONNECT:
        return connect_finished(conn, &ignored);
    case STEP_QUERY:
        if (conn->query_rc != 0 || mysql_field_count(conn->mysql) == 0)
            break;
        conn->result = mysql_use_result(conn->mysql);
        if (conn->result == NULL)
            break;
        conn->step = STEP_FETCH;
        conn->waiting = mysql_fetch_row_start(&conn->row, conn->result);
        return 0;
    case STEP_FETCH:
        if (conn->row == NULL)
            break;
        conn->waiting = mysql_fetch_row_start(&conn->row, conn->result);
        return 0;
    case STEP_NONE:
    default:
        return 0;
    }
    int rc = mysql_errno(conn->mysql) == 0 ? 0 : query_error(conn, &ignored);
    statement_ended(conn);
    return rc == -EREMOTEIO ? 0 : rc;
}

int db_conn_resume(struct db_conn *conn)
{
    for (int i = 0; i < resume_steps_max && conn->step != STEP_NONE; i++) {
        int rc = conn->waiting != 0 ? advance_call(conn, 0) : resume_next(conn);
        if (rc == -ETIMEDOUT)
            return -EINPROGRESS;
        if (rc < 0) {
            conn->broken = true;
            return -ECONNRESET;
        }
    }
    return conn->step == STEP_NONE ? 0 : -EINPROGRESS;
}

bool db_conn_lost(const struct db_conn *conn)
{
    return conn->lost;
}

/* Bytes behind the last answer, read together with it: the next statement would take them for its own answer. */
static bool has_read_ahead(const struct db_conn *conn)
{
    const MARIADB_PVIO *io = conn->mysql->net.pvio;
    return io != NULL && io->cache != NULL && io->cache + io->cache_size > io->cache_pos;
}

bool db_conn_stale(const struct db_conn *conn)
{
    struct pollfd fd = {.fd = mysql_get_socket(conn->mysql), .events = POLLIN};
    return conn->broken || has_read_ahead(conn) || poll(&fd, 1, 0) != 0;
}
