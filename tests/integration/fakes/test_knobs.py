"""The stand-in's fault knobs do what they say."""
import socket
import time

import pymysql
import pytest

from lib import wire
from lib.proxysql import APP_USER
from lib.waiting import wait_until
from lib.wire import Wire, WireError

pytestmark = pytest.mark.knobs


def query_hangs(node, seconds=0.3):
    with node.wire() as connection:
        connection.login("admin", "admin")
        connection.socket.settimeout(seconds)
        try:
            connection.command(wire.COM_QUERY, b"SELECT 1 /* waits */")
        except socket.timeout:
            return True
    return False


def test_wedge_holds_statements_and_nothing_else(fresh_node):
    node = fresh_node
    node.control("reset")
    node.control("wedge on")
    assert query_hangs(node)
    with node.wire() as connection, node.traffic():
        connection.login("admin", "admin")
        assert connection.command(wire.COM_PING)[0] == 0
    assert node.control("stats")["waiting"] == 1
    assert node.control("count waits") == {"received": 1, "executed": 0}
    node.control("wedge off")
    wait_until(lambda: node.control("count waits") == {"received": 1, "executed": 1},
               what="the abandoned statement is executed")
    assert node.value("SELECT 1") == "1"


def test_sql_works_beside_a_wedge(fresh_node):
    node = fresh_node
    node.control("wedge on")
    assert node.control("sql SELECT hostname FROM main.mysql_servers ORDER BY 1")["rows"] == [
        ["127.0.0.11"], ["127.0.0.12"]]
    node.control("wedge off")


def test_drip_sends_byte_by_byte(fresh_node):
    node = fresh_node
    node.control("drip 100")
    connection = socket.create_connection(("127.0.0.1", node.admin_port), 5)
    began = time.monotonic()
    got = b""
    while len(got) < 20:
        chunk = connection.recv(100)
        assert len(chunk) <= 3
        got += chunk
    assert 0.15 < time.monotonic() - began < 2
    connection.close()
    node.control("drip off")
    assert node.value("SELECT 1") == "1"


def test_drop_cuts_all_admin_connections(fresh_node):
    node = fresh_node
    connections = [node.connect() for _ in range(3)]
    assert node.control("drop")["dropped"] >= 3
    for connection in connections:
        with pytest.raises(pymysql.Error):
            connection.ping(reconnect=False)
    assert node.value("SELECT 1") == "1"


def test_drop_reaches_connections_that_wait(fresh_node):
    node = fresh_node
    node.control("wedge on")
    connection = node.wire()
    connection.login("admin", "admin")
    connection.send(bytes([wire.COM_QUERY]) + b"SELECT 1")
    wait_until(lambda: node.control("stats")["waiting"] == 1, what="the statement waits")
    node.control("drop")
    with pytest.raises(ConnectionResetError):
        connection.receive()
    assert node.control("stats")["waiting"] == 1
    node.control("wedge off")


def test_slow_login(fresh_node):
    node = fresh_node
    node.control("slow-login 300")
    began = time.monotonic()
    node.connect().close()
    assert time.monotonic() - began >= 0.3
    node.control("slow-login off")


def test_refuse_closes_the_listener_and_keeps_connections(fresh_node):
    node = fresh_node
    connection = node.connect()
    node.control("refuse on")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", node.admin_port), 2)
    connection.ping(reconnect=False)
    connection.close()
    node.control("refuse off")
    assert node.value("SELECT 1") == "1"


def test_silent_accepts_and_never_greets(fresh_node):
    node = fresh_node
    node.control("silent on")
    with pytest.raises(socket.timeout):
        Wire(node.admin_port, timeout=0.3)
    node.control("silent off")
    assert node.value("SELECT 1") == "1"


def test_garbage(fresh_node):
    node = fresh_node
    connection = node.connect()
    node.control("garbage on")
    with pytest.raises(Exception), connection.cursor() as cursor:  # whatever the driver makes of noise
        cursor.execute("SELECT 1")
    node.control("garbage greeting")
    with socket.create_connection(("127.0.0.1", node.admin_port), 2) as raw:
        assert len(raw.recv(100)) == 64
    node.control("garbage off")
    assert node.value("SELECT 1") == "1"


