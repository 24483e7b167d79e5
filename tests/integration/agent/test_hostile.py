"""What sits on the admin port may be slow, mute or mad: probes are answered in time, say why, and nothing grows."""
import time

import pytest

from lib.agent import SANITIZED, SLOW
from lib.http_client import Storm
from lib.waiting import wait_until

NOT_IN_TIME = ("no answer in time", "no login in time", "waits for its answer since")
FAULTS = {"drip": ("drip 1", NOT_IN_TIME, (502, 200, 200)),
          "silence": ("silent on", NOT_IN_TIME, (502, 200, 200)),
          "slow-login": ("slow-login 60000", NOT_IN_TIME, (502, 200, 200)),
          "garbage": ("garbage on", ("",), (502, 200, 200)),
          "garbage-greeting": ("garbage greeting", ("connection lost while logging in",), (502, 503, 503))}


def storm(agent, seconds):
    """Ask for so long; every answer comes in time. Returns the answers of readiness."""
    began = time.monotonic()
    with Storm(agent.port, per_second=100, connections=20) as asked:
        wait_until(lambda: time.monotonic() - began > seconds, what="the end of the storm", timeout=60)
    assert not asked.failures and len(asked.answers) > 50 / SLOW
    assert asked.slowest() < 1 * SLOW
    return [answer for answer in asked.answers if answer.json.get("probe") == "readiness"]


def check_flat(agent, before):
    descriptors, threads, resident_kib = before
    wait_until(lambda: agent.process.descriptors() <= descriptors + 2, 3 * SLOW, "the storm's connections are closed")
    assert agent.process.threads() == threads
    assert SANITIZED or agent.process.resident_kib() - resident_kib < 1024


def footprint(agent):
    agent.wait_record("listening")  # all threads have started
    return agent.process.descriptors(), agent.process.threads(), agent.process.resident_kib()


@pytest.mark.knobs
@pytest.mark.parametrize("known", [True, False], ids=["seen-well-before", "never-seen-well"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_mad_server(fresh_node, make_agent, fault, known):
    command, reasons, statuses = FAULTS[fault]
    if not known:
        fresh_node.control(command)
    agent = make_agent(fresh_node)
    if known:
        agent.wait_ready()
        fresh_node.control(command)
        fresh_node.control("drop")
    bad = agent.wait_probe("/healthz/ready", lambda a: a.json["reason"])
    before = footprint(agent)
    told = {a.json["reason"] for a in storm(agent, 1.5) if a.asked > bad.asked}
    assert all(reason and any(words in reason for words in reasons) for reason in told), told
    assert agent.statuses() == statuses  # not started: it may not be the one that was there before
    check_flat(agent, before)
    assert fresh_node.control("stats")["admin_open"] <= 3
    fresh_node.control(command.split()[0] + " off")
    fresh_node.control("drop")  # what was begun by a mad one stays broken
    agent.wait_ready(2)
    agent.wait_statuses(200, 200, 200)


@pytest.mark.knobs
def test_cut_connections(fresh_node, make_agent):
    """Each cut is followed by a new connection, not by a bad answer."""
    agent = make_agent(fresh_node)
    agent.wait_ready()
    for _ in range(5):
        fresh_node.control("drop")
        wait_until(lambda: agent.ready().json["age_ms"] > 300, what="an answer that is not fresh any more")
        agent.wait_probe("/healthz/ready", lambda a: a.json["age_ms"] < 300)
        assert agent.statuses() == (200, 200, 200)
    assert fresh_node.control("stats")["admin_open"] <= 2
    assert not agent.records("ProxySQL cannot be reached; asking again every second")


def test_a_denied_login(node, make_agent):
    agent = make_agent(node, {"proxysql.password": "wrong"})
    bad = agent.wait_probe("/healthz/ready", lambda a: a.json["reason"])
    before = footprint(agent)
    answers = storm(agent, 1.5)
    assert all("denied" in a.json["reason"].lower() for a in answers if a.asked > bad.asked)
    assert "wrong" not in agent.process.log()
    check_flat(agent, before)
    assert agent.status()["connect_failures"] <= 6  # with back-off
