"""The traffic port, PAUSE, RESUME and KILL CONNECTION."""
import socket

import pytest

from lib import wire
from lib.proxysql import APP_USER
from lib.waiting import wait_until


@pytest.fixture(autouse=True)
def resumed(node):
    yield
    if node.counter("mysql_listener_paused") == "true":
        node.admin("PROXYSQL RESUME")


def test_greets_every_connection(node):
    with node.traffic() as client:
        assert client.protocol == 10


def test_a_client_logs_in_and_pings_without_any_backend(node):
    with node.traffic() as client:
        client.login(*APP_USER)
        assert client.command(wire.COM_PING)[0] == 0


def test_pause_refuses_new_clients_and_leaves_the_others_alone(node):
    with node.traffic() as client:
        client.login(*APP_USER)
        assert not node.traffic_refused()
        wait_until(lambda: node.counter("Client_Connections_connected") == "1", what="the other client is gone")
        node.admin("PROXYSQL PAUSE")
        assert node.traffic_refused()
        assert node.counter("mysql_listener_paused") == "true"
        assert node.counter("Client_Connections_connected") == "1"
        assert client.command(wire.COM_PING)[0] == 0
        node.admin("PROXYSQL RESUME")
        assert not node.traffic_refused()
        assert node.counter("mysql_listener_paused") == "false"
        assert client.command(wire.COM_PING)[0] == 0


def test_second_pause_is_an_error_that_means_paused(node):
    node.admin("PROXYSQL PAUSE")
    assert node.error_of("PROXYSQL PAUSE") == (
        1045, "ProxySQL Admin Error: ProxySQL MySQL module is already paused, impossible to pause")
    assert node.traffic_refused()


def test_resume_without_pause_is_an_error(node):
    assert node.error_of("PROXYSQL RESUME") == (
        1045, "ProxySQL Admin Error: ProxySQL MySQL module is not paused, impossible to resume")


def test_commands_are_known_in_any_case_and_spacing(node):
    node.admin("proxysql \n pause ;")
    assert node.traffic_refused()
    node.admin("Proxysql Resume")
    assert not node.traffic_refused()


def test_unknown_proxysql_command(node):
    assert node.error_of("PROXYSQL BOGUS") == (1045, 'ProxySQL Admin Error: near "PROXYSQL": syntax error')


def test_kill_connection_ends_one_session(node):
    with node.traffic() as victim, node.traffic() as other:
        victim.login(*APP_USER)
        other.login(*APP_USER)
        node.admin(f"KILL CONNECTION {victim.session_id}")
        victim.socket.settimeout(5)
        wait_until(lambda: node.counter("Client_Connections_connected") == "1", what="one session ends")
        try:
            assert victim.socket.recv(100) == b""
        except ConnectionResetError:
            pass
        assert other.command(wire.COM_PING)[0] == 0


@pytest.mark.parametrize("session", ["4294967295", "0"])
def test_kill_connection_of_an_unknown_id(node, session):
    assert node.error_of(f"KILL CONNECTION {session}") == (
        1045, f"ProxySQL Admin Error: Unknown thread id: {session}")


def test_a_closed_listener_refuses_at_once(node):
    node.admin("PROXYSQL PAUSE")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", node.traffic_port), 2)