def test_traffic_modes(fresh_node):
    node = fresh_node
    node.control("traffic silent")
    with pytest.raises(socket.timeout):
        Wire(node.traffic_port, timeout=0.3)
    node.control("traffic err")
    with pytest.raises(WireError) as caught:
        node.traffic()
    assert caught.value.code == 1040
    node.control("traffic refuse")
    assert node.traffic_refused()
    node.control("traffic greet")
    with node.traffic() as client:
        client.login(*APP_USER)


def test_refused_traffic_stays_refused_over_pause_and_resume(fresh_node):
    node = fresh_node
    node.control("traffic refuse")
    node.admin("PROXYSQL PAUSE")
    node.admin("PROXYSQL RESUME")
    assert node.traffic_refused()
    node.control("traffic greet")
    assert not node.traffic_refused()


def test_uptime(fresh_node):
    fresh_node.control("uptime 86400")
    assert int(fresh_node.counter("ProxySQL_Uptime")) >= 86400


def test_backend(fresh_node):
    fresh_node.control("backend 127.0.0.11 SHUNNED")
    assert fresh_node.admin("SELECT hostname FROM runtime_mysql_servers WHERE status = 'SHUNNED'") == (
        ("127.0.0.11",),)
    assert fresh_node.value("SELECT count(*) FROM mysql_servers WHERE status = 'SHUNNED'") == "0"


def test_counters_and_log(fresh_node):
    node = fresh_node
    node.control("reset")
    node.admin("SELECT 1 FROM stats_mysql_global LIMIT 1")
    with pytest.raises(pymysql.Error):
        node.admin("BOGUS")
    stats = node.control("stats")
    assert (stats["received"], stats["executed"], stats["failed"]) == (2, 2, 1)
    assert node.quiet_threads() == node.control("stats")["threads"]
    assert node.control("count FROM stats_mysql_GLOBAL") == {"received": 1, "executed": 1}
    last, = node.control("log 1")["statements"]
    assert last["text"] == "BOGUS" and last["failed"] and last["ended_ms"] >= last["began_ms"] >= last["received_ms"]


def test_reset_forgets_a_waiting_statement_too(fresh_node):
    node = fresh_node
    node.control("wedge on")
    assert query_hangs(node)
    node.control("reset")
    node.control("wedge off")
    node.admin("SELECT 'after'")
    stats = node.control("stats")
    assert (stats["received"], stats["executed"]) == (1, 1)
    assert [entry["text"] for entry in node.control("log 10")["statements"]] == ["SELECT 'after'"]


def test_bad_commands_are_answered(fresh_node):
    for command in ("", "bogus", "wedge maybe", "drip -1", "traffic", "count (", "sql BOGUS", "pause never", "crash before ("):
        with pytest.raises(AssertionError):
            fresh_node.control(command)
    assert len(fresh_node.control("help")["commands"]) > 10


def test_a_slow_pause_holds_the_mutex(fresh_node):
    node = fresh_node
    node.control("pause slow 500")
    connection = node.wire()
    connection.login("admin", "admin")
    connection.send(bytes([wire.COM_QUERY]) + b"PROXYSQL PAUSE")
    wait_until(node.traffic_refused, what="the listener is closed")
    assert query_hangs(node, 0.2)
    assert connection.receive()[0] == 0
    node.control("pause slow off")
    connection.close()


def test_pause_answered_twice_as_3_0_does(fresh_node):
    node = fresh_node
    node.control("pause twice")
    with node.wire() as connection:
        connection.login("admin", "admin")
        assert connection.command(wire.COM_QUERY, b"PROXYSQL PAUSE")[0] == 0
        assert connection.receive()[0] == 0
        assert [number for number, _ in connection.log[-2:]] == [1, 1]
        with pytest.raises(WireError):
            connection.command(wire.COM_QUERY, b"PROXYSQL PAUSE")
        assert connection.receive()[0] == 0xFF


def test_pause_that_fails(fresh_node):
    fresh_node.control("pause fails")
    with pytest.raises(pymysql.Error):
        fresh_node.admin("PROXYSQL PAUSE")
    assert not fresh_node.traffic_refused()
    fresh_node.control("pause works")
    fresh_node.admin("PROXYSQL PAUSE")
    assert fresh_node.traffic_refused()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_crash_at_a_statement(fresh_node, moment):
    node = fresh_node
    node.control("crash before NEVER ASKED")
    node.admin("SELECT 1")
    node.control(f"crash {moment} ^proxysql +pause")
    node.admin("SELECT 1")
    with pytest.raises(pymysql.Error):
        node.admin("PROXYSQL PAUSE")
    assert node.process.wait() == -9
