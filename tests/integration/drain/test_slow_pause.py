"""A node whose PAUSE takes seconds, with the admin mutex held: it is left out as long as nobody comes."""
import contextlib
import threading
import time

import pymysql
import pytest

from lib import ctl
from lib.agent import SLOW
from lib.draining import (EMPTY, FAILED, NOT_READY, OPEN, REFUSED, STILL_COME, STOPPED, TIME_UP, Shutdown, clients,
                          ended, is_open, leave, make_table, run, variable, wait_gone)
from lib.waiting import wait_until

JUDGED = "draining file judged"
PAUSE_S = 3  # of the stand-in
SETTINGS = {"shutdown.pause_delay": 2, "shutdown.drain_timeout": 60, "shutdown.shutdown_timeout": 90}
VARIABLES = ["mysql-wait_timeout", "mysql-session_idle_ms"]


@pytest.fixture
def served(make_node, backends):
    """Like everywhere, but of the version with the PostgreSQL module."""
    node = make_node(version="3.0.1-12-g1234567", backends=backends)
    if not node.value("SELECT @@version").startswith("3."):
        node.close()
        pytest.skip("PROXYSQL_BIN has no PostgreSQL module")
    if not node.real:
        node.control(f"pause slow {PAUSE_S * 1000}")
    make_table(node)
    yield node
    node.close()


@pytest.fixture
def busy(client):
    """A client in a transaction, which is waited for."""
    session = client()
    run(session, "BEGIN")
    run(session, "INSERT INTO drained VALUES (1)")
    return session


def received(node, pattern):
    """How many statements like this a stand-in got; a real node does not tell, so 0."""
    return 0 if node.real else node.control(f"count {pattern}")["received"]


def step(agent):
    return ctl.ask(agent, "status")["drain"]["step"]


def test_nobody_comes(served, make_agent, client, busy):
    """No PAUSE: idle sessions leave, the transaction ends, and ProxySQL is stopped."""
    agent = make_agent(served, SETTINGS)
    idle = [client() for _ in range(3)]
    began = time.monotonic()
    shutdown = Shutdown(agent)
    agent.wait_record(OPEN, timeout=5)
    assert time.monotonic() - began >= 2
    wait_until(lambda: not any(map(is_open, idle)), 6 * SLOW, "the idle sessions are closed")
    assert step(agent) == "emptying" and is_open(busy)
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    assert agent.records(EMPTY)[0]["clients_at_pause"] == 4 and agent.records(STOPPED)
    assert not agent.records(REFUSED) and not agent.records(STILL_COME) and not agent.records(FAILED)


def test_an_empty_node(served, make_agent):
    agent = make_agent(served, SETTINGS)
    assert Shutdown(agent).result().status == 200
    ended(agent)
    wait_gone(served)
    assert agent.records(OPEN) and not agent.records(REFUSED)


def test_somebody_comes(served, make_agent, client, busy):
    """PAUSE is needed after all: who comes back would be shed again and again."""
    agent = make_agent(served, SETTINGS)
    before = variable(served, VARIABLES[0])
    shutdown = Shutdown(agent)
    agent.wait_record(OPEN, timeout=5)
    wait_until(lambda: variable(served, VARIABLES[0]) != before, 6 * SLOW, "clients are shed")
    back = client()
    record = agent.wait_record(STILL_COME, timeout=3)
    assert record["new_clients"] == 1
    agent.wait_record(REFUSED, timeout=12)
    assert served.traffic_refused() and is_open(busy)
    if not served.real:  # nobody can look who holds something while PAUSE goes on
        assert received(served, f"^SET mysql-wait_timeout={before}$") == 1
    wait_until(lambda: not is_open(back), 6 * SLOW, "it is shed again, and has nowhere to come back to")
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    assert len(agent.records(REFUSED)) == 1 and agent.records(EMPTY) and not agent.records(FAILED)


def test_somebody_still_comes_when_accepting_ends(served, make_agent):
    """The balancers have not learned yet: PAUSE at once, as on other versions."""
    agent = make_agent(served, SETTINGS)
    end = threading.Event()

    def come_and_go():
        while not end.wait(0.1):
            with contextlib.suppress(pymysql.Error, OSError):
                leave(served.client())

    thread = threading.Thread(target=come_and_go, daemon=True)
    thread.start()
    shutdown = Shutdown(agent)
    agent.wait_record(REFUSED, timeout=15)
    end.set()
    thread.join()
    assert shutdown.result().status == 200
    ended(agent)
    assert not agent.records(OPEN) and agent.records(EMPTY)


