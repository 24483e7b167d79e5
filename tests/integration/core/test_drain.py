"""A core that leaves: its peers copy nothing of it, and its pod's grace period counts."""
import contextlib
import signal
import socket
import time

import pymysql
import pytest

from lib import ctl
from lib.cluster import SLOW
from lib.draining import EMPTY, NOT_READY, REFUSED, Shutdown, ended, is_open, wait_gone
from lib.waiting import wait_until

DRAINS = {"shutdown.drain_on_signal": True, "shutdown.pause_delay": 0, "shutdown.drain_timeout": 20}
SHORT_GRACE = ("the grace period of this pod is too short for shutdown.shutdown_timeout: a drain ends 3 s before it is "
               "over; raise terminationGracePeriodSeconds")
COPIES = {"cluster_mysql_variables_diffs_before_sync": 2}
NOBODY = "draining: no other node of the cluster polls this one any more"
PAUSES_S = 12  # within this PAUSE has ended: ProxySQL 3 takes 2 to 7 s for it


@pytest.fixture
def connect():
    """connect(node): an idle session, closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        def one(node):
            connection = pymysql.connect(host=node.address, port=node.traffic_port, user="app", password="app",
                                         connect_timeout=10, read_timeout=10)
            stack.callback(lambda: connection.open and connection.close())
            return connection
        yield one


def variables_of(node):
    return node.module("mysql_variables")[:2]


def checksum_of(node):
    return node.module("mysql_variables")[2]


def watch(nodes, seconds):
    """All that (version, epoch) of their mysql_variables were in this time."""
    seen, end = set(), time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        seen.add(tuple(map(variables_of, nodes)))
        time.sleep(0.05)
    return seen


def test_the_grace_period_counts(cores):
    """30 s, as Kubernetes has it; shutdown.shutdown_timeout is 60 s."""
    node = cores.add("core-0")
    agent = cores.agent("core-0", DRAINS)
    record = agent.wait_record(SHORT_GRACE, timeout=10)
    assert (record["grace_s"], record["shutdown_timeout_s"], record["level"]) == (30, 60, "WARN")
    agent.process.signal(signal.SIGTERM)
    assert agent.wait_record(NOT_READY)["end_ms"] == 27000
    ended(agent)
    wait_gone(node)
    assert len(agent.records(SHORT_GRACE)) == 1


def test_enough_grace_is_no_news(cores):
    cores.add("core-0")
    agent = cores.agent("core-0", {**DRAINS, "shutdown.shutdown_timeout": 27})
    cores.wait_rows("core-0", "core-0")
    assert not agent.records(SHORT_GRACE)


def test_polled_cores_kill_idle_sessions(cores, connect):
    """Its peer polls it all the time: no variable is touched, and the peer's do not move."""
    node, peer = cores.add("core-0", "core-1", accounts=["app"])
    agent = cores.agent("core-0", DRAINS)
    cores.agent("core-1")
    cores.wait_rows("core-0", "core-0", "core-1")
    wait_until(lambda: node.admin("SELECT * FROM stats_proxysql_servers_clients_status"), 10 * SLOW, "it is polled")
    wait_until(lambda: min(variables_of(node)[0], variables_of(peer)[0]) > 1, 20 * SLOW, "both are stamped")
    idle = [connect(node) for _ in range(7)]
    others = variables_of(peer)
    shutdown = Shutdown(agent)
    agent.wait_record(REFUSED, timeout=PAUSES_S)
    wait_until(lambda: not any(map(is_open, idle)), 6 * SLOW, "the idle sessions are closed")
    assert shutdown.result().status == 200
    ended(agent)
    assert agent.records(EMPTY) and not agent.records(NOBODY)
    assert variables_of(peer) == others


