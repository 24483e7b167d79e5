"""The process: SIGSTOP, SIGTERM, SHUTDOWN, and a new life."""
import signal
import socket
import time

import pymysql
import pytest

from lib.wire import Wire


def test_sigstop_stops_even_the_greeting(fresh_node):
    node = fresh_node
    node.process.freeze()
    for port in (node.admin_port, node.traffic_port):
        with socket.create_connection(("127.0.0.1", port), 2) as connection:  # the kernel accepts
            connection.settimeout(0.5)
            with pytest.raises(socket.timeout):
                connection.recv(1)
    node.process.thaw()
    assert node.value("SELECT 'back'") == "back"
    with node.traffic() as client:
        assert client.protocol == 10


def test_a_connection_made_during_sigstop_is_greeted_afterwards(fresh_node):
    node = fresh_node
    node.process.freeze()
    connection = socket.create_connection(("127.0.0.1", node.admin_port), 2)
    node.process.thaw()
    connection.settimeout(5)
    assert connection.recv(100)[4] == 10
    connection.close()


@pytest.mark.parametrize("command", ["PROXYSQL SHUTDOWN", "PROXYSQL KILL"])
def test_shutdown_ends_at_once_without_an_answer(fresh_node, command):
    node = fresh_node
    client = node.traffic()
    with pytest.raises(pymysql.OperationalError) as caught:
        node.admin(command)
    assert caught.value.args[0] == 2013
    assert node.process.wait(5) == 0
    try:
        assert client.socket.recv(100) == b""  # all client sessions are cut
    except ConnectionResetError:
        pass
    client.close()


def test_sigterm_ends_at_once(fresh_node):
    began = time.monotonic()
    fresh_node.process.signal(signal.SIGTERM)
    fresh_node.process.wait(10)
    assert time.monotonic() - began < 2


def test_sigterm_ends_at_once_under_a_wedge(fresh_node):
    fresh_node.wedge(20)
    began = time.monotonic()
    fresh_node.process.signal(signal.SIGTERM)
    fresh_node.process.wait(10)
    assert time.monotonic() - began < 2


def test_a_new_life_begins_with_uptime_and_versions_from_the_start(fresh_node):
    node = fresh_node
    node.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    version = "SELECT version FROM runtime_checksums_values WHERE name = 'proxysql_servers'"
    assert node.value(version) == "2"
    boot = time.time() - int(node.counter("ProxySQL_Uptime"))
    time.sleep(max(0.0, boot + 3 - time.time()))  # the uptime has whole seconds
    node.restart()
    assert node.value(version) == "1"
    assert time.time() - int(node.counter("ProxySQL_Uptime")) > boot + 2


def test_a_connection_does_not_survive_its_process(fresh_node):
    connection = fresh_node.connect()
    fresh_node.restart()
    with pytest.raises(pymysql.OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert caught.value.args[0] in (2006, 2013)


def test_each_admin_connection_is_a_thread(fresh_node):
    node = fresh_node
    before = node.quiet_threads()
    connections = [Wire(node.admin_port) for _ in range(5)]
    assert node.quiet_threads() == before + 5
    for connection in connections:
        connection.close()
