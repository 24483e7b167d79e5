#include "tests/unit/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/proxysql/db_conn.h"
#include "daemon/proxysql/db_library.h"
#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/thread.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/stand_in.h"

enum { soon_ms = 200, enough_ms = 20000, slack_ms = BUILT_WITH_SANITIZER ? 3000 : 600 };

static const char *const sha2_flags[] = {"--auth", "caching_sha2", NULL};
static const struct db_params clear = {
    .username = "radmin", .ca_file = "", .cert_file = "", .key_file = "", .cancel_fd = -1};
static struct stand_in px;
static struct error err;

static int64_t after(int64_t ms)
{
    return clock_mono_ms() + ms;
}

static int login(struct db_conn *conn, uint16_t port, int64_t ms)
{
    error_clear(&err);
    return db_conn_connect(conn, "127.0.0.1", port, "radmin", after(ms), &err);
}

static struct db_conn *logged_in(void)
{
    struct db_conn *conn = db_conn_new(&clear);
    if (login(conn, px.admin_port, enough_ms) != 0)
        fail_msg("%s", err.text);
    return conn;
}

static int count_row(void *arg, const struct db_row *row, struct error *row_err)
{
    (void)row;
    (void)row_err;
    ++*(unsigned *)arg;
    return 0;
}

static int query(struct db_conn *conn, const char *sql, unsigned *rows, int64_t ms)
{
    error_clear(&err);
    return db_conn_query(conn, sql, rows == NULL ? NULL : count_row, rows, DB_ANSWER_BYTES_MAX, after(ms), NULL, &err);
}

static void assert_usable(struct db_conn *conn)
{
    unsigned rows = 0;
    assert_false(db_conn_busy(conn));
    assert_false(db_conn_broken(conn));
    assert_int_equal(query(conn, "SELECT 1", &rows, enough_ms), 0);
    assert_int_equal(rows, 1);
    assert_false(db_conn_stale(conn));
}

static int start_native(void **state)
{
    (void)state;
    stand_in_start(&px, NULL);
    return 0;
}

static int start_sha2(void **state)
{
    (void)state;
    stand_in_start(&px, sha2_flags);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    stand_in_stop(&px);
    return 0;
}

static void logs_in_and_asks(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    assert_usable(conn);
    uint64_t affected = 0;
    assert_int_equal(
        db_conn_query(conn, "DELETE FROM proxysql_servers", NULL, NULL, 1000, after(enough_ms), NULL, &err), 0);
    assert_int_equal(db_conn_query(conn, "INSERT INTO proxysql_servers (hostname) VALUES ('a'), ('b')", NULL, NULL,
                                   1000, after(enough_ms), &affected, &err),
                     0);
    assert_int_equal(affected, 2);
    db_conn_free(conn);
    stand_in_wait_max(&px, "stats", "admin_open", 0);
}

static void wrong_password_is_denied(void **state)
{
    (void)state;
    struct db_conn *conn = db_conn_new(&clear);
    error_clear(&err);
    assert_int_equal(db_conn_connect(conn, "127.0.0.1", px.admin_port, "wrong", after(enough_ms), &err), -EACCES);
    assert_non_null(strstr(err.text, "login denied"));
    assert_true(db_conn_broken(conn));
    assert_false(db_conn_lost(conn));
    db_conn_free(conn);
}

static void closed_port_refuses(void **state)
{
    (void)state;
    stand_in_tell(&px, "refuse on");
    struct db_conn *conn = db_conn_new(&clear);
    assert_int_equal(login(conn, px.admin_port, enough_ms), -ECONNREFUSED);
    assert_true(db_conn_lost(conn));
    db_conn_free(conn);
}

/* Begins at begin_ms, must have ended at its deadline, neither earlier nor much later. */
static void assert_on_time(int64_t begin_ms)
{
    int64_t took_ms = clock_mono_ms() - begin_ms;
    assert_in_range(took_ms, soon_ms, soon_ms + slack_ms);
}

