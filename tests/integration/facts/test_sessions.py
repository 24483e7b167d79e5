"""Client sessions of the traffic port and what empties a node: wait_timeout, KILL, PAUSE, SHUTDOWN."""
import contextlib
import socket
import threading
import time

import pymysql
import pytest

from lib.waiting import wait_until

UNKNOWN_ID = 4294967295
LOCK_TABLES, TEMPORARY_TABLE, GET_LOCK = 0x10, 0x20, 0x40
WAIT_TIMEOUT = "mysql-wait_timeout"


@pytest.fixture(scope="module")
def served(make_node, backends):
    """A node whose clients' statements are executed."""
    node = make_node(backends=backends)
    with contextlib.closing(node.client()) as client:
        run(client, "DROP TABLE IF EXISTS facts")
        run(client, "CREATE TABLE facts (id INT PRIMARY KEY, note VARCHAR(20))")
    yield node
    node.close()


@pytest.fixture(autouse=True)
def as_found(served):
    default = served.value(f"SELECT variable_value FROM runtime_global_variables WHERE variable_name='{WAIT_TIMEOUT}'")
    yield
    if served.counter("mysql_listener_paused") == "true":
        served.admin("PROXYSQL RESUME")
    set_wait_timeout(served, default)
    wait_until(lambda: connected(served) == 0, what="all clients of the test are gone")


@pytest.fixture
def client(served):
    """client(): a session that is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(leaving(served.client(**options)))


@contextlib.contextmanager
def leaving(connection):
    yield connection
    with contextlib.suppress(pymysql.Error):
        connection.close()


def run(connection, sql):
    """Rows, every value as text."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [tuple(None if value is None else str(value) for value in row) for row in cursor.fetchall()]


def gone(connection):
    """Whether the server has closed it."""
    connection._sock.settimeout(0)
    try:
        return connection._sock.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection._sock.settimeout(10)


def connected(node):
    return int(node.counter("Client_Connections_connected"))


def processlist(node, connection):
    names = ("command", "srv_host", "status_flags", "time_ms", "info", "user", "db", "cli_port")
    (row,) = node.admin(f"SELECT {', '.join(names)} FROM stats_mysql_processlist "
                        f"WHERE SessionID={session_id(connection)}")
    return dict(zip(names, row))


def session_id(connection):
    return connection.server_thread_id[0]


def set_wait_timeout(node, value):
    node.admin(f"SET {WAIT_TIMEOUT}={value}")
    node.admin("LOAD MYSQL VARIABLES TO RUNTIME")


class Waker:
    """Wakes all workers every 50 ms, as a KILL of a session that does not exist does."""

    def __init__(self, node):
        self._connection = node.connect()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def _run(self):
        while not self._end.wait(0.05):
            with contextlib.suppress(pymysql.Error), self._connection.cursor() as cursor:
                cursor.execute(f"KILL CONNECTION {UNKNOWN_ID}")

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self._connection.close()


def in_background(connection, sql):
    """Run a statement in a thread: .result holds its rows or its error after .join()."""
    class Running(threading.Thread):
        result = None

        def run(self):
            try:
                self.result = run(connection, sql)
            except pymysql.Error as error:
                self.result = error

    thread = Running(daemon=True)
    thread.start()
    return thread


def busy(node, connection):
    wait_until(lambda: processlist(node, connection)["command"] == "Query", what="the statement runs")


# --- what a session can do

def test_constants_ping_and_another_database(client):
    one = client()
    assert run(one, "SELECT 1, 'two'") == [("1", "two")]
    one.ping(reconnect=False)
    one.select_db("information_schema")
    assert run(one, "SELECT 1") == [("1",)]


def test_a_statement_that_sleeps(client):
    one = client()
    began = time.monotonic()
    assert run(one, "SELECT SLEEP(0.4)") == [("0",)]
    assert run(one, "DO SLEEP(0.2)") == []
    assert time.monotonic() - began >= 0.6


def test_a_bad_statement_is_an_error_and_the_session_goes_on(client):
    one = client()
    with pytest.raises(pymysql.Error) as caught:
        run(one, "SELEKT 1")
    assert caught.value.args[0] == 1064
    assert run(one, "SELECT 1") == [("1",)]


def rows(connection):
    return run(connection, "SELECT id, note FROM facts ORDER BY id")


def test_others_see_a_transaction_when_it_is_committed(client):
    one, other = client(), client()
    run(one, "DELETE FROM facts")
    run(one, "BEGIN")
    run(one, "INSERT INTO facts VALUES (1, 'one')")
    run(one, "UPDATE facts SET note = 'more' WHERE id = 1")
    assert (rows(one), rows(other)) == ([("1", "more")], [])
    run(one, "COMMIT")
    assert rows(other) == [("1", "more")]


