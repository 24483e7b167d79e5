"""A shutdown: its phases, what clients see of them, who may join."""
import contextlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from lib import ctl
from lib.agent import SLOW
from lib.binaries import built
from lib.draining import (EMPTY, FAILED, NOT_READY, REFUSED, STOPPED, TIME_UP, Shutdown, emptying, ended, is_open,
                          messages, run, variable, wait_gone)
from lib.waiting import wait_until

WAIT_MAX = 1024  # callers of one drain


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_shutdown_goes_through_its_phases(served, make_agent, client, method):
    agent = make_agent(served)
    pooled = [client() for _ in range(5)]
    began = time.monotonic()
    shutdown = Shutdown(agent, method)
    agent.wait_record(NOT_READY)
    assert agent.ready().status == 503 and agent.live().status == 200 and agent.draining_file.exists()
    client()  # who comes in the delay is served
    answer = shutdown.result()
    assert answer.status == 200 and answer.json == {"message": "shutdown initiated", "status": "ok"}
    assert time.monotonic() - began >= 1
    ended(agent)
    wait_gone(served)
    assert not any(is_open(connection) for connection in pooled)
    log = messages(agent)
    steps = [log.index(step) for step in (NOT_READY, REFUSED, EMPTY, STOPPED, "stopped")]
    assert steps == sorted(steps)
    assert agent.records(EMPTY)[0]["clients_at_pause"] == 6
    asked = log.index("drain asked for")  # a normal stop is no reason to warn of anything
    assert not [record for record in agent.records()[asked:] if record["level"] in ("WARN", "ERROR")
                and "cluster_username" not in record["msg"]]
    assert agent.draining_file.exists()  # of a life that is over: the next one takes it away


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(served, make_agent, number):
    agent = make_agent(served)
    agent.process.signal(number)
    ended(agent)
    wait_gone(served)
    assert agent.records(STOPPED) and agent.records("drain asked for")[0]["by"] == signal.Signals(number).name


def test_sessions_stay_with_their_workers(served, make_agent, client):
    """With --idle-threads, idle sessions would go to a thread that nobody can wake."""
    agent = make_agent(served, {"shutdown.pause_delay": 0})
    busy = client()
    run(busy, "BEGIN")
    shutdown = Shutdown(agent)
    wait_until(lambda: variable(served, "mysql-session_idle_ms") == "3600000", 6 * SLOW, "no session becomes idle")
    served.admin("SET mysql-session_idle_ms=1")
    served.admin("SET mysql-wait_timeout=28800000")
    served.admin("LOAD MYSQL VARIABLES TO RUNTIME")  # as when a core has loaded its own
    wait_until(lambda: variable(served, "mysql-session_idle_ms") == "3600000", 6 * SLOW, "it is set again")
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)


def test_an_open_transaction_is_waited_for(served, make_agent, client):
    """Idle sessions go at once, the transaction ends when its client ends it, and only then ProxySQL."""
    agent = make_agent(served, {"shutdown.pause_delay": 0})
    idle, busy = client(), client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    shutdown = Shutdown(agent)
    agent.wait_record(REFUSED)
    wait_until(lambda: not is_open(idle), 6 * SLOW, "the idle session is closed")
    assert is_open(busy) and shutdown.is_alive()
    run(busy, "INSERT INTO drained VALUES (2)")
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    assert agent.records(EMPTY) and not agent.records(TIME_UP)


def test_a_statement_under_way_is_waited_for(served, make_agent, client):
    agent = make_agent(served, {"shutdown.pause_delay": 0})
    sleeper, rows = client(), []
    thread = threading.Thread(target=lambda: rows.extend(run(sleeper, "SELECT SLEEP(3)")), daemon=True)
    thread.start()
    shutdown = Shutdown(agent)
    assert shutdown.result().status == 200
    thread.join(5)
    assert [int(row[0]) for row in rows] == [0]
    ended(agent)