static void assert_login_times_out(void)
{
    struct db_conn *conn = db_conn_new(&clear);
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(login(conn, px.admin_port, soon_ms), -ETIMEDOUT);
    assert_on_time(begin_ms);
    assert_true(db_conn_busy(conn));
    assert_int_equal(db_conn_resume(conn), -EINPROGRESS);
    db_conn_free(conn);
    assert_true(clock_mono_ms() - begin_ms < soon_ms + slack_ms);
}

static void connect_has_a_total_deadline(void **state)
{
    (void)state;
    stand_in_tell(&px, "silent on");
    assert_login_times_out();
    stand_in_tell(&px, "silent off");
    stand_in_tell(&px, "slow-login 60000");
    assert_login_times_out();
    stand_in_tell(&px, "slow-login off");
    stand_in_tell(&px, "drip 10");
    assert_login_times_out();
}

/* db_conn_resume() until it has ended. */
static int resume_all(struct db_conn *conn)
{
    int rc;
    int64_t deadline_ms = after(enough_ms);
    while ((rc = db_conn_resume(conn)) == -EINPROGRESS && clock_mono_ms() < deadline_ms)
        (void)poll(NULL, 0, 1);
    return rc;
}

static void late_login_is_resumed(void **state)
{
    (void)state;
    stand_in_tell(&px, "slow-login 400");
    struct db_conn *conn = db_conn_new(&clear);
    assert_int_equal(login(conn, px.admin_port, 50), -ETIMEDOUT);
    assert_int_equal(resume_all(conn), 0);
    assert_usable(conn);
    db_conn_free(conn);
}

static void late_denial_is_no_loss(void **state)
{
    (void)state;
    stand_in_tell(&px, "slow-login 300");
    struct db_conn *conn = db_conn_new(&clear);
    error_clear(&err);
    assert_int_equal(db_conn_connect(conn, "127.0.0.1", px.admin_port, "wrong", after(50), &err), -ETIMEDOUT);
    assert_int_equal(resume_all(conn), -ECONNRESET);
    assert_true(db_conn_broken(conn));
    assert_false(db_conn_lost(conn));
    db_conn_free(conn);
}

static void dripped_answer_has_a_total_deadline(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    stand_in_tell(&px, "drip 20");
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(query(conn, "SELECT 1", NULL, soon_ms), -ETIMEDOUT);
    assert_on_time(begin_ms);
    assert_true(db_conn_busy(conn));
    stand_in_tell(&px, "drip off");
    assert_int_equal(resume_all(conn), 0);
    assert_usable(conn);
    db_conn_free(conn);
}

/* The answer, with rows, ends what was in flight; the rows are thrown away. */
static void wedged_statement_is_resumed(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    stand_in_tell(&px, "wedge on");
    int64_t begin_ms = clock_mono_ms();
    unsigned rows = 0;
    assert_int_equal(query(conn, "SELECT 1 UNION SELECT 2", &rows, soon_ms), -ETIMEDOUT);
    assert_on_time(begin_ms);
    assert_true(db_conn_busy(conn));
    assert_int_equal(db_conn_resume(conn), -EINPROGRESS);
    stand_in_tell(&px, "wedge off");
    assert_int_equal(resume_all(conn), 0);
    assert_int_equal(rows, 0);
    assert_int_equal(stand_in_number(&px, "count UNION", "executed"), 1);
    assert_usable(conn);

    stand_in_tell(&px, "wedge on");
    assert_int_equal(query(conn, "BOGUS", NULL, 50), -ETIMEDOUT);
    stand_in_tell(&px, "wedge off");
    assert_int_equal(resume_all(conn), 0);
    assert_usable(conn);
    db_conn_free(conn);
}

static void lost_while_parked(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    stand_in_tell(&px, "wedge on");
    assert_int_equal(query(conn, "SELECT 1", NULL, 50), -ETIMEDOUT);
    stand_in_tell(&px, "drop");
    assert_int_equal(resume_all(conn), -ECONNRESET);
    assert_true(db_conn_lost(conn));
    assert_false(db_conn_busy(conn));
    db_conn_free(conn);
}

static void err_keeps_the_connection(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    assert_int_equal(query(conn, "BOGUS", NULL, enough_ms), -EREMOTEIO);
    assert_non_null(strstr(err.text, "near \"BOGUS\": syntax error"));
    assert_usable(conn);
    db_conn_free(conn);
}

