"""While one slow statement runs on admin: what hangs, what goes on, and what comes after."""
import socket
import time

import pymysql
import pytest

from lib import wire
from lib.proxysql import APP_USER
from lib.waiting import wait_until

HANG_S = 0.5  # a statement without an answer for so long counts as hanging


@pytest.fixture
def wedge(node):
    """A wedge of about four seconds: long for the tests, short for those who wait."""
    node.loops_per_second()
    held = node.wedge(4)
    yield held
    held.wait()


def abandoned(node, sql):
    """Send sql, wait without an answer, close the socket."""
    connection = node.wire()
    connection.login("admin", "admin")
    connection.socket.settimeout(HANG_S)
    with pytest.raises(socket.timeout):
        connection.command(wire.COM_QUERY, sql.encode())
    connection.close()


def test_statements_hang_on_new_and_on_open_connections(node, wedge):
    abandoned(node, "SELECT 1")
    assert wedge.holds()


def test_even_set_names_hangs(node, wedge):
    abandoned(node, "SET NAMES utf8")
    assert wedge.holds()


def test_login_ping_and_init_db_go_on(node, wedge):
    began = time.monotonic()
    with node.wire() as connection:
        connection.login("radmin", "radmin")
        assert connection.command(wire.COM_PING)[0] == 0
        assert connection.command(wire.COM_INIT_DB, b"x")[0] == 0
        with pytest.raises(wire.WireError):
            connection.command(wire.COM_STMT_PREPARE, b"SELECT 1")
    assert time.monotonic() - began < 1
    assert wedge.holds()


def test_a_wrong_password_is_refused(node, wedge):
    with node.wire() as connection, pytest.raises(wire.WireError) as caught:
        connection.login("radmin", "wrong")
    assert caught.value.code == 1045
    assert wedge.holds()


def test_traffic_goes_on(node, wedge):
    with node.traffic() as client:
        client.login(*APP_USER)
        assert client.command(wire.COM_PING)[0] == 0
    assert wedge.holds()


def test_a_waiting_statement_is_answered_when_the_wedge_ends(node, wedge):
    assert wedge.holds()
    assert node.value("SELECT 'late'", timeout=60) == "late"
    wedge.wait()


def test_an_abandoned_statement_is_executed_afterwards_and_keeps_its_thread_until_then(node):
    node.admin("INSERT INTO proxysql_servers (hostname) VALUES ('10.0.0.1')")
    held = node.wedge(5)
    threads = node.quiet_threads()
    abandoned(node, "DELETE FROM proxysql_servers")
    abandoned(node, "SELECT 1")
    assert held.holds()
    assert node.process.threads() == threads + 2
    held.wait()
    wait_until(lambda: node.value("SELECT count(*) FROM proxysql_servers") == "0",
               what="the abandoned DELETE is executed")
    wait_until(lambda: node.process.threads() <= threads, what="the threads of the abandoned statements end")


def test_the_wedging_client_goes_away_and_the_wedge_stays(node):
    node.loops_per_second()
    held = node.wedge(4)
    held.connection._sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: held.error, what="the client gives up")
    abandoned(node, "SELECT 1")
    assert node.value("SELECT 'late'", timeout=60) == "late"


def test_errors_come_late_too(node, wedge):
    with pytest.raises(pymysql.Error) as caught:
        node.admin("BOGUS", timeout=60)
    assert caught.value.args[0] == 1045
