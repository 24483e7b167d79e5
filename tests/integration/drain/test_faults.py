"""A drain of a node that does not do what it should: it ends in time, with what still works, and says why."""
import contextlib
import signal
import time

import pytest

from lib.agent import SLOW
from lib.draining import (FAILED, NEVER_PAUSED, NOT_READY, REFUSED, STOPPED, Shutdown, ended, messages, run,
                          wait_emptying, wait_gone)
from lib.forward import Forward
from lib.stuck import frozen
from lib.waiting import wait_until

SHORT = {"shutdown.pause_delay": 0, "shutdown.drain_timeout": 4, "shutdown.shutdown_timeout": 8,
         "proxysql.query_timeout_ms": 1000}
BUDGET_S = 8 + 1  # and the end of the process
GONE = "draining: ProxySQL has ended by itself; clients that were left are cut"
GONE_EARLY = ("draining: ProxySQL has ended before it was drained, so its clients were cut; a preStop hook on its "
              "container that calls /shutdown keeps it until they have left")


def check_failed(agent, shutdown, began, *words):
    answer = shutdown.result()
    assert answer.status == 500 and answer.json["message"] == "shutdown failed" and answer.json["status"] == "error"
    assert any(word in answer.json["reason"] for word in words), answer
    ended(agent, code=1)
    assert time.monotonic() - began < BUDGET_S * SLOW
    assert agent.records(FAILED)[0]["error"] == answer.json["reason"]


@pytest.mark.knobs
@pytest.mark.parametrize("when", [NOT_READY, REFUSED])
def test_a_wedged_admin(served, make_agent, client, when):
    """From the begin, or while clients leave. What is abandoned is executed when the wedge ends: ProxySQL stops then."""
    agent = make_agent(served, {**SHORT, "shutdown.pause_delay": 1})
    busy = client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    began = time.monotonic()
    shutdown = Shutdown(agent)
    agent.wait_record(when, timeout=5)
    served.control("wedge on")
    assert agent.ready().status == 503 and agent.live().status == 200
    check_failed(agent, shutdown, began, "in time", "stuck")
    assert served.process.running()
    assert run(busy, "SELECT 1")  # clients were served meanwhile
    with contextlib.suppress(OSError, ValueError):  # the stand-in may have ended before it answers
        served.control("wedge off")
    wait_gone(served)


@pytest.mark.knobs
def test_a_wedge_that_ends_in_time(served, make_agent, client):
    """Everything that was left out is made good, in order."""
    agent = make_agent(served, {**SHORT, "shutdown.pause_delay": 1, "shutdown.drain_timeout": 20,
                                "shutdown.shutdown_timeout": 30})
    client()
    shutdown = Shutdown(agent)
    agent.wait_record(NOT_READY)
    served.control("wedge on")
    time.sleep(2)
    served.control("wedge off")
    assert shutdown.result().status == 200
    ended(agent)
    wait_gone(served)
    log = messages(agent)
    assert log.index(REFUSED) < log.index(STOPPED)


def test_a_frozen_proxysql(served, make_agent):
    agent = make_agent(served, SHORT)
    began = time.monotonic()
    with frozen(served):
        check_failed(agent, Shutdown(agent), began, "in time", "stuck")


@pytest.mark.knobs
def test_an_admin_that_lets_nobody_in(served, make_agent, client):
    """Connections that are there go on working: the drain uses them."""
    agent = make_agent(served, SHORT)
    client()
    served.control("refuse on")
    assert Shutdown(agent).result().status == 200
    ended(agent)
    wait_gone(served)


def test_an_admin_that_knows_us_no_more(served, make_agent):
    """Its credentials were changed, and its connections dropped."""
    agent = make_agent(served, {**SHORT, "proxysql.password": "wrong"}, ready=False)
    agent.wait_probe("/healthz/ready", lambda a: "denied" in a.json["reason"])
    began = time.monotonic()
    check_failed(agent, Shutdown(agent), began, "denied")
    assert served.process.running()