static void *drop_when_waiting(void *arg)
{
    (void)arg;
    stand_in_wait_min(&px, "stats", "waiting", 1);
    stand_in_tell(&px, "drop");
    return NULL;
}

static void dropped_under_a_statement(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    stand_in_tell(&px, "wedge on");
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "drop", drop_when_waiting, NULL, &err), 0);
    assert_int_equal(query(conn, "SELECT 1", NULL, enough_ms), -ECONNRESET);
    thread_join(thread);
    assert_true(db_conn_broken(conn));
    assert_true(db_conn_lost(conn));
    db_conn_free(conn);
}

static void dropped_while_idle_is_stale(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    assert_false(db_conn_stale(conn));
    stand_in_tell(&px, "drop");
    int64_t deadline_ms = after(enough_ms);
    while (!db_conn_stale(conn) && clock_mono_ms() < deadline_ms)
        (void)poll(NULL, 0, 1);
    assert_true(db_conn_stale(conn));
    assert_int_equal(query(conn, "SELECT 1", NULL, enough_ms), -ECONNRESET);
    db_conn_free(conn);
}

static void long_answers_end(void **state)
{
    (void)state;
    unsigned rows = 0;
    struct db_conn *conn = logged_in();
    assert_int_equal(
        db_conn_query(conn, "SELECT hex(zeroblob(500))", count_row, &rows, 1100, after(enough_ms), NULL, &err), 0);
    assert_int_equal(db_conn_query(conn, "SELECT hex(zeroblob(500)) UNION ALL SELECT hex(zeroblob(500))", count_row,
                                   &rows, 1100, after(enough_ms), NULL, &err),
                     -EMSGSIZE);
    assert_int_equal(rows, 2);
    assert_true(db_conn_broken(conn));
    assert_false(db_conn_lost(conn));
    db_conn_free(conn);

    conn = logged_in();
    assert_int_not_equal(query(conn, "SELECT hex(zeroblob(9000000))", NULL, enough_ms), 0);
    assert_true(db_conn_broken(conn));
    db_conn_free(conn);
}

static int refuse_row(void *arg, const struct db_row *row, struct error *row_err)
{
    (void)arg;
    assert_int_equal(row->count, 2);
    assert_string_equal(row->values[0], "x");
    assert_int_equal(row->lengths[0], 1);
    assert_null(row->values[1]);
    return error_set(row_err, -EDOM, "not this row");
}

static void row_callback_ends_the_statement(void **state)
{
    (void)state;
    struct db_conn *conn = logged_in();
    error_clear(&err);
    assert_int_equal(db_conn_query(conn, "SELECT 'x', NULL UNION ALL SELECT 'y', NULL", refuse_row, NULL, 1000,
                                   after(enough_ms), NULL, &err),
                     -EDOM);
    assert_string_equal(err.text, "not this row");
    assert_true(db_conn_broken(conn));
    assert_false(db_conn_lost(conn));
    db_conn_free(conn);
}

static void *cancel_when_waiting(void *arg)
{
    const uint64_t one = 1;
    stand_in_wait_min(&px, "stats", "waiting", 1);
    assert_int_equal(write(*(int *)arg, &one, sizeof(one)), sizeof(one));
    return NULL;
}

static void cancel_ends_every_wait(void **state)
{
    (void)state;
    cleanup_fd int fd = eventfd(0, EFD_CLOEXEC);
    struct db_params params = clear;
    params.cancel_fd = fd;
    struct db_conn *conn = db_conn_new(&params);
    assert_int_equal(login(conn, px.admin_port, enough_ms), 0);
    stand_in_tell(&px, "wedge on");
    pthread_t thread;
    assert_int_equal(thread_start(&thread, "cancel", cancel_when_waiting, &fd, &err), 0);
    assert_int_equal(query(conn, "SELECT 1", NULL, enough_ms), -ECANCELED);
    thread_join(thread);
    assert_true(db_conn_broken(conn));
    db_conn_free(conn);

    stand_in_tell(&px, "silent on");
    conn = db_conn_new(&params);
    assert_int_equal(login(conn, px.admin_port, enough_ms), -ECANCELED);
    db_conn_free(conn);
}