@pytest.mark.parametrize("end", ["ROLLBACK", "the client leaves"])
def test_nothing_is_left_of_a_transaction_that_was_not_committed(client, end):
    one, other = client(), client()
    run(other, "DELETE FROM facts")
    run(one, "START TRANSACTION")
    run(one, "INSERT INTO facts VALUES (2, 'two')")
    if end == "ROLLBACK":
        run(one, end)
    else:
        one.close()
    time.sleep(0.1)
    assert rows(other) == []


def test_without_autocommit_a_write_begins_a_transaction(client):
    one, other = client(autocommit=False), client()
    run(other, "DELETE FROM facts")
    run(one, "INSERT INTO facts VALUES (3, 'three')")
    assert rows(other) == []
    one.commit()
    assert rows(other) == [("3", "three")]


def test_affected_rows_and_duplicate_keys(client):
    one = client()
    run(one, "DELETE FROM facts")
    with one.cursor() as cursor:
        assert cursor.execute("INSERT INTO facts VALUES (4, 'four'), (5, 'five')") == 2
        assert cursor.execute("DELETE FROM facts WHERE id = 4") == 1
        with pytest.raises(pymysql.IntegrityError) as caught:
            cursor.execute("INSERT INTO facts VALUES (5, 'again')")
    assert caught.value.args[0] == 1062


def test_a_temporary_table_belongs_to_one_session(client):
    one, other = client(), client()
    for connection, value in ((one, 1), (other, 2)):
        run(connection, "CREATE TEMPORARY TABLE mine (a INT)")
        run(connection, f"INSERT INTO mine VALUES ({value})")
    assert (run(one, "SELECT a FROM mine"), run(other, "SELECT a FROM mine")) == ([("1",)], [("2",)])


# --- what the administrator sees of it

def test_processlist_of_an_idle_session(served, client):
    one = client()
    run(one, "SELECT 1")
    row = processlist(served, one)
    assert {key: row[key] for key in ("command", "srv_host", "status_flags", "info", "user", "db")} == {
        "command": "Sleep", "srv_host": None, "status_flags": None, "info": None, "user": "app", "db": "test"}
    assert row["cli_port"] == str(one._sock.getsockname()[1])


def test_processlist_of_a_transaction(served, client):
    one = client()
    run(one, "BEGIN")
    assert processlist(served, one)["srv_host"] is not None
    run(one, "SELECT id FROM facts")
    row = processlist(served, one)
    assert (row["command"], row["srv_host"] is not None, row["status_flags"]) == ("Sleep", True, "0")
    run(one, "COMMIT")
    assert processlist(served, one)["srv_host"] is None


def test_processlist_of_a_running_statement(served, client):
    one = client()
    running = in_background(one, "SELECT SLEEP(1)")
    busy(served, one)
    row = processlist(served, one)
    assert row["srv_host"] is not None and row["info"] == "SELECT SLEEP(1)"
    running.join()
    assert running.result == [("0",)]


@pytest.mark.parametrize("sql,flag", [("LOCK TABLES facts WRITE", LOCK_TABLES),
                                      ("CREATE TEMPORARY TABLE t (a INT)", TEMPORARY_TABLE),
                                      ("SELECT GET_LOCK('facts', 1)", GET_LOCK)])
def test_status_flags_of_what_keeps_a_backend(served, client, sql, flag):
    one = client()
    run(one, sql)
    row = processlist(served, one)
    assert (row["command"], row["srv_host"] is not None, int(row["status_flags"]) & 0x70) == ("Sleep", True, flag)
    with Waker(served):
        wait_until(lambda: served.counter("Active_Transactions") == "0", what="it does not count as a transaction")


def test_unlock_tables_gives_the_backend_back_and_release_lock_does_not(served, client):
    one, other = client(), client()
    run(one, "LOCK TABLES facts WRITE")
    run(one, "UNLOCK TABLES")
    assert processlist(served, one)["srv_host"] is None
    run(other, "SELECT GET_LOCK('facts', 1)")
    run(other, "SELECT RELEASE_LOCK('facts')")
    assert int(processlist(served, other)["status_flags"]) & GET_LOCK


def test_clients_are_counted_live_and_transactions_in_the_workers_maintenance(served, client):
    one, _ = client(), client()
    assert served.counter("Client_Connections_connected") == served.counter("Client_Connections_non_idle") == "2"
    run(one, "BEGIN")
    run(one, "SELECT id FROM facts")
    wait_until(lambda: served.counter("Active_Transactions") == "1", what="the transaction is counted")
    run(one, "COMMIT")
    with Waker(served):
        wait_until(lambda: served.counter("Active_Transactions") == "0", what="it is counted no more")


