#include "tests/unit/admin_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/proxysql/admin_cluster.h"
#include "shared/clock.h"
#include "tests/unit/member_fixture.h"

enum { columns = 9 };

static int take_memory_row(void *arg, const struct db_row *row, struct error *row_err)
{
    struct member m;
    int rc = member_parse(row->values[0], row->values[1], row->values[2], row->values[3], &m, row_err);
    return rc < 0 ? rc : member_list_add(arg, &m, row_err);
}

/* What proxysql_servers itself has, before any LOAD. */
static void read_memory(struct member_list *ret_members)
{
    must(db_conn_query(conn, "SELECT hostname, port, weight, comment FROM proxysql_servers", take_memory_row,
                       ret_members, DB_ANSWER_BYTES_MAX, soon(), NULL, &err));
}

static int count_row(void *arg, const struct db_row *row, struct error *row_err)
{
    (void)row;
    (void)row_err;
    ++*(size_t *)arg;
    return 0;
}

static void assert_memory_count(size_t expected)
{
    size_t count = 0;
    must(db_conn_query(conn, "SELECT 1 FROM proxysql_servers", count_row, &count, 100000, soon(), NULL, &err));
    assert_int_equal(count, expected);
}

static void assert_memory(const struct member_list *expected)
{
    cleanup_members struct member_list found = {0};
    read_memory(&found);
    assert_int_equal(found.count, expected->count);
    assert_true(member_list_equal(&found, expected));
}

static void write_exactly(const struct member_list *members)
{
    must(admin_put_members(conn, members, soon(), &err));
    must(admin_keep_members(conn, members, soon(), &err));
}

static void memory_gets_exactly_the_members(void **state)
{
    (void)state;
    run("INSERT INTO proxysql_servers VALUES ('10.0.0.9', 6032, 0, 'old'), ('10.0.0.1', 6032, 5, 'other comment')");
    cleanup_members struct member_list wanted = {0};
    add_member(&wanted, member("10.0.0.1", 6032, 0, "core-0"));
    add_member(&wanted, member("fd00::1", 6032, 7, "core-1"));
    add_member(&wanted, member("proxysql-core", 16032, INT32_MAX, ""));

    must(admin_put_members(conn, &wanted, soon(), &err));
    cleanup_members struct member_list both = {0};
    add_member(&both, member("10.0.0.9", 6032, 0, "old"));
    for (size_t i = 0; i < wanted.count; i++)
        add_member(&both, wanted.items[i]);
    assert_memory(&both); /* nothing was taken away yet */

    must(admin_keep_members(conn, &wanted, soon(), &err));
    assert_memory(&wanted);
    write_exactly(&wanted);
    assert_memory(&wanted);
}

/* Rows that look like a wanted one, and are not. */
static void keys_are_compared_whole(void **state)
{
    (void)state;
    run("INSERT INTO proxysql_servers (hostname, port) VALUES ('10.0.0.1', 6033), ('10.0.0.1', 603), "
        "('10.0.0.1', 60320), ('110.0.0.1', 6032), ('10.0.0.10', 6032), ('10.0.0', 6032), ('core', 6032), "
        "('CORE', 6032), ('::1', 1), ('::1:1', 6032), ('', 6032), ('10.0.0.1:6032', 6032), ('10.0.0.1', 0)");
    cleanup_members struct member_list wanted = {0};
    add_member(&wanted, member("10.0.0.1", 6032, 0, ""));
    add_member(&wanted, member("Core", 6032, 0, ""));
    add_member(&wanted, member("::1", 6032, 0, ""));
    write_exactly(&wanted);
    assert_memory(&wanted);
}

/* No pass of ours lets these host names through; the statement must hold all the same. */
static void text_stays_text(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "it's",
        "'",
        "''",
        "\\'",
        "\\",
        "'), ('evil', 1, 0, '",
        "'); DELETE FROM proxysql_servers; --",
        "' OR 1=1 --",
        "\"; -- /* */",
        "gr\xc3\xbc\xc3\x9f",
        "\xe2\x80\x99",
        "\xff\xfe'",
        "?1 :a @b $c %s",
    };
    cleanup_members struct member_list wanted = {0};
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
        add_member(&wanted, member("core", (uint16_t)(i + 1), 0, hostile[i]));
    write_exactly(&wanted);
    assert_memory(&wanted);

    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) { /* as a hostname none of them is written */
        cleanup_members struct member_list hosts = {0};
        add_member(&hosts, member(hostile[i], 6032, 0, ""));
        error_clear(&err);
        assert_int_equal(admin_put_members(conn, &hosts, soon(), &err), -EINVAL);
        assert_memory(&wanted);
    }
    while (wanted.count > 1) { /* taken away one after the other */
        wanted.count--;
        must(admin_keep_members(conn, &wanted, soon(), &err));
        assert_memory_count(wanted.count);
    }
}

