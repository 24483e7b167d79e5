#include "tests/unit/admin_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/proxysql/admin_modules.h"

static int64_t rows_of(enum admin_module module, size_t index)
{
    struct module_rows rows;
    must(admin_module_count(conn, module, soon(), &rows, &err));
    return rows.memory[index];
}

static void tables_are_counted(void **state)
{
    (void)state;
    run("INSERT INTO mysql_servers (hostname) VALUES ('a'), ('b')");
    run("INSERT INTO mysql_galera_hostgroups (writer_hostgroup, backup_writer_hostgroup, reader_hostgroup, "
        "offline_hostgroup) VALUES (1, 2, 3, 4)");
    struct module_rows rows;
    must(admin_module_count(conn, MODULE_MYSQL_SERVERS, soon(), &rows, &err));
    static const int64_t memory[MODULE_TABLES_MAX] = {2, 0, 0, 1, 0, 0};
    for (size_t i = 0; i < MODULE_TABLES_MAX; i++) {
        assert_int_equal(rows.memory[i], memory[i]);
        assert_int_equal(rows.runtime[i], 0);
    }
    must(admin_module_to_runtime(conn, MODULE_MYSQL_SERVERS, soon(), &err));
    must(admin_module_count(conn, MODULE_MYSQL_SERVERS, soon(), &rows, &err));
    assert_int_equal(rows.runtime[0], 2);
    assert_int_equal(rows.runtime[3], 1);
}

static void a_version_without_a_table(void **state)
{
    (void)state;
    run("DROP TABLE mysql_servers_ssl_params");
    struct module_rows rows;
    must(admin_module_count(conn, MODULE_MYSQL_SERVERS, soon(), &rows, &err));
    assert_int_equal(rows.memory[4], 0);
    assert_int_equal(rows.memory[5], -1);
    must(admin_module_keep(conn, MODULE_MYSQL_SERVERS, soon(), &err));
    must(admin_module_put_back(conn, MODULE_MYSQL_SERVERS, soon(), &err));
}

static void rows_come_back_from_runtime(void **state)
{
    (void)state;
    run("INSERT INTO mysql_servers (hostname, status) VALUES ('a', 'ONLINE'), ('b', 'OFFLINE_SOFT'), ('c', 'ONLINE')");
    must(admin_module_to_runtime(conn, MODULE_MYSQL_SERVERS, soon(), &err));
    stand_in_tell(&px, "backend a SHUNNED");
    stand_in_tell(&px, "backend c OFFLINE_HARD");
    must(admin_module_clear(conn, MODULE_MYSQL_SERVERS, 0, soon(), &err));
    assert_int_equal(rows_of(MODULE_MYSQL_SERVERS, 0), 0);
    must(admin_module_copy_runtime(conn, MODULE_MYSQL_SERVERS, 0, soon(), &err));
    assert_int_equal(rows_of(MODULE_MYSQL_SERVERS, 0), 2);
    run("DELETE FROM mysql_servers WHERE hostname = 'a' AND status = 'ONLINE'");
    run("DELETE FROM mysql_servers WHERE hostname = 'b' AND status = 'OFFLINE_SOFT'");
    assert_int_equal(rows_of(MODULE_MYSQL_SERVERS, 0), 0);
}

/* Differences as text: "+table key;", "-table key;". */
static void take_difference(void *arg, const char *table, bool in_memory, const char *key)
{
    char *text = arg;
    size_t len = strlen(text);
    (void)snprintf(text + len, 1000 - len, "%c%s %s;", in_memory ? '+' : '-', table, key);
}

static void assert_differences(enum admin_module module, const char *expected)
{
    char text[1000] = "";
    must(admin_module_compare(conn, module, soon(), take_difference, text, &err));
    assert_string_equal(text, expected);
}

static void differences_are_named_by_their_keys(void **state)
{
    (void)state;
    run("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (1, 'a'), (2, 'b')");
    run("INSERT INTO mysql_users (username, password) VALUES ('app', 'secret')");
    run("INSERT INTO mysql_query_rules (rule_id, active) VALUES (1, 1), (2, 0)");
    must(admin_module_to_runtime(conn, MODULE_MYSQL_SERVERS, soon(), &err));
    must(admin_module_to_runtime(conn, MODULE_MYSQL_USERS, soon(), &err));
    must(admin_module_to_runtime(conn, MODULE_MYSQL_QUERY_RULES, soon(), &err));
    stand_in_tell(&px, "backend a SHUNNED");
    for (int i = 0; i < ADMIN_MODULES; i++)
        assert_differences((enum admin_module)i, "");
    run("UPDATE mysql_servers SET weight = 7 WHERE hostname = 'b'");
    run("INSERT INTO mysql_replication_hostgroups (writer_hostgroup, reader_hostgroup) VALUES (8, 9)");
    assert_differences(MODULE_MYSQL_SERVERS,
                       "+mysql_servers 2 b:3306;-mysql_servers 2 b:3306;+mysql_replication_hostgroups 8;");
    run("UPDATE mysql_users SET password = 'other'");
    assert_differences(MODULE_MYSQL_USERS, "+mysql_users app;-mysql_users app;");
    run("DELETE FROM mysql_query_rules");
    assert_differences(MODULE_MYSQL_QUERY_RULES, "-mysql_query_rules 1;");
    run("UPDATE global_variables SET variable_value = '9' WHERE variable_name = 'mysql-wait_timeout'");
    assert_differences(MODULE_MYSQL_VARIABLES,
                       "+global_variables mysql-wait_timeout;-global_variables mysql-wait_timeout;");
    assert_differences(MODULE_ADMIN_VARIABLES, "");
}

