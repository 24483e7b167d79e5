#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/proxysql/admin.h"
#include "daemon/proxysql/db_library.h"
#include "shared/clock.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/stand_in.h"

enum { enough_ms = 20000, rows_max = 8 };

static const struct db_params params = {
    .username = "radmin", .ca_file = "", .cert_file = "", .key_file = "", .cancel_fd = -1};
static struct admin_backends backends;
static struct admin_node node;
static struct error err;

static int64_t soon(void)
{
    return clock_mono_ms() + enough_ms;
}

static struct db_conn *log_in(uint16_t port)
{
    struct db_conn *conn = db_conn_new(&params);
    error_clear(&err);
    if (db_conn_connect(conn, "127.0.0.1", port, "radmin", soon(), &err) != 0)
        fail_msg("%s", err.text);
    return conn;
}

static void reads_a_node(void **state)
{
    (void)state;
    struct stand_in px;
    stand_in_start(&px, NULL);
    struct db_conn *conn = log_in(px.admin_port);
    assert_int_equal(db_conn_query(conn, "INSERT INTO mysql_servers (hostname) VALUES ('a'), ('b'), ('c'), ('d')", NULL,
                                   NULL, 0, soon(), NULL, &err),
                     0);
    assert_int_equal(db_conn_query(conn, "LOAD MYSQL SERVERS TO RUNTIME", NULL, NULL, 0, soon(), NULL, &err), 0);
    stand_in_tell(&px, "backend a SHUNNED");
    stand_in_tell(&px, "backend b OFFLINE_SOFT");
    stand_in_tell(&px, "uptime 4711");
    stand_in_tell(&px, "reset");
    if (admin_read_health(conn, soon(), &backends, &node, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(backends.online, 2);
    assert_int_equal(backends.shunned, 1);
    assert_int_equal(backends.total, 4);
    assert_in_range(node.uptime_s, 4711, 4720);
    assert_int_equal(node.clients, 0);
    assert_false(node.paused);
    assert_string_equal(node.version, "2.7.2-14-g5cc418b");
    assert_non_null(strstr(node.interfaces, "127.0.0.1:"));
    assert_int_equal(stand_in_number(&px, "stats", "received"), 1);

    assert_int_equal(db_conn_query(conn, "PROXYSQL PAUSE", NULL, NULL, 0, soon(), NULL, &err), 0);
    assert_int_equal(admin_read_health(conn, soon(), &backends, &node, &err), 0);
    assert_true(node.paused);
    node.clients = 77;
    assert_int_equal(admin_read_health(conn, soon(), &backends, NULL, &err), 0);
    assert_int_equal(node.clients, 77);
    assert_int_equal(stand_in_number(&px, "count stats_mysql_global", "executed"), 2);
    db_conn_free(conn);
    stand_in_stop(&px);
}

struct answer {
    const char *what;
    int code;
    unsigned columns;
    unsigned rows;
    const char *values[rows_max * 3];
};

#define UPTIME "global", "ProxySQL_Uptime", "10"

static int ask(const struct answer *a, bool with_node)
{
    struct scripted_server server;
    scripted_server_init(&server);
    scripted_greeting(&server, "mysql_native_password");
    scripted_login_ok(&server);
    scripted_rows(&server, a->columns, a->rows, a->values);
    scripted_server_run(&server);
    struct db_conn *conn = log_in(server.port);
    backends = (struct admin_backends){.total = -1};
    node = (struct admin_node){.uptime_s = -1};
    int rc = admin_read_health(conn, soon(), &backends, with_node ? &node : NULL, &err);
    db_conn_free(conn);
    scripted_server_stop(&server);
    scripted_server_fini(&server);
    return rc;
}

static void believes_only_what_makes_sense(void **state)
{
    (void)state;
    static const struct answer answers[] = {
        {"least", 0, 3, 1, {UPTIME}},
        {"unknown names", 0, 3, 3, {UPTIME, "global", "Something", "x", "variable", "other", NULL}},
        {"most backends", 0, 3, 2, {UPTIME, "backends", "ONLINE", "1000000000"}},
        {"longest uptime", 0, 3, 1, {"global", "ProxySQL_Uptime", "3162240000"}},
        {"no rows", -EPROTO, 3, 0, {NULL}},
        {"no uptime", -EPROTO, 3, 1, {"backends", "ONLINE", "1"}},
        {"NULL uptime", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", NULL}},
        {"empty uptime", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", ""}},
        {"text for uptime", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", "10s"}},
        {"negative uptime", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", "-1"}},
        {"blank before uptime", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", " 10"}},
        {"uptime too long", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", "3162240001"}},
        {"uptime that overflows", -EPROTO, 3, 1, {"global", "ProxySQL_Uptime", "99999999999999999999"}},
        {"hexadecimal clients", -EPROTO, 3, 2, {UPTIME, "global", "Client_Connections_connected", "0x10"}},
        {"NULL backends", -EPROTO, 3, 2, {UPTIME, "backends", "ONLINE", NULL}},
        {"negative backends", -EPROTO, 3, 2, {UPTIME, "backends", "ONLINE", "-3"}},
        {"too many backends", -EPROTO, 3, 2, {UPTIME, "backends", "ONLINE", "1000000001"}},
        {"NULL kind", -EPROTO, 3, 1, {NULL, "ONLINE", "1"}},
        {"NULL status", -EPROTO, 3, 1, {"backends", NULL, "1"}},
        {"two columns", -EPROTO, 2, 1, {"backends", "ONLINE"}},
        {"four columns", -EPROTO, 4, 1, {"backends", "ONLINE", "1", "1"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        int rc = ask(&answers[i], true);
        if (rc != answers[i].code)
            fail_msg("%s: %d %s", answers[i].what, rc, err.text);
        assert_int_equal(backends.total == -1, rc != 0); /* set on success only */
        assert_int_equal(node.uptime_s == -1, rc != 0);
        assert_true(rc == 0 || strncmp(err.text, "health statement: ", 18) == 0);
    }
}

static void counts_the_states(void **state)
{
    (void)state;
    static const struct answer answer = {"states",
                                         0,
                                         3,
                                         5,
                                         {"backends", "ONLINE", "3", "backends", "SHUNNED", "2", "backends",
                                          "SHUNNED_REPLICATION_LAG", "1", "backends", "OFFLINE_HARD", "4", "backends",
                                          "online", "1"}};
    assert_int_equal(ask(&answer, false), 0);
    assert_int_equal(backends.online, 3);
    assert_int_equal(backends.shunned, 3);
    assert_int_equal(backends.total, 11);
    assert_int_equal(node.uptime_s, -1);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    static char version[200];
    memset(version, '9', sizeof(version) - 1);
    const struct answer answer = {"long", 0, 3, 2, {UPTIME, "variable", "admin-version", version}};
    assert_int_equal(ask(&answer, true), 0);
    assert_int_equal(strlen(node.version), ADMIN_VERSION_SIZE - 1);
}

static int start_library(void **state)
{
    (void)state;
    return db_library_start(&err);
}

static int stop_library(void **state)
{
    (void)state;
    db_thread_end();
    db_library_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_node),
        cmocka_unit_test(believes_only_what_makes_sense),
        cmocka_unit_test(counts_the_states),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