static void control_characters_write_nothing(void **state)
{
    (void)state;
    cleanup_members struct member_list before = {0};
    add_member(&before, member("10.0.0.1", 6032, 0, "core-0"));
    write_exactly(&before);
    static const struct member bad[] = {
        {"10.0.0.2", 6032, 0, "two\nlines"},
        {"10.0.0.2", 6032, 0, "\x1b[2J"},
        {"10.0.0.2\n", 6032, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        cleanup_members struct member_list wanted = {0};
        add_member(&wanted, member("10.0.0.3", 6032, 0, ""));
        add_member(&wanted, bad[i]);
        error_clear(&err);
        assert_int_equal(admin_put_members(conn, &wanted, soon(), &err), -EINVAL);
        assert_memory(&before);
    }
    cleanup_members struct member_list wanted = {0};
    add_member(&wanted, bad[2]);
    error_clear(&err);
    assert_int_equal(admin_keep_members(conn, &wanted, soon(), &err), -EINVAL);
    assert_memory(&before);
}

static void no_statement_leaves_no_member(void **state)
{
    (void)state;
    cleanup_members struct member_list before = {0};
    add_member(&before, member("10.0.0.1", 6032, 0, "core-0"));
    write_exactly(&before);
    struct member_list nobody = {0};
    must(admin_put_members(conn, &nobody, soon(), &err));
    assert_int_equal(admin_keep_members(conn, &nobody, soon(), &err), -EINVAL);
    assert_memory(&before);
}

/* As many members as there may be, each as long as it may be, every character of the comments doubled. */
static void the_longest_list_fits(void **state)
{
    (void)state;
    cleanup_members struct member_list wanted = {0};
    for (int i = 0; i < MEMBERS_MAX; i++) {
        struct member m = {.port = 65535, .weight = INT32_MAX};
        memset(m.host, 'a', MEMBER_HOST_SIZE - 1);
        memset(m.comment, '\'', MEMBER_COMMENT_SIZE - 1);
        for (size_t dot = 63; dot < MEMBER_HOST_SIZE - 1; dot += 64)
            m.host[dot] = '.';
        char number[8];
        memcpy(m.host, number, (size_t)snprintf(number, sizeof(number), "%03d", i));
        assert_true(member_host_valid(m.host));
        add_member(&wanted, m);
    }
    write_exactly(&wanted);
    assert_memory(&wanted);
    cleanup_members struct member_list one = {0};
    add_member(&one, wanted.items[100]);
    must(admin_keep_members(conn, &one, soon(), &err));
    assert_memory(&one);
}

static void a_load_publishes_and_a_save_takes_back(void **state)
{
    (void)state;
    cleanup_members struct member_list wanted = {0};
    add_member(&wanted, member("10.0.0.1", 6032, 3, "core-0; it's"));
    add_member(&wanted, member("10.0.0.2", 6032, 0, ""));
    write_exactly(&wanted);
    cleanup_members struct member_list runtime = {0};
    must(admin_read_members(conn, soon(), &runtime, &err));
    assert_int_equal(runtime.count, 0);
    must(admin_load_members_to_runtime(conn, soon(), &err));
    must(admin_read_members(conn, soon(), &runtime, &err));
    assert_true(member_list_equal(&runtime, &wanted));

    must(admin_clear_members(conn, soon(), &err));
    cleanup_members struct member_list nobody = {0};
    assert_memory(&nobody);
    must(admin_save_members_from_runtime(conn, soon(), &err));
    assert_memory(&wanted);
}

/* A row that no agent wrote: its names go no further. */
static void a_bad_runtime_row_is_refused(void **state)
{
    (void)state;
    run("INSERT INTO proxysql_servers (hostname, port) VALUES ('10.0.0.1', 6032), ('a b', 6032)");
    must(admin_load_members_to_runtime(conn, soon(), &err));
    struct member_list members = {0};
    assert_int_equal(admin_read_members(conn, soon(), &members, &err), -EPROTO);
    assert_non_null(strstr(err.text, "a b"));
    assert_int_equal(members.count, 0);
}

static void assert_asked(const char *table, int64_t times)
{
    char command[64];
    (void)snprintf(command, sizeof(command), "count %s", table);
    assert_int_equal(stand_in_number(&px, command, "executed"), times);
}

/* The checksums table must not be named at all where reading it crashes ProxySQL (2.5.2 to 2.5.5). */
static void the_peers_table_is_read_only_where_it_may_be(void **state)
{
    (void)state;
    struct cluster_view view;
    must(admin_read_cluster(conn, true, soon(), &view, &err));
    cluster_view_fini(&view);
    must(admin_read_gate(conn, false, soon(), &view, &err));
    cluster_view_fini(&view);
    assert_asked("stats_proxysql_servers_checksums", 0);
    assert_asked("stats_proxysql_servers_metrics", 1);
    must(admin_read_cluster(conn, false, soon(), &view, &err));
    cluster_view_fini(&view);
    must(admin_read_gate(conn, true, soon(), &view, &err));
    cluster_view_fini(&view);
    assert_asked("stats_proxysql_servers_checksums", 2);
    assert_asked("stats_proxysql_servers_metrics", 1);
}

static void a_node_answers_each_reading(void **state)
{
    (void)state;
    run("INSERT INTO proxysql_servers VALUES ('10.0.0.1', 6032, 3, 'core-0')");
    must(admin_load_members_to_runtime(conn, soon(), &err));
    for (int i = 0; i < 2; i++) {
        cleanup_view struct cluster_view view = {0};
        must(admin_read_cluster(conn, i == 1, soon(), &view, &err));
        assert_true(llabs(view.now - clock_real_ms() / 1000) < 60);
        assert_false(view.checking);
        assert_int_equal(view.check_interval_ms, i == 1 ? 10000 : 1000);
        assert_int_equal(view.members_diffs_before_sync, 3);
        assert_int_equal(view.members.count, 1);
        assert_string_equal(view.members.items[0].comment, "core-0");
        assert_non_null(cluster_view_own(&view, "proxysql_servers"));
        assert_non_null(cluster_view_own(&view, "mysql_users"));
    }
    for (int i = 0; i < 2; i++) {
        cleanup_view struct cluster_view gate = {0};
        must(admin_read_gate(conn, i == 1, soon(), &gate, &err));
        assert_int_equal(gate.users, 0);
        assert_non_null(cluster_view_own(&gate, "mysql_users"));
        assert_null(cluster_view_own(&gate, "proxysql_servers"));
    }
}

static int answer(size_t count, const char *const rows[][columns], bool use_metrics, struct cluster_view *ret_view)
{
    script_serve(columns, (unsigned)count, &rows[0][0]);
    int rc = admin_read_cluster(conn, use_metrics, soon(), ret_view, &err);
    script_end();
    return rc;
}

static void a_view_is_made_of_the_answer(void **state)
{
    (void)state;
    static const char *const rows[][columns] = {
        {"clock", "1700000000", "", "", "", "", "", "", ""},
        {"variable", "admin-cluster_username", "cluster", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_interval_ms", "200", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_status_frequency", "100", "", "", "", "", "", ""},
        {"variable", "admin-cluster_proxysql_servers_diffs_before_sync", "5", "", "", "", "", "", ""},
        {"member", "10.0.0.1", "6032", "1", "core-0", "", "", "", ""},
        {"member", "core", "6033", "0", NULL, NULL, NULL, NULL, NULL},
        {"own", "mysql_users", "2", "1600000000", "0xABC", "", "", "", ""},
        {"peer", "10.0.0.1", "6032", "mysql_users", "3", "1600000001", "0xDEF", "1699999999", "7"},
        {"peer", "core", "6033", "mysql_users", "0", "0", "", "0", "0"},
    };
    cleanup_view struct cluster_view view = {0};
    must(answer(ARRAY_LEN(rows), rows, false, &view));
    assert_int_equal(view.now, 1700000000);
    assert_true(view.checking);
    assert_int_equal(view.check_interval_ms, 200);
    assert_int_equal(view.members_diffs_before_sync, 5);
    assert_int_equal(view.members.count, 2);
    assert_string_equal(view.members.items[1].host, "core");
    assert_int_equal(view.members.items[1].port, 6033);
    assert_string_equal(view.members.items[1].comment, "");
    assert_int_equal(cluster_view_own(&view, "mysql_users")->epoch, 1600000000);
    assert_int_equal(view.peer_count, 2);
    const struct peer_row *row = &view.peers[0];
    assert_string_equal(row->host, "10.0.0.1");
    assert_int_equal(row->port, 6032);
    assert_string_equal(row->state.module, "mysql_users");
    assert_int_equal(row->state.version, 3);
    assert_int_equal(row->state.epoch, 1600000001);
    assert_string_equal(row->state.checksum, "0xDEF");
    assert_int_equal(row->updated_at, 1699999999);
    assert_int_equal(row->diff_check, 7);
    assert_int_equal(view.peers[1].updated_at, 0);
}

static void ages_come_from_the_metrics_where_asked(void **state)
{
    (void)state;
    static const char *const rows[][columns] = {
        {"clock", "1700000000", "", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_interval_ms", "200", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_status_frequency", "100", "", "", "", "", "", ""},
        {"metrics", "10.0.0.1", "6032", "12999", "500", "", "", "", ""},
        {"metrics", "10.0.0.2", "6032", "86400000", "0", "", "", "", ""}, /* never reached */
    };
    cleanup_view struct cluster_view view = {0};
    must(answer(ARRAY_LEN(rows), rows, true, &view));
    assert_int_equal(view.check_interval_ms, 20000);
    assert_int_equal(view.peer_count, 2);
    assert_int_equal(view.peers[0].updated_at, 1700000000 - 12);
    assert_int_equal(view.peers[1].updated_at, 0);
}

/* Outside data: refused with a text that names it, and nothing overflows on the way. */
static void bad_answers_are_refused(void **state)
{
    (void)state;
    static const char *const rows[][columns] = {
        {NULL, "", "", "", "", "", "", "", ""},
        {"clock", "soon", "", "", "", "", "", "", ""},
        {"clock", "-1", "", "", "", "", "", "", ""},
        {"clock", "9223372036854775807", "", "", "", "", "", "", ""},
        {"clock", "2305843009213693951", "", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_interval_ms", "", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_interval_ms", "1e3", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_interval_ms", "2305843009213693951", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_status_frequency", "2305843009213693951", "", "", "", "", "", ""},
        {"variable", "admin-cluster_proxysql_servers_diffs_before_sync", "-3", "", "", "", "", "", ""},
        {"users", "many", "", "", "", "", "", "", ""},
        {"member", "a b", "6032", "0", "", "", "", "", ""},
        {"member", "10.0.0.1", "0", "0", "", "", "", "", ""},
        {"member", "10.0.0.1", "6032", "0", "\n", "", "", "", ""},
        {"own", "mysql_users", "x", "1", "0xA", "", "", "", ""},
        {"own", "mysql_users", "1", "x", "0xA", "", "", "", ""},
        {"peer", "a b", "6032", "mysql_users", "1", "1", "0xA", "1", "1"},
        {"peer", "10.0.0.1", "65536", "mysql_users", "1", "1", "0xA", "1", "1"},
        {"peer", "10.0.0.1", "6032", "mysql_users", "x", "1", "0xA", "1", "1"},
        {"peer", "10.0.0.1", "6032", "mysql_users", "1", "x", "0xA", "1", "1"},
        {"peer", "10.0.0.1", "6032", "mysql_users", "1", "1", "0xA", "x", "1"},
        {"peer", "10.0.0.1", "6032", "mysql_users", "1", "1", "0xA", "1", "x"},
        {"metrics", "a b", "6032", "1", "1", "", "", "", ""},
        {"metrics", "10.0.0.1", "6032", "x", "1", "", "", "", ""},
        {"metrics", "10.0.0.1", "6032", "1", "x", "", "", "", ""},
        {"other", "10.0.0.1", "6032", "1", "1", "", "", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cluster_view view = {.now = 5};
        int rc = answer(1, &rows[i], false, &view);
        if (rc != -EPROTO || strstr(err.text, "read the cluster's state: ") == NULL)
            fail_msg("row %zu: %d: %s", i, rc, err.text);
        assert_int_equal(view.now, 5);
    }
}

/* A bad peer is the cluster's affair, not the gate's; all else is still refused. */
static void the_gate_leaves_out_bad_peers(void **state)
{
    (void)state;
    static const char *const rows[][columns] = {
        {"users", "2", "", "", "", "", "", "", ""},
        {"peer", "a b", "6032", "mysql_users", "1", "1", "0xA", "1", "1"},
        {"peer", "10.0.0.1", "6032", "mysql_users", "x", "1", "0xA", "1", "1"},
        {"peer", "10.0.0.2", "6032", "mysql_users", "1", "1", "0xA", "1", "1"},
    };
    cleanup_view struct cluster_view view = {0};
    script_serve(columns, ARRAY_LEN(rows), &rows[0][0]);
    must(admin_read_gate(conn, true, soon(), &view, &err));
    assert_false(db_conn_broken(conn));
    script_end();
    assert_int_equal(view.users, 2);
    assert_int_equal(view.peer_count, 1);
    assert_string_equal(view.peers[0].host, "10.0.0.2");
    static const char *const bad[][columns] = {{"users", "many", "", "", "", "", "", "", ""}};
    struct cluster_view none = {0};
    script_serve(columns, 1, &bad[0][0]);
    assert_int_equal(admin_read_gate(conn, true, soon(), &none, &err), -EPROTO);
    script_end();
}

/* The largest intervals that are taken: three of them are still a number. */
static void large_intervals_do_not_overflow(void **state)
{
    (void)state;
    static const char *const rows[][columns] = {
        {"variable", "admin-cluster_check_interval_ms", "1000000000", "", "", "", "", "", ""},
        {"variable", "admin-cluster_check_status_frequency", "1000000000", "", "", "", "", "", ""},
    };
    cleanup_view struct cluster_view view = {0};
    must(answer(ARRAY_LEN(rows), rows, true, &view));
    assert_true(view.check_interval_ms <= INT64_MAX / 4);
}

static void another_number_of_columns_is_refused(void **state)
{
    (void)state;
    static const char *const row[] = {"10.0.0.1", "6032", "0", "core-0", "x", "x", "x", "x", "x", "x"};
    static const unsigned counts[] = {1, 2, 3, 5, 8, 10};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        script_serve(counts[i], 1, row);
        struct cluster_view view;
        assert_int_equal(admin_read_cluster(conn, false, soon(), &view, &err), -EPROTO);
        assert_non_null(strstr(err.text, "columns"));
        db_conn_free(conn);
        connect_to(script.port);
        struct member_list members;
        assert_int_equal(admin_read_members(conn, soon(), &members, &err), -EPROTO);
        assert_non_null(strstr(err.text, "columns"));
        script_end();
    }
}

/* More members than a list takes, from a node that lies about what it is. */
static void too_many_members_are_refused(void **state)
{
    (void)state;
    static const char *rows[MEMBERS_MAX + 1][columns];
    static char hosts[MEMBERS_MAX + 1][16];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)snprintf(hosts[i], sizeof(hosts[i]), "core-%zu", i);
        const char *const row[columns] = {"member", hosts[i], "6032", "0", "", "", "", "", ""};
        memcpy(rows[i], row, sizeof(row));
    }
    struct cluster_view view;
    assert_int_equal(answer(ARRAY_LEN(rows), (const char *const(*)[columns])rows, false, &view), -EMSGSIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND_IN(memory_gets_exactly_the_members),
        STAND_IN(keys_are_compared_whole),
        STAND_IN(text_stays_text),
        STAND_IN(control_characters_write_nothing),
        STAND_IN(no_statement_leaves_no_member),
        STAND_IN(the_longest_list_fits),
        STAND_IN(a_load_publishes_and_a_save_takes_back),
        STAND_IN(a_bad_runtime_row_is_refused),
        STAND_IN(the_peers_table_is_read_only_where_it_may_be),
        STAND_IN(a_node_answers_each_reading),
        cmocka_unit_test(a_view_is_made_of_the_answer),
        cmocka_unit_test(ages_come_from_the_metrics_where_asked),
        cmocka_unit_test(bad_answers_are_refused),
        cmocka_unit_test(the_gate_leaves_out_bad_peers),
        cmocka_unit_test(large_intervals_do_not_overflow),
        cmocka_unit_test(another_number_of_columns_is_refused),
        cmocka_unit_test(too_many_members_are_refused),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