@pytest.mark.knobs
def test_a_pause_that_fails(served, make_agent, client):
    """It goes on, says so, and the result is an error: clients may have been cut."""
    agent = make_agent(served, SHORT)
    client()
    served.control("pause fails")
    answer = Shutdown(agent).result()
    assert answer.status == 500 and "PAUSE" in answer.json["reason"]
    ended(agent, code=1)
    wait_gone(served)
    assert agent.records(NEVER_PAUSED) and agent.records(STOPPED)


@pytest.mark.knobs
@pytest.mark.parametrize("how", ["pause slow 1500", "pause twice"])
def test_odd_answers_to_pause(served, make_agent, client, how):
    agent = make_agent(served, {**SHORT, "shutdown.drain_timeout": 8, "shutdown.shutdown_timeout": 12})
    client()
    served.control(how)
    assert Shutdown(agent).result().status == 200
    ended(agent)
    assert agent.records(REFUSED)


def test_paused_already(served, make_agent):
    agent = make_agent(served, {**SHORT, "shutdown.pause_delay": 0})
    served.admin("PROXYSQL PAUSE")
    assert Shutdown(agent).result().status == 200
    ended(agent)
    assert agent.records(REFUSED)


@pytest.mark.parametrize("step", ["accepting", "emptying"])
def test_proxysql_ends_by_itself(served, make_agent, client, step):
    """In a step where the drain waits: it ends at once and well, and says what it means for the clients."""
    agent = make_agent(served, {"shutdown.pause_delay": 2})
    busy = client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    shutdown = Shutdown(agent)
    agent.wait_record(NOT_READY)
    if step == "emptying":
        wait_emptying(agent)
    began = time.monotonic()
    served.kill()
    assert shutdown.result().status == 200
    ended(agent)
    assert time.monotonic() - began < 3 * SLOW
    assert len(agent.records(GONE_EARLY if step == "accepting" else GONE)) == 1
    assert not agent.records(STOPPED) and not agent.records(FAILED)


@pytest.mark.knobs
@pytest.mark.parametrize("statement", ["PROXYSQL PAUSE", "PROXYSQL SHUTDOWN", "SET mysql-wait_timeout", "LOAD MYSQL VARIABLES",
                                       "KILL CONNECTION", "stats_mysql_processlist"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_proxysql_dies_at_a_statement(served, make_agent, client, moment, statement):
    agent = make_agent(served, SHORT)
    idle = client()
    served.control(f"crash {moment} {statement}")
    assert Shutdown(agent).result().status == 200
    ended(agent)
    wait_until(lambda: not served.process.running(), 2, "it has died")
    assert idle and not agent.records(FAILED)


def test_ports_that_close_late(served, make_agent):
    """The command's connection is lost long before nobody listens any more: all the time that is left counts."""
    way = Forward(served.admin_port)  # which goes on listening
    agent = make_agent(served, {"shutdown.pause_delay": 0, "proxysql.address": f"127.0.0.1:{way.port}"})
    shutdown = Shutdown(agent)
    wait_gone(served)
    time.sleep(4)
    assert shutdown.is_alive() and not agent.records(STOPPED)
    way.close()
    assert shutdown.result().status == 200
    ended(agent)
    assert agent.records(STOPPED) and not agent.records(FAILED)


def test_sigterm_without_a_pre_stop_hook(served, make_agent, client):
    """ProxySQL gets its own SIGTERM at the same moment and ends at once: one line names what is missing."""
    agent = make_agent(served)
    client()
    served.process.signal(signal.SIGKILL)
    agent.process.signal(signal.SIGTERM)
    ended(agent)
    warnings = [record["msg"] for record in agent.records() if record["level"] in ("WARN", "ERROR")]
    assert warnings.count(GONE_EARLY) == 1 and FAILED not in warnings


def test_sigterm_after_proxysql_has_ended(served, make_agent):
    """A native sidecar is told last."""
    agent = make_agent(served)
    served.kill()
    agent.wait_statuses(502, 503, 503)
    agent.process.signal(signal.SIGTERM)
    ended(agent)
    assert agent.records("draining: ProxySQL has ended already, there is nothing to drain")