def test_own_looks_are_no_clients(served, make_agent, busy):
    """Probes go on, and with them the health job's connections to the traffic port, which ProxySQL counts."""
    agent = make_agent(served, {**SETTINGS, "health.max_age_ms": 100})
    shutdown = Shutdown(agent)
    agent.wait_record(OPEN, timeout=5)
    before = int(served.counter("Client_Connections_created"))

    def counted():
        assert agent.live().status == 200
        ctl.ask(agent, "health")
        return int(served.counter("Client_Connections_created")) >= before + 5

    wait_until(counted, 10 * SLOW, "ProxySQL has counted looks")
    assert not agent.records(STILL_COME)
    run(busy, "COMMIT")
    assert shutdown.result().status == 200
    ended(agent)
    assert not agent.records(REFUSED)


def test_without_time_for_a_pause(served, make_agent, client, busy):
    """One that would end after drain_timeout would keep SHUTDOWN out: who comes is shed, or cut at the end."""
    agent = make_agent(served, {**SETTINGS, "shutdown.drain_timeout": 7})
    shutdown = Shutdown(agent)
    agent.wait_record(OPEN, timeout=5)
    back = client()
    wait_until(lambda: not is_open(back), 6 * SLOW, "it is shed")
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    assert is_open(busy) is False and agent.records(TIME_UP)[0]["in_transaction"] == 1
    assert not agent.records(REFUSED) and not agent.records(FAILED)


def test_a_maintenance_pauses(served, make_agent, client):
    """It has to stay empty."""
    agent = make_agent(served, {**SETTINGS, "shutdown.maintenance_delay": 2})
    idle = client()
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    assert agent.records(REFUSED) and not agent.records(OPEN)
    assert served.traffic_refused() and clients(served) == 0 and not is_open(idle)
    ctl.ask(agent, "undrain")
    agent.wait_ready()
    assert not served.traffic_refused()


def kill_in_the_middle(agent, node, before):
    """When the variables are changed and nothing was paused."""
    agent.wait_record(OPEN, timeout=5)
    wait_until(lambda: all(variable(node, name) != old for name, old in zip(VARIABLES, before)), 6 * SLOW,
               "both are touched")
    agent.process.kill()
    assert not agent.records(REFUSED)


def test_a_shutdown_goes_on(served, make_agent, busy):
    """An agent that was killed accepts nobody for another pause_delay: clients are on their way out."""
    agent = make_agent(served, SETTINGS)
    before = [variable(served, name) for name in VARIABLES]
    Shutdown(agent)
    kill_in_the_middle(agent, served, before)
    again = make_agent(served, SETTINGS, ready=False, same=True)
    assert again.ready().status == 503
    assert again.wait_record(JUDGED)["until"] == "stopped"
    assert again.wait_record(OPEN, count=2, timeout=3)["accepted_ms"] < 1000 * SLOW  # both lives' are in one log
    assert [record["accept_ms"] for record in again.records(NOT_READY)] == [2000, 0]
    run(busy, "COMMIT")
    ended(again)
    wait_gone(served)
    assert again.records(EMPTY) and again.records(STOPPED) and not again.records(REFUSED)


def test_a_shutdown_whose_time_is_over_is_undone(served, make_agent, busy):
    """The variables come back; nothing was paused, so nothing is resumed."""
    short = {**SETTINGS, "shutdown.drain_timeout": 6, "shutdown.shutdown_timeout": 9}
    agent = make_agent(served, short)
    before = [variable(served, name) for name in VARIABLES]
    began = time.monotonic()
    Shutdown(agent)
    kill_in_the_middle(agent, served, before)
    time.sleep(max(0.0, began + 10 - time.monotonic()))
    again = make_agent(served, short, ready=False, same=True)
    assert again.wait_record(JUDGED)["until"] == "running"
    again.wait_ready()
    assert not again.draining_file.exists() and not served.traffic_refused()
    assert [variable(served, name) for name in VARIABLES] == before
    assert received(served, "^PROXYSQL ") == 0
    run(busy, "COMMIT")