def test_time_ms_stands_still_until_the_worker_wakes(served, client):
    one = client()
    run(one, "SELECT 1")
    time.sleep(0.3)
    with Waker(served):
        wait_until(lambda: int(processlist(served, one)["time_ms"]) >= 300, what="the worker has looked at its clock")


# --- wait_timeout

def test_a_low_wait_timeout_ends_idle_sessions_and_nothing_else(served, client):
    idle, open_transaction, running = client(), client(), client()
    run(idle, "DELETE FROM facts")
    run(open_transaction, "BEGIN")
    run(open_transaction, "INSERT INTO facts VALUES (6, 'six')")
    sleeping = in_background(running, "SELECT SLEEP(4)")
    busy(served, running)
    set_wait_timeout(served, 1)
    wait_until(lambda: gone(idle), 5, "the idle session ends")
    with Waker(served):
        sleeping.join()
        assert sleeping.result == [("0",)]
        assert not gone(open_transaction)
        run(open_transaction, "INSERT INTO facts VALUES (7, 'seven')")
        run(open_transaction, "COMMIT")
        wait_until(lambda: gone(open_transaction) and gone(running), 5, "the others end when they have become idle")
    set_wait_timeout(served, 28800000)
    assert rows(client()) == [("6", "six"), ("7", "seven")]


@pytest.mark.parametrize("sql", ["LOCK TABLES facts WRITE", "CREATE TEMPORARY TABLE t (a INT)",
                                 "SELECT GET_LOCK('facts', 1)"])
def test_a_low_wait_timeout_ends_sessions_that_hold_more_than_a_transaction(served, client, sql):
    one = client()
    run(one, sql)
    set_wait_timeout(served, 1)
    with Waker(served):
        wait_until(lambda: gone(one), 5, "the session ends")


def test_a_client_that_keeps_its_worker_busy_never_looks_idle_until_somebody_else_wakes_it(served, client):
    one = client()
    set_wait_timeout(served, 1)
    for _ in range(60):  # 3 s: longer than any maintenance interval
        run(one, "BEGIN")
        run(one, "COMMIT")
        time.sleep(0.05)
    with Waker(served):
        wait_until(lambda: gone(one), 5, "the session ends")


# --- KILL

def test_kill_of_an_idle_session_is_seen_at_once(served, client):
    one, other = client(), client()
    served.admin(f"KILL CONNECTION {session_id(one)}")
    wait_until(lambda: gone(one), 1, "the session ends")
    assert run(other, "SELECT 1") == [("1",)]


def test_kill_ends_a_session_in_the_middle_of_a_statement(served, client):
    one = client()
    running = in_background(one, "SELECT SLEEP(8)")
    busy(served, one)
    began = time.monotonic()
    served.admin(f"KILL CONNECTION {session_id(one)}")
    running.join()
    assert isinstance(running.result, pymysql.Error) and running.result.args[0] == 2013
    assert time.monotonic() - began < 6


def test_kill_drops_an_open_transaction(served, client):
    one, other = client(), client()
    run(other, "DELETE FROM facts")
    run(one, "BEGIN")
    run(one, "INSERT INTO facts VALUES (8, 'eight')")
    served.admin(f"KILL CONNECTION {session_id(one)}")
    wait_until(lambda: gone(one), 5, "the session ends")
    assert rows(other) == []


# --- PAUSE and SHUTDOWN

def test_pause_leaves_a_transaction_alone(served, client):
    one = client()
    run(one, "DELETE FROM facts")
    run(one, "BEGIN")
    served.admin("PROXYSQL PAUSE")
    assert served.traffic_refused()
    run(one, "INSERT INTO facts VALUES (9, 'nine')")
    run(one, "COMMIT")
    assert rows(one) == [("9", "nine")]
    assert connected(served) == 1


def test_shutdown_cuts_every_session(make_node, backends):
    node = make_node(backends=backends)
    idle, open_transaction, running = (node.client() for _ in range(3))
    run(open_transaction, "BEGIN")
    sleeping = in_background(running, "SELECT SLEEP(5)")
    busy(node, running)
    began = time.monotonic()
    with pytest.raises(pymysql.Error) as caught:
        node.admin("PROXYSQL SHUTDOWN")
    assert caught.value.args[0] == 2013
    assert node.process.wait() == 0
    sleeping.join()
    assert isinstance(sleeping.result, pymysql.Error)
    assert gone(idle) and gone(open_transaction)
    assert time.monotonic() - began < 4


def test_who_never_logs_in_is_counted_as_created(served):
    names = ("Client_Connections_created", "Client_Connections_aborted")
    before = [int(served.counter(name)) for name in names]
    for _ in range(2):
        with socket.create_connection((served.address, served.traffic_port), 2) as connection:
            assert connection.recv(1)  # it greets
    wait_until(lambda: int(served.counter(names[0])) == before[0] + 2, what="both are counted")
    assert int(served.counter(names[1])) == before[1]
