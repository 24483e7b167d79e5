"""Clients that misbehave, alone and together, while another one asks for readiness: it is answered in time, nothing
grows, and every limit that was reached has counted. HTTP_ATTACK_SECONDS=60 runs them at full length."""
import time

import pytest

from lib.agent import SANITIZED
from lib.attackers import SECONDS, attacked
from lib.metrics import read_metrics
from lib.waiting import wait_until

CONNECTIONS = 128


def resident_kib(agent):
    return agent.process.resident_kib()


@pytest.fixture
def agent(node, make_agent):
    return make_agent(node, {"run_mode": "satellite"})


@pytest.mark.parametrize("attack, limits", [
    ("idle_one", ["source_connections"]),
    ("idle_fifty", ["connections"]),
    ("rapid_reset", ["dropped_requests"]),
    ("made_you_reset", ["dropped_requests"]),
    ("unknown_frames", ["library_lines"]),
    ("pipelining", ["pipelined_requests"]),
])
def test_flood(agent, attack, limits):
    with attacked(agent) as first:  # what memory an attack takes it takes once
        first.start(attack, min(SECONDS, 2), "127.0.0.100")
    before = resident_kib(agent)
    with attacked(agent) as attackers:
        attackers.start(attack, SECONDS, "127.0.0.100")
    metrics = read_metrics(agent)
    counts = attackers.counts[0]
    print(attack, counts, {limit: metrics.limit(limit) for limit in limits}, f"p99 {attackers.prober.p99():.4f} s",
          f"{resident_kib(agent) - before} KiB more")
    assert all(metrics.limit(limit) > 0 for limit in limits), metrics.text
    assert SANITIZED or resident_kib(agent) - before < 1024
    assert not [r for r in agent.records() if r["msg"].startswith("skipping frame")]


@pytest.mark.parametrize("attack", ["rapid_reset", "made_you_reset"])
def test_resets_make_little_work(agent, attack):
    """A connection that drops 50 requests is over: what it asks afterwards is not even looked at."""
    with attacked(agent) as attackers:
        attackers.start(attack, min(SECONDS, 3), "127.0.0.100")
    counts, metrics = attackers.counts[0], read_metrics(agent)
    ended = metrics.limit("dropped_requests")
    assert ended >= counts["ended"] - 1
    assert counts["sent"] / counts["connected"] < 1000


def test_an_address_keeps_its_share_when_it_rests(agent):
    with attacked(agent) as attackers:
        attackers.start("idle_one", max(SECONDS, 3), "127.0.0.100")
        time.sleep(0.5)
        most = 0
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            most = max(most, read_metrics(agent, source="127.0.0.201").value("http_connections"))
            time.sleep(0.05)
    assert most <= CONNECTIONS


def test_slow_clients_meet_their_limits(agent_many, node):
    """All kinds of slow clients at once, for longer than each of them is borne."""
    agent = agent_many
    seconds = max(SECONDS, 20)
    with attacked(agent) as attackers:
        for number, attack in enumerate(["idle", "slow_headers", "slow_bodies", "pings", "slow_readers"]):
            attackers.start(attack, seconds, f"127.0.0.{100 + number}")
    metrics = read_metrics(agent)
    for limit in ("idle_time", "request_time", "write_time"):
        assert metrics.limit(limit) >= 5, limit
    print(attackers.counts, f"p99 {attackers.prober.p99():.4f} s")
    assert all(counts["ended"] >= 5 for counts in attackers.counts)


@pytest.fixture
def agent_many(node, make_agent):
    return make_agent(node, {"run_mode": "satellite", "api.max_connections": 512})


def test_many_requests_at_once(node, make_agent):
    """Every probe waits for a health check here: that is what the connection has at work, dropped or not."""
    agent = make_agent(node, {"run_mode": "satellite", "health.max_age_ms": 0})
    with attacked(agent) as attackers:
        attackers.start("many_streams", SECONDS, "127.0.0.100")
    counts, metrics = attackers.counts[0], read_metrics(agent)
    print(counts, metrics.limit("requests_in_flight"))
    assert 0 < counts["status 503"] <= metrics.limit("requests_in_flight")
    assert counts["status 200"] > 0
    assert metrics.limit("dropped_requests") <= 1  # of the last connection, left in the middle


@pytest.mark.parametrize("attack", ["long_heads", "held_bodies", "untaken_metrics", "untaken_statuses"])
def test_what_connections_hold_is_bounded(agent, attack):
    """Each connection is within its own limits; together they would hold some hundred MB."""
    before = resident_kib(agent)
    with attacked(agent) as attackers:
        attackers.start(attack, SECONDS)
    counts, metrics = attackers.counts[0], read_metrics(agent)
    print(attack, counts, metrics.limit("held_bytes"), f"p99 {attackers.prober.p99():.4f} s",
          f"{resident_kib(agent) - before} KiB more, {agent.process.peak_kib() - before} at the most")
    assert metrics.limit("held_bytes") > 0
    assert SANITIZED or agent.process.peak_kib() - before < 48 * 1024
    if not SANITIZED:
        wait_until(lambda: resident_kib(agent) - before < 8 * 1024, 5, "memory is given back")


def test_big_bodies(agent):
    before = resident_kib(agent)
    with attacked(agent) as attackers:
        attackers.start("big_bodies", SECONDS)
    counts, metrics = attackers.counts[0], read_metrics(agent)
    print(counts, f"p99 {attackers.prober.p99():.4f} s", f"{resident_kib(agent) - before} KiB more")
    assert counts["HTTP/1.1 413"] > 0
    assert metrics.limit("body_bytes") == counts["connected"]
    assert metrics.value("http_requests_total", path="other", code="413") == counts["connected"]
    assert SANITIZED or resident_kib(agent) - before < 1024
