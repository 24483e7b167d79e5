"""What LOAD ... FROM CONFIG and SAVE ... FROM RUNTIME do with each module's tables."""
import time

import pymysql
import pytest

from lib.cluster import Cluster

TABLES = {
    "mysql_servers": [{"address": "127.0.0.11", "hostgroup": 0}, {"address": "127.0.0.12", "hostgroup": 0},
                      {"address": "127.0.0.12", "hostgroup": 0}],
    "mysql_replication_hostgroups": [{"writer_hostgroup": 0, "reader_hostgroup": 1}],
    "mysql_group_replication_hostgroups": [{"writer_hostgroup": 10, "backup_writer_hostgroup": 11,
                                            "reader_hostgroup": 12, "offline_hostgroup": 13, "max_writers": 1}],
    "mysql_galera_hostgroups": [{"writer_hostgroup": 20, "backup_writer_hostgroup": 21, "reader_hostgroup": 22,
                                 "offline_hostgroup": 23, "max_writers": 1}],
    "mysql_aws_aurora_hostgroups": [{"writer_hostgroup": 30, "reader_hostgroup": 31, "domain_name": ".a.example"}],
    "mysql_servers_ssl_params": [{"hostname": "127.0.0.11", "port": 3306, "username": "", "ssl_ca": "/ca.pem"}],
    "mysql_hostgroup_attributes": [{"hostgroup_id": 0, "max_num_online_servers": 3}],
    "mysql_users": [{"username": "app", "password": "app", "default_hostgroup": 0},
                    {"username": "off", "password": "off", "default_hostgroup": 0, "active": 0}],
    "mysql_query_rules": [{"rule_id": 1, "active": 1, "match_digest": "^SELECT", "destination_hostgroup": 0, "apply": 1},
                          {"rule_id": 2, "active": 0, "match_digest": "^X", "destination_hostgroup": 0, "apply": 1}],
    "mysql_query_rules_fast_routing": [{"username": "app", "schemaname": "s", "flagIN": 0, "destination_hostgroup": 1,
                                        "comment": "c"}],
}
FROM_FILE = list(TABLES)[:6]
NEVER = ("mysql_hostgroup_attributes", "mysql_query_rules_fast_routing")


