"""A maintenance: drained, and ProxySQL stays; and its undo."""
import signal
import time

import pytest

from lib import ctl
from lib.agent import SLOW
from lib.draining import (EMPTY, FAILED, NEVER_PAUSED, NOT_READY, REFUSED, SERVING, STOPPED, clients, emptying, ended,
                          run, variable, wait_gone)
from lib.waiting import wait_until

STILL_FAILS = "undoing the drain still fails"
DRAINED = ("draining", "drained")


@pytest.fixture
def maintained(served, make_agent, client):
    """An agent in maintenance, whose node had three idle clients."""
    agent = make_agent(served, {"log.level": "DEBUG"})
    before = variable(served, "mysql-wait_timeout"), served.admin(
        "SELECT checksum FROM runtime_checksums_values WHERE name='mysql_variables'")
    for _ in range(3):
        client()
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    agent.before = before
    return agent


def states(agent):
    status = ctl.ask(agent, "status")
    return status["agent"]["phase"], status["drain"]["step"]


def test_it_stays_drained(served, maintained):
    assert states(maintained) == DRAINED
    assert clients(served) == 0 and served.traffic_refused()
    assert maintained.ready().status == 503 and maintained.live().status == 200
    assert maintained.draining_file.exists() and maintained.records(EMPTY)
    time.sleep(1.5)
    assert served.process.running() and maintained.process.running()


def test_the_undo_leaves_no_trace(served, maintained, client):
    ctl.ask(maintained, "undrain")
    assert not maintained.draining_file.exists() and not served.traffic_refused()
    maintained.wait_ready()
    assert variable(served, "mysql-wait_timeout") == maintained.before[0]
    assert served.admin("SELECT checksum FROM runtime_checksums_values WHERE name='mysql_variables'") == \
        maintained.before[1]
    assert run(client(), "SELECT 1")
    assert states(maintained)[0] == "running" and maintained.records(SERVING)
    ctl.ask(maintained, "undrain")  # once more changes nothing
    assert len(maintained.records(SERVING)) == 1


def test_a_wait_timeout_of_somebody_else_stays(served, maintained):
    served.admin("SET mysql-wait_timeout=12345")
    served.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    ctl.ask(maintained, "undrain")
    assert variable(served, "mysql-wait_timeout") == "12345"


def test_it_can_be_drained_again(served, maintained, client):
    ctl.ask(maintained, "undrain")
    maintained.wait_ready()
    client()
    ctl.ask(maintained, "drain", "--maintenance", "--wait")
    assert states(maintained) == DRAINED and clients(served) == 0
    assert len(maintained.records(REFUSED)) == 2


def test_sigterm_goes_straight_to_the_end(served, maintained):
    began = time.monotonic()
    maintained.process.signal(signal.SIGTERM)
    ended(maintained)
    wait_gone(served)
    assert time.monotonic() - began < 3 * SLOW and maintained.records(STOPPED)
    assert len(maintained.records(REFUSED)) == 1


def test_sigterm_while_it_begins(served, make_agent, client):
    """What was asked for last counts; the delay is a shutdown's from then on."""
    agent = make_agent(served, {"shutdown.maintenance_delay": 3600})
    client()
    ctl.ask(agent, "drain", "--maintenance")
    agent.wait_record(NOT_READY)
    agent.process.signal(signal.SIGTERM)
    ended(agent)
    wait_gone(served)
    assert emptying(agent) and agent.records(EMPTY) and agent.records(STOPPED)


def test_the_undo_while_it_begins(served, make_agent):
    agent = make_agent(served, {"shutdown.maintenance_delay": 3600})
    ctl.ask(agent, "drain", "--maintenance")
    agent.wait_record(NOT_READY)
    ctl.ask(agent, "undrain")
    agent.wait_ready()
    assert not agent.draining_file.exists() and not agent.records(REFUSED)


