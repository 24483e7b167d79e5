#include "tests/unit/admin_fixture.h"

#include <errno.h>

#include "daemon/proxysql/admin.h"

enum { rows_max = 8 };

static struct admin_backends backends;
static struct admin_node node;

static void reads_a_node(void **state)
{
    (void)state;
    run("INSERT INTO mysql_servers (hostname) VALUES ('a'), ('b'), ('c'), ('d')");
    run("LOAD MYSQL SERVERS TO RUNTIME");
    stand_in_tell(&px, "backend a SHUNNED");
    stand_in_tell(&px, "backend b OFFLINE_SOFT");
    stand_in_tell(&px, "uptime 4711");
    stand_in_tell(&px, "reset");
    must(admin_read_health(conn, soon(), &backends, &node, &err));
    assert_int_equal(backends.online, 2);
    assert_int_equal(backends.shunned, 1);
    assert_int_equal(backends.total, 4);
    assert_in_range(node.uptime_s, 4711, 4720);
    assert_int_equal(node.clients, 0);
    assert_false(node.paused);
    assert_string_equal(node.version, "2.7.2-14-g5cc418b");
    assert_non_null(strstr(node.interfaces, "127.0.0.1:"));
    assert_int_equal(stand_in_number(&px, "stats", "received"), 1);

    run("PROXYSQL PAUSE");
    assert_int_equal(admin_read_health(conn, soon(), &backends, &node, &err), 0);
    assert_true(node.paused);
    node.clients = 77;
    assert_int_equal(admin_read_health(conn, soon(), &backends, NULL, &err), 0);
    assert_int_equal(node.clients, 77);
    assert_int_equal(stand_in_number(&px, "count stats_mysql_global", "executed"), 2);
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
    script_serve(a->columns, a->rows, a->values);
    backends = (struct admin_backends){.total = -1};
    node = (struct admin_node){.uptime_s = -1};
    int rc = admin_read_health(conn, soon(), &backends, with_node ? &node : NULL, &err);
    script_end();
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND_IN(reads_a_node),
        cmocka_unit_test(believes_only_what_makes_sense),
        cmocka_unit_test(counts_the_states),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