/* TLS. The certificate is its own authority and good for 127.0.0.1 only. */
static char cert[96];
static char key[96];

static void make_certificate(const char *name)
{
    (void)snprintf(cert, sizeof(cert), "%s/cert.pem", px.folder);
    (void)snprintf(key, sizeof(key), "%s/key.pem", px.folder);
    cleanup_free char *command =
        xasprintf("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%s -addext subjectAltName=%s:%s "
                  "-keyout %s -out %s 2>/dev/null",
                  name, strcmp(name, "127.0.0.1") == 0 ? "IP" : "DNS", name, key, cert);
    assert_int_equal(system(command), 0); /* NOLINT: fixed words only */
    stand_in_restart(&px, (const char *const[]){"--auth", "caching_sha2", "--tls-cert", cert, "--tls-key", key, NULL});
}

static int stop_tls(void **state)
{
    (void)unlink(cert);
    (void)unlink(key);
    return stop(state);
}

static int tls_login(enum db_tls tls, const char *ca_file, struct db_conn **ret_conn)
{
    struct db_params params = clear;
    params.tls = tls;
    params.ca_file = ca_file;
    *ret_conn = db_conn_new(&params);
    return login(*ret_conn, px.admin_port, enough_ms);
}

static void tls_is_required_or_verified(void **state)
{
    (void)state;
    struct db_conn *conn;
    make_certificate("127.0.0.1");
    assert_int_equal(tls_login(DB_TLS_REQUIRED, "", &conn), 0);
    assert_usable(conn);
    stand_in_tell(&px, "wedge on");
    assert_int_equal(query(conn, "SELECT 1", NULL, 50), -ETIMEDOUT);
    stand_in_tell(&px, "wedge off");
    assert_int_equal(resume_all(conn), 0);
    stand_in_tell(&px, "drop");
    assert_int_equal(query(conn, "SELECT 1", NULL, enough_ms), -ECONNRESET);
    db_conn_free(conn);
    assert_int_equal(tls_login(DB_TLS_VERIFY, cert, &conn), 0);
    assert_usable(conn);
    db_conn_free(conn);
    assert_int_equal(tls_login(DB_TLS_VERIFY, "", &conn), -EPROTO); /* an authority nobody knows */
    db_conn_free(conn);
}

static void tls_verifies_the_name(void **state)
{
    (void)state;
    struct db_conn *conn;
    make_certificate("somebody.else");
    assert_int_equal(tls_login(DB_TLS_VERIFY, cert, &conn), -EPROTO);
    db_conn_free(conn);
    assert_int_equal(tls_login(DB_TLS_REQUIRED, "", &conn), 0);
    db_conn_free(conn);
}

static void tls_is_not_done_without(void **state)
{
    (void)state;
    struct db_conn *conn;
    assert_int_equal(tls_login(DB_TLS_REQUIRED, "", &conn), -EPROTO);
    assert_non_null(strstr(err.text, "TLS"));
    assert_true(db_conn_broken(conn));
    db_conn_free(conn);
    assert_int_equal(tls_login(DB_TLS_VERIFY, "", &conn), -EPROTO);
    db_conn_free(conn);
}

/* A hostile server. */
static struct scripted_server evil;

static int start_evil(void **state)
{
    (void)state;
    scripted_server_init(&evil);
    return 0;
}

static int stop_evil(void **state)
{
    (void)state;
    scripted_server_fini(&evil);
    return 0;
}

static struct db_conn *evil_login(int expected)
{
    scripted_server_run(&evil);
    struct db_conn *conn = db_conn_new(&clear);
    int rc = db_conn_connect(conn, "127.0.0.1", evil.port, "s3cret", after(enough_ms), &err);
    if (rc != expected)
        fail_msg("login: %d %s", rc, err.text);
    return conn;
}

static bool heard(const char *text)
{
    return memmem(evil.heard.data, evil.heard.len, text, strlen(text)) != NULL;
}