def test_an_undo_of_a_shutdown_is_refused(served, make_agent):
    agent = make_agent(served, {"shutdown.pause_delay": 2})
    agent.process.signal(signal.SIGTERM)
    agent.wait_record(NOT_READY)
    refused = ctl.run("undrain", agent=agent)
    assert refused.returncode != 0 and "stopping" in refused.stderr
    ended(agent)


def test_a_new_life_of_proxysql_ends_it(served, maintained):
    """Who restarts ProxySQL wants it back."""
    wait_until(lambda: int(served.counter("ProxySQL_Uptime")) >= 3, 10, "it is old enough to be another life")
    served.restart()
    maintained.wait_ready(timeout=8)
    assert not maintained.draining_file.exists()


@pytest.mark.parametrize("content", ["", "rolling the rack\n"])
def test_the_operators_file_stays(served, make_agent, content):
    agent = make_agent(served)
    agent.draining_file.write_text(content)
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    ctl.ask(agent, "undrain")
    assert agent.draining_file.read_text() == content and agent.ready().status == 503
    agent.process.signal(signal.SIGTERM)
    ended(agent)
    assert agent.draining_file.read_text() == content


@pytest.mark.knobs
def test_what_went_wrong_before_another_order_does_not_count(served, make_agent, client):
    """A PAUSE that failed in the maintenance, and worked in the stop that took its place."""
    agent = make_agent(served)
    busy = client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    served.control("pause fails")
    ctl.ask(agent, "drain", "--maintenance")
    agent.wait_record(NEVER_PAUSED, timeout=8)
    served.control("pause works")
    agent.process.signal(signal.SIGTERM)
    agent.wait_record(REFUSED, timeout=5)
    run(busy, "COMMIT")
    ended(agent)
    assert agent.records(STOPPED) and not agent.records(FAILED)


@pytest.mark.knobs
def test_an_undo_that_failed_is_tried_again(served, maintained):
    """Whoever asked for it is gone; a pod that nobody wants drained must not stay so."""
    served.control("wedge on")
    assert ctl.run("undrain", agent=maintained).returncode != 0
    assert maintained.ready().status == 503 and maintained.draining_file.exists()
    served.control("wedge off")
    maintained.wait_ready(timeout=20)
    assert not maintained.draining_file.exists() and not served.traffic_refused()
    assert variable(served, "mysql-wait_timeout") == maintained.before[0]


@pytest.mark.knobs
def test_an_undo_that_goes_on_failing_is_said_once(served, maintained):
    served.control("pause fails")
    for _ in range(2):
        refused = ctl.run("undrain", agent=maintained)
        assert refused.returncode != 0 and "RESUME" in refused.stderr
    wait_until(lambda: maintained.ready() and len(maintained.records(STILL_FAILS)) >= 2, 15 * SLOW, "it is tried again")
    once, again = maintained.records(STILL_FAILS)[:2]
    assert 9000 < once["again_in_ms"] <= 10000 and 19000 < again["again_in_ms"] <= 20000
    assert len(maintained.records(FAILED)) == 1 and maintained.records(FAILED)[0]["until"] == "running"
    served.control("pause works")
    ctl.ask(maintained, "undrain")
    maintained.wait_ready()


@pytest.mark.knobs
def test_the_old_wait_timeout_outlives_a_failed_undo(served, make_agent, client):
    """Beside an operator's file nothing is written down: the agent remembers it."""
    agent = make_agent(served, {"proxysql.query_timeout_ms": 1000})
    before = variable(served, "mysql-wait_timeout")
    agent.draining_file.write_text("")
    client()
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    assert variable(served, "mysql-wait_timeout") != before
    served.control("wedge on")
    assert ctl.run("undrain", agent=agent).returncode != 0
    ctl.ask(agent, "drain", "--maintenance")
    agent.wait_record(NOT_READY, count=2)
    served.control("wedge off")
    wait_until(lambda: states(agent) == DRAINED, 10 * SLOW, "drained again")
    ctl.ask(agent, "undrain")
    assert variable(served, "mysql-wait_timeout") == before