static void what_was_kept_comes_back(void **state)
{
    (void)state;
    run("INSERT INTO mysql_users (username, active) VALUES ('on', 1), ('off', 0)");
    must(admin_module_keep(conn, MODULE_MYSQL_USERS, soon(), &err));
    must(admin_module_keep(conn, MODULE_MYSQL_USERS, soon(), &err)); /* one was left there */
    run("DELETE FROM mysql_users");
    run("INSERT INTO mysql_users (username) VALUES ('another')");
    must(admin_module_put_back(conn, MODULE_MYSQL_USERS, soon(), &err));
    run("DELETE FROM mysql_users WHERE username = 'off' AND active = 0");
    run("DELETE FROM mysql_users WHERE username = 'on'");
    assert_int_equal(rows_of(MODULE_MYSQL_USERS, 0), 0);
    assert_int_equal(admin_module_put_back(conn, MODULE_MYSQL_USERS, soon(), &err), -EREMOTEIO);
    error_clear(&err);

    must(admin_module_keep(conn, MODULE_MYSQL_VARIABLES, soon(), &err));
    run("UPDATE global_variables SET variable_value = '9' WHERE variable_name IN ('mysql-wait_timeout', "
        "'admin-refresh_interval')");
    run("INSERT INTO global_variables VALUES ('mysql-bogus', '1'), ('admin-bogus', '1')");
    must(admin_module_put_back(conn, MODULE_MYSQL_VARIABLES, soon(), &err));
    assert_differences(MODULE_MYSQL_VARIABLES, "");
    assert_differences(MODULE_ADMIN_VARIABLES, "+global_variables admin-bogus;+global_variables admin-refresh_interval;"
                                               "-global_variables admin-refresh_interval;");
}

static void no_configuration_file(void **state)
{
    (void)state;
    uint64_t rows = 7;
    error_clear(&err);
    assert_int_equal(admin_module_from_config(conn, MODULE_MYSQL_USERS, soon(), &rows, &err), -EREMOTEIO);
    assert_non_null(strstr(err.text, "LOAD MYSQL USERS FROM CONFIG"));
    error_clear(&err);
    must(admin_module_save_from_runtime(conn, MODULE_MYSQL_USERS, soon(), &err));
}

/* The answers to two statements of admin_module_count(). */
static int count_answered(unsigned columns, const char *const *first, const char *const *second)
{
    struct module_rows rows;
    script_begin();
    scripted_rows(&script, columns, 1, first);
    if (second != NULL)
        scripted_rows(&script, 3, 1, second);
    script_connect();
    error_clear(&err);
    int rc = admin_module_count(conn, MODULE_MYSQL_USERS, soon(), &rows, &err);
    script_end();
    return rc;
}

static void answers_that_make_no_sense(void **state)
{
    (void)state;
    static const char *const users[] = {"mysql_users", "1", "1"};
    static const char *const other[] = {"mysql_servers", "1", "1"};
    static const char *const nothing[] = {NULL, "1", "1"};
    static const char *const negative[] = {"mysql_users", "-1", "1"};
    static const char *const missing[] = {"mysql_users", "1", NULL};
    assert_int_equal(count_answered(1, users, users), 0);
    assert_int_equal(count_answered(1, other, NULL), -EPROTO);
    assert_int_equal(count_answered(1, nothing, NULL), -EPROTO);
    assert_int_equal(count_answered(2, users, NULL), -EPROTO);
    assert_int_equal(count_answered(1, users, other), -EPROTO);
    assert_int_equal(count_answered(1, users, negative), -EPROTO);
    assert_non_null(strstr(err.text, "\"-1\""));
    assert_int_equal(count_answered(1, users, missing), -EPROTO);
}

static void own_state_of_a_module(void **state)
{
    (void)state;
    cleanup_view struct cluster_view view = {0};
    const struct module_state v2 = {.module = "mysql_servers_v2", .version = 2};
    const struct module_state v1 = {.module = "mysql_servers", .version = 1};
    assert_null(admin_module_own(&view, MODULE_MYSQL_SERVERS));
    assert_int_equal(cluster_view_add_own(&view, &v1, NULL), 0);
    assert_int_equal(admin_module_own(&view, MODULE_MYSQL_SERVERS)->version, 1);
    assert_int_equal(cluster_view_add_own(&view, &v2, NULL), 0);
    assert_int_equal(admin_module_own(&view, MODULE_MYSQL_SERVERS)->version, 2);
    assert_null(admin_module_own(&view, MODULE_MYSQL_USERS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAND_IN(tables_are_counted),
        STAND_IN(a_version_without_a_table),
        STAND_IN(rows_come_back_from_runtime),
        STAND_IN(differences_are_named_by_their_keys),
        STAND_IN(what_was_kept_comes_back),
        STAND_IN(no_configuration_file),
        cmocka_unit_test(answers_that_make_no_sense),
        cmocka_unit_test(own_state_of_a_module),
    };
    return cmocka_run_group_tests(tests, start_library, stop_library);
}
