"""What looks like lost cores and is not: no LOAD, neither by the agent nor by cluster sync."""
import os
import pathlib
import time

import pytest

from lib.cluster import LOADED, SLOW, Cluster
from lib.waiting import wait_until

WEDGED = "a core accepts connections but is not checked successfully: stuck, another version, or another " \
         "cluster password; it is left alone"
UNCHECKED = "admin-cluster_username is empty: this ProxySQL checks no core, so none is judged"
STEPPED = "the wall clock was stepped: the ages of the cores' checks are counted anew"
# by hand: 60
FOR_S = float(os.environ.get("SATELLITE_FAULT_S", "5"))  # longer than missing_after and two passes


@pytest.fixture(scope="module")
def calm(namespace, tmp_path_factory):
    """Three cores and a satellite in agreement, and its agent, for all tests of this file."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.add_cores(3)
    cluster.add_satellites(1, ahead_s=0)
    cluster.publish()
    cluster.wait_settled()
    cluster.add_agent(cluster.satellites[0], {"satellite.interval": 1, "satellite.missing_after": 1})
    yield cluster
    cluster.close()


@pytest.fixture
def untouched(calm):
    """calm, which must have seen no LOAD when the test ends and afterwards."""
    satellite, agent = calm.satellites[0], calm.agents[0]
    before = satellite.loads(), len(agent.records(LOADED))
    rows = satellite.members()
    yield calm
    for core in calm.cores:
        core.process.thaw()
    wait_until(lambda: all(fresh(satellite, core) for core in calm.cores), 10 * SLOW, "the cores are checked again")
    time.sleep(2.5)  # two passes more
    assert (satellite.loads(), len(agent.records(LOADED))) == before
    assert satellite.members() == rows
    assert satellite.members("proxysql_servers") == rows


def fresh(satellite, core):
    return satellite.clock_s() - satellite.seen(core.address)["updated_at"] <= 1


def test_a_single_core_restarts(untouched):
    core = untouched.cores[0]
    core.kill()
    time.sleep(FOR_S)
    core.start()
    untouched.publish([core])


def test_all_cores_restart_one_after_the_other(untouched):
    for core in untouched.cores:
        core.restart()
        untouched.publish([core])


def test_one_core_is_frozen(untouched):
    core, agent = untouched.cores[0], untouched.agents[0]
    before = len(agent.records(WEDGED))
    core.process.freeze()
    time.sleep(FOR_S)
    agent.wait_record(WEDGED, before + 1, timeout=5)
    assert [record["core"] for record in agent.records(WEDGED)[before:]] == [core.address]


def test_all_cores_are_stuck(untouched):
    """One in a statement that holds its admin mutex, the others stopped altogether."""
    agent, before = untouched.agents[0], len(untouched.agents[0].records(WEDGED))
    wedge = untouched.cores[0].wedge(3 * FOR_S)  # how long a statement takes is only estimated
    for core in untouched.cores[1:]:
        core.process.freeze()
    wait_until(lambda: len(agent.records(WEDGED)) >= before + len(untouched.cores), 3 * FOR_S, "all are reported")
    wedge.wait()
    reported = agent.records(WEDGED)[before:]
    assert sorted(r["core"] for r in reported) == sorted(core.address for core in untouched.cores)


def test_nobody_is_checked(cluster):
    """cluster_username is empty and the only core is gone: nobody knows, nobody acts."""
    cluster.add_cores(1)
    satellite, = cluster.add_satellites(1, variables={"cluster_username": ""})
    agent = cluster.add_agent(satellite, {"satellite.interval": 1, "satellite.missing_after": 1})
    agent.wait_record(UNCHECKED, timeout=5)
    cluster.lose_cores()
    time.sleep(FOR_S)
    assert satellite.loads() == 1
    assert len(agent.records(UNCHECKED)) == 1
    assert not agent.records(LOADED) and not agent.records("all cores are missing")


@pytest.mark.parametrize("ahead_s", [3600, -3600, 0])
def test_the_wall_clock_is_stepped(untouched, ahead_s):
    agent, before = untouched.agents[0], len(untouched.agents[0].records(STEPPED))
    untouched.satellites[0].clock.set(ahead_s)
    time.sleep(FOR_S / 2)
    assert len(agent.records(STEPPED)) == before + 1


def other_version(node):
    """Another ProxySQL than the one under test; None without one."""
    if not node.real:
        return "3.0.9"
    name = os.environ.get("PROXYSQL_BIN_OTHER")
    return pathlib.Path(name).resolve() if name else None


def test_the_cores_are_rolled_to_another_version(calm):
    """Last: the cores stay what they became. Another version is never checked, so all of them look silent."""
    version = other_version(calm.cores[0])
    if version is None:
        pytest.skip("PROXYSQL_BIN_OTHER names no second ProxySQL")
    satellite, agent = calm.satellites[0], calm.agents[0]
    before = satellite.loads(), len(agent.records(LOADED))
    for core in calm.cores:
        core.version = version
        core.restart()
        calm.publish([core])
    time.sleep(FOR_S)
    assert (satellite.loads(), len(agent.records(LOADED))) == before
    assert {record["core"] for record in agent.records(WEDGED)} == {core.address for core in calm.cores}