/* Offers TLS and never shakes hands. */
static void tls_handshake_has_a_deadline(void **state)
{
    (void)state;
    cleanup_fd int fd = eventfd(0, EFD_CLOEXEC);
    struct db_params params = clear;
    params.tls = DB_TLS_REQUIRED;
    params.cancel_fd = fd;
    evil.capabilities |= 0x800;
    scripted_greeting(&evil, "mysql_native_password");
    scripted_server_run(&evil);
    struct db_conn *conn = db_conn_new(&params);
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(login(conn, evil.port, soon_ms), -ETIMEDOUT);
    assert_on_time(begin_ms);
    assert_false(db_conn_busy(conn));
    assert_true(db_conn_broken(conn));
    db_conn_free(conn);

    const uint64_t one = 1;
    assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
    conn = db_conn_new(&params);
    assert_int_equal(login(conn, evil.port, enough_ms), -ECANCELED);
    db_conn_free(conn);
    scripted_server_stop(&evil);
}

static void asks_for_the_clear_password(void **state)
{
    (void)state;
    static const char *const plugins[] = {"mysql_clear_password", "dialog", "mysql_old_password", "../../evil"};
    error_clear(&err);
    for (size_t i = 0; i < ARRAY_LEN(plugins); i++) {
        scripted_greeting(&evil, "mysql_native_password");
        struct packet_writer *w = scripted_answer(&evil, 2);
        packet_begin(w);
        packet_put_int(w, 0xfe, 1);
        packet_put(w, plugins[i], strlen(plugins[i]) + 1);
        packet_put(w, "abcdefghijklmnopqrst", 21);
        packet_end(w);
        scripted_login_ok(&evil);
        db_conn_free(evil_login(-EPROTO));
        scripted_server_stop(&evil);
        assert_false(heard("s3cret"));
        scripted_server_fini(&evil);
        scripted_server_init(&evil);
        error_clear(&err);
    }
}

static void offers_the_clear_password(void **state)
{
    (void)state;
    scripted_greeting(&evil, "mysql_clear_password");
    scripted_login_ok(&evil);
    struct db_conn *conn = db_conn_new(&clear);
    scripted_server_run(&evil);
    error_clear(&err);
    assert_int_not_equal(db_conn_connect(conn, "127.0.0.1", evil.port, "s3cret", after(soon_ms), &err), 0);
    db_conn_free(conn);
    scripted_server_stop(&evil);
    assert_false(heard("s3cret"));
}

static void asks_for_a_local_file(void **state)
{
    (void)state;
    char path[] = "/tmp/secret-XXXXXX";
    cleanup_fd int fd = mkstemp(path);
    assert_int_equal(write(fd, "t0psecret", 9), 9);
    scripted_greeting(&evil, "mysql_native_password");
    scripted_login_ok(&evil);
    struct packet_writer *w = scripted_answer(&evil, 1);
    packet_begin(w);
    packet_put_int(w, 0xfb, 1);
    packet_put(w, path, strlen(path));
    packet_end(w);
    packet_ok(scripted_answer(&evil, 3), 0, NULL);
    error_clear(&err);
    struct db_conn *conn = evil_login(0);
    assert_int_not_equal(query(conn, "LOAD MYSQL SERVERS TO RUNTIME", NULL, enough_ms), 0);
    db_conn_free(conn);
    scripted_server_stop(&evil);
    (void)unlink(path);
    assert_false(heard("t0psecret"));
    assert_true(heard("LOAD MYSQL SERVERS"));
}

static void says_more_than_was_asked(void **state)
{
    (void)state;
    scripted_greeting(&evil, "mysql_native_password");
    scripted_login_ok(&evil);
    struct packet_writer *w = scripted_answer(&evil, 1);
    packet_ok(w, 1, NULL);
    w->seq = 1;
    packet_ok(w, 2, NULL);
    error_clear(&err);
    struct db_conn *conn = evil_login(0);
    assert_false(db_conn_stale(conn));
    assert_int_equal(query(conn, "PROXYSQL PAUSE", NULL, enough_ms), 0);
    assert_true(db_conn_stale(conn));
    db_conn_free(conn);
    scripted_server_stop(&evil);
}