def test_a_core_that_nobody_polls_goes_the_satellites_way(cores, connect):
    node = cores.add("core-0", accounts=["app"])
    agent = cores.agent("core-0", DRAINS)
    cores.wait_rows("core-0", "core-0")
    idle = connect(node)
    wait_until(lambda: int(node.value("SELECT COALESCE(MAX(updated_at), 0) FROM stats_proxysql_servers_checksums "
                                      f"WHERE hostname = '{node.address}'")) > 0, 10 * SLOW, "it has polled itself")
    assert Shutdown(agent).result().status == 200
    ended(agent)
    wait_gone(node)
    assert not is_open(idle) and agent.records(NOBODY) and agent.records(EMPTY)


def test_a_maintenance_of_a_core_leaves_the_variables_alone(cores, connect):
    """Also when nobody polls it: a core that joins meanwhile would copy them."""
    node = cores.add("core-0", accounts=["app"])
    agent = cores.agent("core-0", {**DRAINS, "shutdown.maintenance_delay": 0})
    cores.wait_rows("core-0", "core-0")
    wait_until(lambda: variables_of(node)[0] > 1, 20 * SLOW, "it is stamped")
    idle, before = connect(node), variables_of(node)
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    assert not is_open(idle) and agent.records(EMPTY) and variables_of(node) == before
    ctl.ask(agent, "undrain")
    assert variables_of(node) == before


@pytest.mark.parametrize("maintenance", [False, True])
def test_no_peer_moves_while_a_core_drains(cores, connect, maintenance):
    """They copy each other's mysql_variables here: whatever the drain changes in its own would reach them."""
    nodes = cores.add("core-0", "core-1", "core-2", accounts=["app"], variables=COPIES)
    agent = cores.agent("core-0", {**DRAINS, "shutdown.maintenance_delay": 0})
    cores.agent("core-1")
    cores.agent("core-2")
    for name in cores.nodes:
        cores.wait_rows(name, *cores.nodes)
    wait_until(lambda: min(variables_of(node)[0] for node in nodes) > 1, 20 * SLOW, "all are stamped")
    wait_until(lambda: len(watch(nodes, 1.5)) == 1, 30 * SLOW, "nothing moves any more")
    node, peers = nodes[0], nodes[1:]
    before = watch(peers, 0.1)
    idle = [connect(node) for _ in range(3)]
    with socket.create_connection((node.address, node.traffic_port), 5):  # who never logs in keeps it waiting
        if maintenance:
            ctl.ask(agent, "drain", "--maintenance")
        else:
            shutdown = Shutdown(agent)
        agent.wait_record(REFUSED, timeout=PAUSES_S)
        assert watch(peers, 1.5) == before and not any(map(is_open, idle))
        assert not agent.records(EMPTY)
    agent.wait_record(EMPTY, timeout=5)
    if maintenance:
        ctl.ask(agent, "undrain")
        assert checksum_of(node) == checksum_of(peers[0])
    else:
        assert shutdown.result().status == 200
        ended(agent)
    assert watch(peers, 1.5) == before


def test_a_satellite_equals_a_core_after_its_maintenance(cores):
    core = cores.add("core-0", accounts=["app"])
    cores.agent("core-0")
    cores.wait_rows("core-0", "core-0")
    satellite = cores.satellite("satellite-0", {**DRAINS, "shutdown.maintenance_delay": 0})
    agent = cores.satellite_agents["satellite-0"]
    wait_until(lambda: variables_of(core)[0] > 1, 20 * SLOW, "the core is stamped")
    wait_until(lambda: checksum_of(satellite) == checksum_of(core), 20 * SLOW, "they are equal")
    with socket.create_connection((satellite.address, satellite.traffic_port), 5):
        ctl.ask(agent, "drain", "--maintenance")
        agent.wait_record(REFUSED, timeout=PAUSES_S)
        wait_until(lambda: checksum_of(satellite) != checksum_of(core), 5 * SLOW, "its wait_timeout is the drain's")
    agent.wait_record(EMPTY, timeout=5)
    ctl.ask(agent, "undrain")
    assert checksum_of(satellite) == checksum_of(core)