@pytest.mark.knobs
def test_postgresql_clients_are_waited_for(make_node, make_agent):
    """They are counted like the others, and nothing is done to them."""
    node = make_node(version="3.0.1-12-g1234567")
    count = ("sql UPDATE stats.stats_pgsql_global SET Variable_Value = '{}' "
             "WHERE Variable_Name = 'Client_Connections_connected'")
    node.control(count.format(2))
    agent = make_agent(node, {"shutdown.pause_delay": 0})
    idle = node.client()
    shutdown = Shutdown(agent)
    agent.wait_record(REFUSED)
    wait_until(lambda: not is_open(idle), 6 * SLOW, "the MySQL client is gone")
    time.sleep(2)
    assert shutdown.is_alive() and not agent.records(EMPTY)
    node.control(count.format(1))
    wait_until(lambda: ctl.ask(agent, "status")["drain"]["clients"] == 1, 3 * SLOW, "one is left")
    assert node.control("count ^(SET|LOAD|KILL).*(pgsql|PGSQL)")["received"] == 0
    node.control(count.format(0))
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(node)
    assert agent.records(EMPTY)[0]["clients_at_pause"] == 3 and not agent.records(TIME_UP)


def test_who_is_left_at_the_end_is_cut(served, make_agent, client):
    agent = make_agent(served, {"shutdown.pause_delay": 0, "shutdown.drain_timeout": 3})
    stays = client()
    run(stays, "BEGIN")
    run(stays, "INSERT INTO drained VALUES (1)")
    assert Shutdown(agent).result().status == 200  # this is what drain_timeout is for
    ended(agent)
    record = agent.records(TIME_UP)[0]
    assert (record["clients"], record["in_transaction"]) == (1, 1)


def test_without_any_time_all_are_cut(served, make_agent, client):
    """drain_timeout 0: PAUSE, and SHUTDOWN at once."""
    agent = make_agent(served, {"shutdown.drain_timeout": 0})
    client()
    assert Shutdown(agent).result().status == 200
    ended(agent)
    assert agent.records(REFUSED) and agent.records(TIME_UP)[0]["clients"] == 1


def test_sessions_that_hold_something_have_half_the_time(served, make_agent, client):
    agent = make_agent(served, {"shutdown.pause_delay": 0, "shutdown.drain_timeout": 6})
    holder = client()
    run(holder, "CREATE TEMPORARY TABLE scratch (a INT)")
    began = time.monotonic()
    shutdown = Shutdown(agent)
    agent.wait_record("draining: waiting for sessions that hold a lock or a temporary table", timeout=5)
    time.sleep(max(0.0, began + 2.5 - time.monotonic()))
    assert run(holder, "SELECT COUNT(*) FROM scratch")  # still there shortly before half of the time is over
    assert shutdown.result().status == 200
    ended(agent)
    assert agent.records("draining: sessions that hold a lock or a temporary table are not waited for any more")
    assert agent.records(EMPTY)


def test_close_idle_off_only_waits(served, make_agent, client):
    agent = make_agent(served, {"shutdown.pause_delay": 0, "shutdown.close_idle": False})
    idle = client()
    before = variable(served, "mysql-wait_timeout")
    shutdown = Shutdown(agent)
    agent.wait_record(REFUSED)
    time.sleep(2)
    assert is_open(idle) and variable(served, "mysql-wait_timeout") == before
    idle.close()
    assert shutdown.result().status == 200
    ended(agent)
    assert agent.records(EMPTY)


def test_a_core_that_loads_its_variables_meanwhile(served, make_agent, client):
    """The old value comes back by itself: it is lowered again."""
    agent = make_agent(served, {"shutdown.pause_delay": 0})
    busy, idle = client(), client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    before = variable(served, "mysql-wait_timeout")
    shutdown = Shutdown(agent)
    wait_until(lambda: not is_open(idle), 6 * SLOW, "the idle session is closed")
    served.admin(f"SET mysql-wait_timeout={before}")
    served.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    wait_until(lambda: variable(served, "mysql-wait_timeout") != before, 5 * SLOW, "it is lowered again")
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)