static void never_stops_talking(void **state)
{
    (void)state;
    scripted_greeting(&evil, "mysql_native_password");
    scripted_login_ok(&evil);
    scripted_columns(scripted_answer(&evil, 1), 1);
    static const char *const empty[] = {""};
    struct packet_writer *w = &evil.answers[evil.count - 1];
    for (unsigned i = 0; i < 1000; i++)
        scripted_row(w, 1, empty);
    packet_writer_reset(&evil.endless, w->seq);
    for (unsigned i = 0; i < 256; i++) /* so many bring the packets' number back */
        scripted_row(&evil.endless, 1, empty);
    error_clear(&err);
    struct db_conn *conn = evil_login(0);
    int64_t begin_ms = clock_mono_ms();
    int rc = db_conn_query(conn, "SELECT 1", NULL, NULL, 0, after(soon_ms), NULL, &err);
    assert_int_equal(rc, -ETIMEDOUT);
    assert_on_time(begin_ms);
    begin_ms = clock_mono_ms();
    for (int i = 0; i < 10; i++)
        assert_int_equal(db_conn_resume(conn), -EINPROGRESS);
    assert_true(clock_mono_ms() - begin_ms < slack_ms);
    db_conn_free(conn);
    scripted_server_stop(&evil);
}

static void talks_nonsense(void **state)
{
    (void)state;
    scripted_greeting(&evil, "mysql_native_password");
    scripted_login_ok(&evil);
    struct packet_writer *w = scripted_answer(&evil, 1);
    scripted_columns(w, 2);
    packet_begin(w);
    packet_put_int(w, 0x7f, 1); /* 127 bytes that are not there */
    packet_put_int(w, 0, 1);
    packet_end(w);
    error_clear(&err);
    struct db_conn *conn = evil_login(0);
    assert_int_equal(query(conn, "SELECT 1", NULL, enough_ms), -EPROTO);
    assert_true(db_conn_broken(conn));
    assert_false(db_conn_lost(conn));
    db_conn_free(conn);
    scripted_server_stop(&evil);
}

static void is_no_mysql_server(void **state)
{
    (void)state;
    struct packet_writer *w = scripted_answer(&evil, 0);
    packet_begin(w);
    packet_put(w, "\x04HTTP/1.1 400 Bad Request\r\n", 27);
    packet_end(w);
    error_clear(&err);
    struct db_conn *conn = evil_login(-EPROTO);
    assert_true(db_conn_broken(conn));
    db_conn_free(conn);
    scripted_server_stop(&evil);
}

static int start_library(void **state)
{
    (void)state;
    struct error start_err = ERROR_INIT;
    return db_library_start(&start_err);
}

static int stop_library(void **state)
{
    (void)state;
    db_thread_end();
    db_library_stop();
    return 0;
}

#define NATIVE(test) cmocka_unit_test_setup_teardown(test, start_native, stop)
#define TLS(test)    cmocka_unit_test_setup_teardown(test, start_native, stop_tls)
#define EVIL(test)   cmocka_unit_test_setup_teardown(test, start_evil, stop_evil)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NATIVE(logs_in_and_asks),
        cmocka_unit_test_setup_teardown(logs_in_and_asks, start_sha2, stop),
        NATIVE(wrong_password_is_denied),
        cmocka_unit_test_setup_teardown(wrong_password_is_denied, start_sha2, stop),
        NATIVE(closed_port_refuses),
        NATIVE(connect_has_a_total_deadline),
        NATIVE(late_login_is_resumed),
        NATIVE(late_denial_is_no_loss),
        NATIVE(dripped_answer_has_a_total_deadline),
        NATIVE(wedged_statement_is_resumed),
        NATIVE(lost_while_parked),
        NATIVE(err_keeps_the_connection),
        NATIVE(dropped_under_a_statement),
        NATIVE(dropped_while_idle_is_stale),
        NATIVE(long_answers_end),
        NATIVE(row_callback_ends_the_statement),
        NATIVE(cancel_ends_every_wait),
        TLS(tls_is_required_or_verified),
        TLS(tls_verifies_the_name),
        NATIVE(tls_is_not_done_without),
        EVIL(tls_handshake_has_a_deadline),
        EVIL(asks_for_the_clear_password),
        EVIL(offers_the_clear_password),
        EVIL(asks_for_a_local_file),
        EVIL(says_more_than_was_asked),
        EVIL(never_stops_talking),
        EVIL(talks_nonsense),
        EVIL(is_no_mysql_server),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
