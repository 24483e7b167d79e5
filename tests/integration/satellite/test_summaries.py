"""What `proxysql-agentctl resync` tells its user: what was done, or why nothing was."""
import time

from lib.cluster import BOOTSTRAP, SLOW
from lib.control import Control

BY_HAND = {"satellite.interval": 3600, "satellite.missing_after": 1}
REAL_TIME_S = 20


def ask_until(agent, beginning):
    """Passes one right behind the other until one tells this: all that was told, each once."""
    agent.wait_record("control socket")
    client, told = Control(agent.socket, timeout=10 * SLOW), []
    end = time.monotonic() + REAL_TIME_S * SLOW
    while time.monotonic() < end:
        said = client.call("resync").get("result", {}).get("summary", "")
        if said not in told:
            told.append(said)
        if said.startswith(beginning):
            return told
    raise AssertionError(f"{beginning!r} was never told, but {told}")


def test_nothing_to_do(cluster):
    core, = cluster.add_cores(1)
    satellite, = cluster.add_satellites(1)
    cluster.publish()
    cluster.wait_settled()
    agent = cluster.add_agent(satellite, BY_HAND)
    assert ask_until(agent, "nothing to do: 1 members, the same as")[-1].endswith(f" core {core.address}")


def test_a_list_that_cannot_be_pulled_is_copied(cluster):
    core, = cluster.add_cores(1)
    cluster.publish()
    time.sleep(1.1)  # epochs are whole seconds
    satellite, = cluster.add_satellites(1)
    satellite.publish([(core.address, "another comment")])
    agent = cluster.add_agent(satellite, BY_HAND)
    assert ask_until(agent, "proxysql_servers copied from core")[-1] == (
        f"proxysql_servers copied from core {core.address} and loaded: 1 members")


def lost(cluster, **options):
    """The agent of a satellite whose only core has just gone away."""
    core, = cluster.add_cores(1)
    satellite, = cluster.add_satellites(1, **options)
    cluster.publish()
    satellite.publish(cluster.wanted())
    cluster.wait_settled()
    agent = cluster.add_agent(satellite, BY_HAND)
    ask_until(agent, "nothing to do")
    core.kill()
    cluster.hosts.resolve_to()
    return agent


def test_the_list_of_the_file(cluster):
    agent = lost(cluster)
    told = ask_until(agent, "all 1 cores are missing: ")[-1]
    assert told.endswith("proxysql_servers loaded from ProxySQL's configuration file, 1 rows"), told
    assert [host for host, *_ in cluster.satellites[0].members()] == [BOOTSTRAP]
    assert ask_until(agent, "all 1 cores are missing; ProxySQL's configuration file is loaded again in ")


def test_a_file_without_a_list(cluster):
    agent = lost(cluster, peers=None)
    assert ask_until(agent, "all 1 cores are missing, and")[-1].endswith("no proxysql_servers: nothing was loaded")


def test_nobody_is_checked(cluster):
    cluster.add_cores(1)
    satellite, = cluster.add_satellites(1, variables={"cluster_username": ""})
    agent = cluster.add_agent(satellite, BY_HAND)
    assert ask_until(agent, "nothing done: admin-cluster_username is empty")