def test_everybody_joins_one_drain(served, make_agent):
    """preStop and SIGTERM at the same moment, and others: all get the result, ProxySQL is paused and stopped once."""
    agent = make_agent(served)
    first = Shutdown(agent)
    agent.process.signal(signal.SIGTERM)
    agent.wait_record(NOT_READY)
    second, third = Shutdown(agent), Shutdown(agent, "POST")
    agent.process.signal(signal.SIGTERM)
    assert [each.result().status for each in (first, second, third)] == [200, 200, 200]
    ended(agent)
    assert len(agent.records(NOT_READY)) == len(emptying(agent)) == len(agent.records(STOPPED)) == 1


def test_the_control_command_as_a_pre_stop_hook(served, make_agent, client):
    """It waits for the end of the drain that SIGTERM has asked for, or the other way round."""
    agent = make_agent(served)
    client()
    hook = subprocess.Popen([built("proxysql-agentctl"), "--socket", str(agent.socket), "drain", "--wait"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    agent.process.signal(signal.SIGTERM)
    assert hook.wait(30 * SLOW) == 0
    ended(agent)
    wait_gone(served)
    assert {record["by"] for record in agent.records("drain asked for")} == {"proxysql-agentctl drain", "SIGTERM"}
    assert len(agent.records(STOPPED)) == 1


def test_sigterm_joins_however_many_wait(served, make_agent):
    """As many callers as may wait for a drain; one more is told so, and a signal is no caller."""
    agent = make_agent(served, {"api.max_connections": WAIT_MAX + 100, "shutdown.pause_delay": 3600,
                                "shutdown.drain_timeout": 3600, "shutdown.shutdown_timeout": 3600})
    with contextlib.ExitStack() as stack:
        for _ in range(WAIT_MAX):
            caller = stack.enter_context(socket.create_connection((agent.host, agent.port), 5))
            caller.sendall(b"GET /shutdown HTTP/1.1\r\nHost: agent\r\n\r\n")
        wait_until(lambda: len(agent.records("drain asked for")) == WAIT_MAX, 20 * SLOW, "they wait", step=0.2)
        refused = agent.ask("/shutdown")
        assert refused.status == 500
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGQUIT):
            agent.process.signal(number)
        ended(agent)
    wait_gone(served)
    assert agent.records(STOPPED) and not agent.records(FAILED)


def test_a_client_that_hangs_up_stops_nothing(served, make_agent):
    agent = make_agent(served)
    with socket.create_connection((agent.host, agent.port), 5) as caller:
        caller.sendall(b"GET /shutdown HTTP/1.1\r\nHost: agent\r\n\r\n")
        agent.wait_record(NOT_READY)
    ended(agent)
    wait_gone(served)
    assert agent.records(STOPPED)


def test_sigquit_leaves_out_the_waiting(served, make_agent, client):
    agent = make_agent(served, {"shutdown.pause_delay": 3600, "shutdown.drain_timeout": 3600,
                                "shutdown.shutdown_timeout": 3600})
    client()
    shutdown = Shutdown(agent)
    agent.wait_record(NOT_READY)
    began = time.monotonic()
    agent.process.signal(signal.SIGQUIT)
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    assert time.monotonic() - began < 5 * SLOW and not agent.records(REFUSED)


def test_other_methods_are_refused(served, make_agent):
    agent = make_agent(served)
    answer = agent.ask("/shutdown", method="DELETE")
    assert answer.status == 405 and answer.headers["allow"] == "GET, POST"
    assert not agent.records(NOT_READY) and not agent.records(FAILED)


def test_the_end_can_leave_proxysql_alone(served, make_agent):
    agent = make_agent(served, {"shutdown.drain_on_signal": False})
    agent.process.signal(signal.SIGTERM)
    ended(agent)
    assert served.process.running() and not agent.draining_file.exists() and not agent.records(NOT_READY)
