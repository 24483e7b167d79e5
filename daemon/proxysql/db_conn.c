#include "daemon/proxysql/db_conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <errmsg.h>
#include <mysql.h>

#include "daemon/proxysql/db_socket.h"
#include "daemon/proxysql/packet_screen.h"
#include "shared/clock.h"
#include "shared/mem.h"

/* db_conn_resume() makes this many steps at most (a row, or one read of the socket), so that it never holds its caller
 * up. */
enum { resume_steps_max = 1000 };

enum step { STEP_NONE, STEP_CONNECT, STEP_QUERY, STEP_FETCH };

struct db_conn {
    MYSQL *mysql;
    MYSQL_RES *result; /* during STEP_FETCH */
    enum step step;    /* what is in flight */
    bool lost;         /* broken, and by the other side */
    struct db_socket socket;
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

/* Of every connection of the process: admin is slow or it is not. */
static struct histogram statement_durations;

struct db_conn *db_conn_new(const struct db_params *params)
{
    struct db_conn *conn = xcalloc(1, sizeof(*conn));
    conn->tls = params->tls;
    conn->username = xstrdup(params->username);
    conn->mysql = db_connect_new(params);
    conn->socket = (struct db_socket){.mysql = conn->mysql, .cancel_fd = params->cancel_fd};
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
    if (conn->step != STEP_NONE || conn->socket.broken)
        db_socket_shut(&conn->socket);
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
        db_socket_enter(&conn->socket);
        conn->socket.waiting = mysql_real_connect_cont(&conn->connected, conn->mysql, ready);
        db_socket_leave();
        break;
    case STEP_QUERY:
        conn->socket.waiting = mysql_real_query_cont(&conn->query_rc, conn->mysql, ready);
        break;
    case STEP_FETCH:
        conn->socket.waiting = mysql_fetch_row_cont(&conn->row, conn->result, ready);
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
    int ready = db_socket_wait(&conn->socket, deadline_ms);
    if (ready == 0)
        return -ETIMEDOUT;
    if (ready == -ECANCELED)
        db_socket_shut(&conn->socket);
    else
        continue_call(conn, ready);
    return ready < 0 ? ready : 0;
}

/* Until the suspended call returns; a peer whose bytes never end does not move the deadline. 0, -ETIMEDOUT (it stays
 * suspended), -ECANCELED (broken). */
static int finish_call(struct db_conn *conn, int64_t deadline_ms)
{
    int rc = 0;
    for (bool late = false; rc == 0 && conn->socket.waiting != 0; late = clock_left_ms(deadline_ms) == 0)
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
    while (conn->socket.waiting != 0) {
        int64_t tick_at_ms = now_ms + r->stream->tick_ms;
        int rc = advance_call(conn, tick_at_ms < deadline_ms ? tick_at_ms : deadline_ms);
        now_ms = clock_mono_ms();
        if ((rc < 0 && rc != -ETIMEDOUT) || (conn->socket.waiting != 0 && now_ms >= deadline_ms))
            return rc < 0 ? rc : -ETIMEDOUT;
        rc = rc == -ETIMEDOUT ? r->stream->tick(r->arg, err) : 0;
        if (rc < 0) {
            db_socket_shut(&conn->socket);
            return rc;
        }
    }
    return 0;
}

static int connect_finished(struct db_conn *conn, struct error *err)
{
    conn->step = STEP_NONE;
    conn->socket.connecting = false;
    forget_password(conn);
    if (conn->connected == NULL) {
        conn->socket.broken = true;
        if (conn->socket.wait_rc != 0)
            return error_set(err, conn->socket.wait_rc, "no TLS handshake in time");
        int rc = db_connect_error(conn->mysql, err);
        conn->lost = rc != -EACCES;
        return rc;
    }
    int rc = db_connect_check_tls(conn->mysql, conn->tls, err);
    if (rc < 0)
        db_socket_shut(&conn->socket);
    else
        db_socket_keep_alive(&conn->socket);
    return rc;
}

int db_conn_connect(struct db_conn *conn, const char *address, uint16_t port, const char *password, int64_t deadline_ms,
                    struct error *err)
{
    assert(conn->step == STEP_NONE && conn->address == NULL);
    conn->address = xstrdup(address);
    conn->password = xstrdup(password);
    conn->step = STEP_CONNECT;
    conn->socket.connecting = true;
    conn->socket.deadline_ms = deadline_ms;
    db_socket_enter(&conn->socket);
    conn->socket.waiting = mysql_real_connect_start(&conn->connected, conn->mysql, conn->address, conn->username,
                                                    conn->password, NULL, port, NULL, 0);
    db_socket_leave();
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
        db_socket_shut(&conn->socket);
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
    conn->socket.waiting = mysql_fetch_row_start(&conn->row, conn->result);
    int rc = 0;
    if (r->stream == NULL)
        rc = finish_call(conn, r->deadline_ms);
    else if (conn->socket.waiting != 0)
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
            db_socket_shut(&conn->socket); /* reading the rest could take for ever */
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
    assert(conn->step == STEP_NONE && !conn->socket.broken && conn->connected != NULL);
    int64_t began_us = clock_mono_us();
    conn->sql = xstrdup(sql);
    conn->step = STEP_QUERY;
    packet_screen_ask(&conn->socket.screen);
    conn->socket.waiting = mysql_real_query_start(&conn->query_rc, conn->mysql, conn->sql, strlen(conn->sql));
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
    return !conn->socket.broken && conn->step != STEP_NONE;
}

bool db_conn_broken(const struct db_conn *conn)
{
    return conn->socket.broken;
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
        conn->socket.waiting = mysql_fetch_row_start(&conn->row, conn->result);
        return 0;
    case STEP_FETCH:
        if (conn->row == NULL)
            break;
        conn->socket.waiting = mysql_fetch_row_start(&conn->row, conn->result);
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
        int rc = conn->socket.waiting != 0 ? advance_call(conn, 0) : resume_next(conn);
        if (rc == -ETIMEDOUT)
            return -EINPROGRESS;
        if (rc < 0) {
            conn->socket.broken = true;
            return -ECONNRESET;
        }
    }
    return conn->step == STEP_NONE ? 0 : -EINPROGRESS;
}

bool db_conn_lost(const struct db_conn *conn)
{
    return conn->lost;
}

bool db_conn_stale(const struct db_conn *conn)
{
    return conn->socket.broken || db_socket_stale(&conn->socket);
}
