"""Memory, runtime, and the versions that the cluster compares."""
import time

import pytest

MODULES = {
    "MYSQL SERVERS": ("mysql_servers", "mysql_servers_v2"),
    "MYSQL USERS": ("mysql_users",),
    "MYSQL QUERY RULES": ("mysql_query_rules",),
    "MYSQL VARIABLES": ("mysql_variables",),
    "ADMIN VARIABLES": ("admin_variables",),
    "PROXYSQL SERVERS": ("proxysql_servers",),
}


def checksums(node):
    rows = node.admin("SELECT name, version, epoch, checksum FROM runtime_checksums_values")
    return {name: (int(version), int(epoch), checksum) for name, version, epoch, checksum in rows}


def test_everything_starts_at_version_1_with_the_boot_time_as_epoch(make_node):
    before = int(time.time())
    node = make_node()
    values = checksums(node)
    node.close()
    assert {name for names in MODULES.values() for name in names} <= set(values)
    for name in (name for names in MODULES.values() for name in names):
        version, epoch, checksum = values[name]
        assert version == 1
        assert before - 1 <= epoch <= time.time() + 1
        assert checksum.startswith("0x") and len(checksum) == 18
    assert values["proxysql_servers"][2] == "0x0000000000000000"


@pytest.mark.parametrize("module", MODULES)
def test_load_to_runtime_bumps_version_and_epoch_though_nothing_changed(node, module):
    node.admin(f"LOAD {module} TO RUNTIME")  # what the node itself added to variables settles here
    before = checksums(node)
    assert node.affected(f"LOAD {module} TO RUNTIME") == 0
    after = checksums(node)
    for name in MODULES[module]:
        assert after[name][0] == before[name][0] + 1
        assert abs(after[name][1] - time.time()) <= 2
        assert after[name][2] == before[name][2]
    others = set(before) - set(MODULES[module])
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_a_change_gives_a_new_checksum_and_the_old_content_the_old_one(node):
    node.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    empty = checksums(node)["proxysql_servers"][2]
    node.admin("INSERT INTO proxysql_servers (hostname, port, comment) VALUES ('127.0.0.99', 6032, 'pod-0')")
    assert checksums(node)["proxysql_servers"][2] == empty
    node.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    assert checksums(node)["proxysql_servers"][2] != empty
    node.admin("DELETE FROM proxysql_servers")
    node.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    assert checksums(node)["proxysql_servers"][2] == empty


def test_memory_is_not_runtime_until_loaded(node):
    node.admin("UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE hostname = '127.0.0.11'")
    runtime = "SELECT status FROM runtime_mysql_servers WHERE hostname = '127.0.0.11'"
    assert node.value(runtime) == "ONLINE"
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    assert node.value(runtime) == "OFFLINE_SOFT"
    node.admin("UPDATE mysql_servers SET status = 'ONLINE'")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    assert node.value(runtime) == "ONLINE"


def test_save_from_runtime_restores_memory(node):
    node.admin("DELETE FROM mysql_servers")
    assert node.value("SELECT count(*) FROM mysql_servers") == "0"
    node.admin("SAVE MYSQL SERVERS FROM RUNTIME")
    assert node.value("SELECT count(*) FROM mysql_servers") == "2"
    node.admin("DELETE FROM mysql_servers")
    node.admin("SAVE MYSQL SERVERS TO MEMORY")
    assert node.value("SELECT count(*) FROM mysql_servers") == "2"


def test_edits_of_a_runtime_table_are_gone_with_the_next_statement_that_names_it(node):
    node.admin("DELETE FROM runtime_mysql_servers")
    assert node.value("SELECT count(*) FROM runtime_mysql_servers") == "2"


def test_runtime_users_have_a_frontend_and_a_backend_row(node):
    rows = node.admin("SELECT username, backend, frontend FROM runtime_mysql_users ORDER BY backend")
    assert rows == (("app", "0", "1"), ("app", "1", "0"))
    assert node.value("SELECT count(*) FROM mysql_users") == "1"


def test_affected_rows(node):
    assert node.affected("INSERT INTO proxysql_servers (hostname) VALUES ('10.0.0.1'), ('10.0.0.2')") == 2
    assert node.affected("UPDATE proxysql_servers SET comment = 'x' WHERE hostname = '10.0.0.1'") == 1
    assert node.affected("REPLACE INTO proxysql_servers (hostname) VALUES ('10.0.0.1')") == 1
    assert node.affected("DELETE FROM proxysql_servers WHERE hostname = 'nobody'") == 0
    assert node.affected("DELETE FROM proxysql_servers") == 2


def test_affected_rows_of_a_statement_that_changes_none_are_those_of_the_one_before(node):
    """SQLite's counter is passed on: only INSERT, UPDATE, DELETE and REPLACE may be asked for it."""
    node.affected("UPDATE mysql_servers SET weight = weight")
    assert node.affected("CREATE TABLE of_mine (a INT)") == 2
    node.admin("DROP TABLE of_mine")


def test_set_edits_memory_and_load_makes_it_true(node):
    name = "mysql-wait_timeout"
    memory = f"SELECT variable_value FROM global_variables WHERE variable_name = '{name}'"
    runtime = f"SELECT variable_value FROM runtime_global_variables WHERE variable_name = '{name}'"
    before = node.value(runtime)
    assert node.affected(f"SET {name}=12345678") == 1
    assert (node.value(memory), node.value(runtime)) == ("12345678", before)
    node.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    assert node.value(runtime) == "12345678"
    node.admin(f"SET {name}='{before}'")
    node.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    assert node.value(runtime) == before


def test_set_of_an_unknown_variable_is_ok_with_a_text(node):
    connection = node.connect()
    with connection.cursor() as cursor:
        assert cursor.execute("SET mysql-bogus=1") == 0
        assert b"ERROR: Unknown global variable: 'mysql-bogus'." in cursor._result.message
    connection.close()


def test_interfaces_are_runtime_variables(node):
    rows = dict(node.admin("SELECT variable_name, variable_value FROM runtime_global_variables "
                           "WHERE variable_name IN ('mysql-interfaces', 'admin-mysql_ifaces')"))
    assert rows == {"mysql-interfaces": f"127.0.0.1:{node.traffic_port}",
                    "admin-mysql_ifaces": f"127.0.0.1:{node.admin_port}"}


@pytest.mark.parametrize("sql", ["LOAD BOGUS TO RUNTIME", "SAVE MYSQL SERVERS TO BOGUS"])
def test_unknown_load_and_save_are_syntax_errors(node, sql):
    import pymysql
    with pytest.raises(pymysql.Error) as caught:
        node.admin(sql)
    assert caught.value.args == (1045, f'ProxySQL Admin Error: near "{sql[:4]}": syntax error')
