"""What many probes may cost: little when all is well, and nothing that grows while ProxySQL is stuck."""
import contextlib
import time

import pytest

from lib.agent import SANITIZED, SLOW
from lib.http_client import Storm
from lib.waiting import wait_until

STORM_S = 6


class Footprint:
    """What a stuck ProxySQL must not make grow: of the agent, and the threads of ProxySQL's process."""

    def __init__(self, agent, node):
        self.descriptors, self.threads = agent.process.descriptors(), agent.process.threads()
        self.resident_kib, self.node_threads = agent.process.resident_kib(), node.process.threads()


def fresh_health(answer):
    return answer.status == 200 and not answer.json["degraded"]


@contextlib.contextmanager
def statement_wedge(node):
    wedge = node.wedge(STORM_S * 1.7)
    yield wedge.holds
    wedge.wait()


@contextlib.contextmanager
def frozen(node):
    node.process.freeze()
    yield lambda: node.process.state() == "T"
    node.process.thaw()


@pytest.mark.knobs
def test_probes_are_answered_from_few_statements(fresh_node, make_agent):
    """One health statement in half a second, and stats_mysql_global at most once in ten, whatever is asked."""
    agent = make_agent(fresh_node)
    agent.wait_ready()
    fresh_node.control("reset")
    began = time.monotonic()
    with Storm(agent.port, per_second=200) as storm:
        wait_until(lambda: time.monotonic() - began > 4, what="four seconds of storm")
    seconds = time.monotonic() - began
    assert not storm.failures and len(storm.answers) > 300 / SLOW
    assert all(answer.status == 200 for answer in storm.answers)
    assert storm.slowest() < 1 * SLOW
    statements = fresh_node.control("count ^SELECT 'backends'")["received"]
    assert seconds / 0.5 / 4 <= statements <= seconds / 0.5 + 2
    assert fresh_node.control("count stats_mysql_global")["received"] <= 1
    assert fresh_node.control("stats")["admin_open_max"] <= 2
    assert agent.status()["connects"] == 1


@pytest.mark.knobs
def test_a_fresh_result_stands_for_whoever_asks(fresh_node, make_agent):
    """Also for those that are no probes: the periodic look and the status record."""
    agent = make_agent(fresh_node, {"health.max_age_ms": 10000})
    agent.wait_ready()
    fresh_node.control("reset")
    assert agent.status()["admin"] == "answers"
    assert agent.ready().status == 200
    assert fresh_node.control("count runtime_mysql_servers")["received"] == 0


@pytest.mark.parametrize("stuck, own_threads", [(statement_wedge, 1), (frozen, 0)])
def test_nothing_grows_while_stuck(fresh_node, make_agent, stuck, own_threads):
    """own_threads: of the client that makes it stuck."""
    agent = make_agent(fresh_node)
    agent.wait_ready()
    fresh_node.loops_per_second()
    with Storm(agent.port) as storm:
        wait_until(lambda: len(storm.answers) > 200, what="a storm that runs", timeout=10 * SLOW)
        fresh_node.quiet_threads()
        before = Footprint(agent, fresh_node)
        with stuck(fresh_node) as holds:
            began = time.monotonic()
            agent.wait_probe("/healthz/live", lambda a: not fresh_health(a))
            most = before.node_threads
            while holds() and time.monotonic() - began < STORM_S:
                most = max(most, fresh_node.process.threads())
                time.sleep(0.05)
            assert time.monotonic() - began > STORM_S / 2
            after = Footprint(agent, fresh_node)
            assert most <= before.node_threads + 2 + own_threads
        ended = time.monotonic()
        agent.wait_probe("/healthz/ready", fresh_health, timeout=5)
        assert time.monotonic() - ended < 2 * SLOW
    assert not storm.failures and len(storm.answers) > 300 / SLOW
    assert storm.slowest() < 1 * SLOW
    assert after.threads == before.threads
    assert abs(after.descriptors - before.descriptors) <= 2  # the traffic probe's, and one parked
    assert SANITIZED or after.resident_kib - before.resident_kib < 1024
    status = agent.status()
    assert status["connections_parked"] == 0 and status["parked_total"] <= 2 and status["abandoned"] == 0
