"""All cores come back under other addresses: every satellite ends with their list, and then nothing moves."""
import os
import time

import pytest

from lib.cluster import LOADED, stays
from lib.waiting import wait_until

INTERVAL_S = 3
# by hand: 60
STILL_S = float(os.environ.get("SATELLITE_STILL_S", "5"))


@pytest.fixture
def three(cluster):
    """Three cores, three satellites: a usual one, one 30 s ahead, and one whose DNS tells one core."""
    cluster.add_cores(3)
    narrow = cluster.other_hosts("narrow")
    narrow.resolve_to(cluster.cores[0].address)
    cluster.add_satellites(1)
    cluster.add_satellites(1, ahead_s=30)
    cluster.add_satellites(1, hosts=narrow)
    cluster.publish()
    cluster.wait_settled()
    for satellite in cluster.satellites:
        cluster.add_agent(satellite, {"satellite.interval": INTERVAL_S})
    return cluster


def replace_cores(cluster):
    cluster.lose_cores()
    new = cluster.add_cores(3)
    cluster.satellites[2].hosts.resolve_to(new[1].address)


def wait_resynced(cluster):
    for agent in cluster.agents:
        agent.wait_record("all cores are missing", timeout=15)
        agent.wait_record(LOADED, timeout=5)


def check_ends_well(cluster, since):
    cluster.wait_settled(3 * INTERVAL_S)
    took = time.monotonic() - since
    rows = cluster.cores[0].members()
    assert [comment for *_, comment in rows] == [core.name for core in cluster.cores]
    loads = stays(lambda: [satellite.loads() for satellite in cluster.satellites], STILL_S, "LOADs")
    assert cluster.settled()
    print(f"settled after {took:.1f} s, LOADs {loads}, by the agents:",
          [len(agent.records(LOADED)) for agent in cluster.agents])


def test_the_new_cores_loaded_their_lists_before_the_resync(three):
    replace_cores(three)
    three.publish()
    wait_resynced(three)
    check_ends_well(three, time.monotonic())


def test_the_new_cores_load_their_lists_after_the_resync(three):
    replace_cores(three)
    wait_resynced(three)
    wait_until(lambda: all(s.loads() > 2 for s in three.satellites), what="the satellites loaded their lists")
    time.sleep(1.1)  # epochs are whole seconds
    three.publish()
    check_ends_well(three, time.monotonic())