@pytest.fixture(scope="module")
def node(namespace, tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    started, = cluster.add_cores(1, servers=[], accounts=[], tables=TABLES)
    yield started
    cluster.close()


def count(node, table):
    return int(node.value(f"SELECT COUNT(*) FROM {table}"))


def test_what_the_file_fills_at_start(node):
    """First in the file."""
    assert {table: count(node, table) for table in FROM_FILE} == {**dict.fromkeys(FROM_FILE, 1), "mysql_servers": 2}
    assert [count(node, table) for table in NEVER] == [0, 0]


@pytest.mark.parametrize("module, rows", [("MYSQL SERVERS", 8), ("MYSQL USERS", 2), ("MYSQL QUERY RULES", 2),
                                          ("MYSQL VARIABLES", 4)])
def test_rows_that_were_read(node, module, rows):
    """All of the module's tables together, and a row that the file has twice counts twice."""
    assert node.affected(f"LOAD {module} FROM CONFIG") == rows
    assert [count(node, table) for table in NEVER] == [0, 0]


def test_from_config_brings_back_what_was_deleted_and_keeps_the_rest(node):
    for table in FROM_FILE:
        node.admin(f"DELETE FROM {table}")
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (5, '127.0.0.13')")
    assert node.affected("LOAD MYSQL SERVERS FROM CONFIG") == 8
    assert {table: count(node, table) for table in FROM_FILE} == {**dict.fromkeys(FROM_FILE, 1), "mysql_servers": 3}
    node.admin("SAVE MYSQL SERVERS FROM RUNTIME")
    assert count(node, "mysql_servers") == 2


def test_a_broken_file_changes_nothing(node):
    node.break_config()
    node.admin("DELETE FROM mysql_users")
    with pytest.raises(pymysql.Error) as caught:
        node.admin("LOAD MYSQL USERS FROM CONFIG")
    assert caught.value.args[0] == 1045
    assert count(node, "mysql_users") == 0
    node.write_config()
    assert node.affected("LOAD MYSQL USERS FROM CONFIG") == 2


def test_the_version_grows_by_one_with_each_load(node):
    for module, name in (("ADMIN VARIABLES", "admin_variables"), ("MYSQL VARIABLES", "mysql_variables"),
                         ("MYSQL SERVERS", "mysql_servers_v2"), ("MYSQL USERS", "mysql_users"),
                         ("MYSQL QUERY RULES", "mysql_query_rules")):
        before = node.module(name)[0]
        node.admin(f"LOAD {module} FROM CONFIG")
        assert node.module(name)[0] == before
        node.admin(f"LOAD {module} TO RUNTIME")
        version, epoch, _ = node.module(name)
        assert version == before + 1 and abs(epoch - time.time()) <= 2
    assert count(node, "runtime_mysql_users") == 2  # the one that is active, for clients and for servers
    assert count(node, "runtime_mysql_query_rules") == 1


def test_save_from_runtime_knows_only_what_is_active(node):
    """And a user of both kinds becomes two rows."""
    node.admin("DELETE FROM mysql_users")
    node.admin("DELETE FROM mysql_query_rules")
    node.admin("SAVE MYSQL USERS FROM RUNTIME")
    node.admin("SAVE MYSQL QUERY RULES FROM RUNTIME")
    assert node.admin("SELECT username, backend, frontend FROM mysql_users ORDER BY backend") == (
        ("app", "0", "1"), ("app", "1", "0"))
    assert node.admin("SELECT rule_id FROM mysql_query_rules") == (("1",),)
    assert node.affected("LOAD MYSQL USERS FROM CONFIG") == 2
    assert count(node, "mysql_users") == 2


def test_rows_of_runtime_can_be_selected_into_memory(node):
    node.admin("DELETE FROM mysql_replication_hostgroups")
    node.affected("INSERT INTO mysql_replication_hostgroups SELECT * FROM runtime_mysql_replication_hostgroups")
    assert count(node, "mysql_replication_hostgroups") == 1


def test_rows_by_hand_of_tables_that_the_file_never_fills(node):
    node.admin("INSERT INTO mysql_query_rules_fast_routing (username, schemaname, flagIN, destination_hostgroup, comment)"
               " VALUES ('app', 'by_hand', 0, 1, '')")
    node.admin("INSERT INTO mysql_hostgroup_attributes (hostgroup_id) VALUES (0)")
    for module in ("MYSQL SERVERS", "MYSQL QUERY RULES"):
        node.admin(f"LOAD {module} TO RUNTIME")
        node.admin(f"LOAD {module} FROM CONFIG")
        node.admin(f"LOAD {module} TO RUNTIME")
    assert [count(node, f"runtime_{table}") for table in NEVER] == [1, 1]
    for table in NEVER:
        node.admin(f"DELETE FROM {table}")
    node.admin("SAVE MYSQL SERVERS FROM RUNTIME")
    node.admin("SAVE MYSQL QUERY RULES FROM RUNTIME")
    assert [count(node, table) for table in NEVER] == [1, 1]


def test_a_temporary_table_keeps_rows_for_every_connection(node):
    before = node.admin("SELECT * FROM mysql_users ORDER BY username, backend")
    node.admin("DROP TABLE IF EXISTS kept_of_mine")
    node.admin("CREATE TEMP TABLE kept_of_mine AS SELECT * FROM mysql_users")
    node.admin("DELETE FROM mysql_users")
    node.admin("INSERT INTO mysql_users SELECT * FROM kept_of_mine")
    node.admin("DROP TABLE kept_of_mine")
    assert node.admin("SELECT * FROM mysql_users ORDER BY username, backend") == before
    assert "kept_of_mine" not in {name for name, in node.admin("SHOW TABLES")}
