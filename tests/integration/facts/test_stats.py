"""The tables that health reads."""
import contextlib
import time

from lib.waiting import wait_until
from lib.proxysql import APP_USER

NAMES = ("ProxySQL_Uptime", "Active_Transactions", "Client_Connections_connected", "Client_Connections_non_idle",
         "mysql_listener_paused")
COMBINED = ("SELECT 'backend', status, COUNT(*) FROM runtime_mysql_servers GROUP BY status "
            "UNION ALL SELECT 'global', Variable_Name, Variable_Value FROM stats_mysql_global WHERE Variable_Name IN ("
            + ", ".join(f"'{name}'" for name in NAMES) + ") "
            "UNION ALL SELECT 'variable', variable_name, variable_value FROM runtime_global_variables "
            "WHERE variable_name = 'mysql-interfaces'")
DIGEST = ["hostgroup", "schemaname", "username", "client_address", "digest", "digest_text", "count_star",
          "first_seen", "last_seen", "sum_time", "min_time", "max_time", "sum_rows_affected", "sum_rows_sent"]
PROCESSLIST = ["ThreadID", "SessionID", "user", "db", "cli_host", "cli_port", "hostgroup", "l_srv_host",
               "l_srv_port", "srv_host", "srv_port", "command", "time_ms", "info", "status_flags", "extended_info"]


def columns(node, sql):
    connection = node.connect()
    with connection.cursor() as cursor:
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
    connection.close()
    return names


def test_the_names_we_read_are_there(node):
    assert node.value("SELECT count(*) FROM stats_mysql_global WHERE Variable_Name IN (" +
                      ", ".join(f"'{name}'" for name in NAMES) + ")") == str(len(NAMES))


def test_not_all_values_are_numbers(node):
    assert node.counter("mysql_listener_paused") == "false"


def test_connected_clients_are_counted_live(node):
    assert node.counter("Client_Connections_connected") == "0"
    with node.traffic() as client:
        client.login(*APP_USER)
        assert node.counter("Client_Connections_connected") == "1"
    wait_until(lambda: node.counter("Client_Connections_connected") == "0", what="the count falls")


def test_a_client_that_only_reads_the_greeting_is_counted_too(node):
    with node.traffic():
        assert node.counter("Client_Connections_connected") == "1"
    wait_until(lambda: node.counter("Client_Connections_connected") == "0", what="the count falls")


def test_uptime_counts_seconds(node):
    before = int(node.counter("ProxySQL_Uptime"))
    began = time.monotonic()
    wait_until(lambda: int(node.counter("ProxySQL_Uptime")) > before, what="uptime grows", step=0.1)
    assert time.monotonic() - began < 3


def test_the_combined_statement(node):
    rows = node.admin(COMBINED)
    assert rows[0] == ("backend", "ONLINE", "2")
    assert {name for kind, name, _ in rows if kind == "global"} == set(NAMES)
    assert rows[-1] == ("variable", "mysql-interfaces", f"127.0.0.1:{node.traffic_port}")


def test_the_combined_statement_reads_everything_afresh(node):
    connection = node.connect()

    def read():
        with connection.cursor() as cursor:
            cursor.execute(COMBINED)
            rows = cursor.fetchall()
        return ({name: value for kind, name, value in rows if kind == "backend"},
                {name: value for kind, name, value in rows if kind == "global"}["Client_Connections_connected"])

    assert read() == ({"ONLINE": "2"}, "0")
    node.admin("UPDATE mysql_servers SET status = 'OFFLINE_SOFT' WHERE hostname = '127.0.0.12'")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    with contextlib.closing(node.traffic()):
        assert read() == ({"ONLINE": "1", "OFFLINE_SOFT": "1"}, "1")
    node.admin("UPDATE mysql_servers SET status = 'ONLINE'")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    wait_until(lambda: read() == ({"ONLINE": "2"}, "0"), what="everything is as before")
    connection.close()


def test_digest_table_has_14_columns(node):
    assert columns(node, "SELECT * FROM stats_mysql_query_digest") == DIGEST
    assert columns(node, "SELECT * FROM stats_mysql_query_digest_reset") == DIGEST


def test_processlist(node):
    assert columns(node, "SELECT * FROM stats_mysql_processlist") == PROCESSLIST
    with node.traffic() as client:
        client.login(*APP_USER)
        (row,) = node.admin("SELECT SessionID, user, command, srv_host FROM stats_mysql_processlist")
        assert row == (str(client.session_id), APP_USER[0], "Sleep", None)
