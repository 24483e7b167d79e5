"""What a satellite's agent writes: the file's list once, nothing without one, copies, and nothing while it drains."""
import signal
import time

import pytest

from lib.cluster import BOOTSTRAP, LOADED, SLOW, stays
from lib.relay import Relay
from lib.waiting import wait_until

NO_LIST = "all cores are missing, but the configuration file of ProxySQL has no proxysql_servers: nothing is " \
          "published; add the cores' service there"
QUICK = {"satellite.interval": 1, "satellite.missing_after": 1}
DRAINS = {"shutdown.drain_on_signal": True, "shutdown.pause_delay": 0}
COPIED = "the member list was copied from a core"


def written(relay):
    """The statements about the list that are no questions."""
    return [text for text in relay.statements if "PROXYSQL" in text.upper() and "SERVERS" in text.upper()
            and not text.startswith("SELECT")]


@pytest.fixture
def relayed(cluster):
    """relayed(satellite): a relay before that satellite, at the same port of another address."""
    relays = []

    def make(satellite):
        relays.append(Relay(satellite.address.replace(".2.", ".3."), satellite.admin_port, satellite))
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()


def lost(cluster, **options):
    """A satellite that had a core, which then went away."""
    core, = cluster.add_cores(1)
    satellite, = cluster.add_satellites(1, **options)
    cluster.publish()
    cluster.wait_settled()
    core.kill()
    cluster.cores = []
    cluster.hosts.resolve_to()
    return satellite


def test_the_files_list_is_loaded_once(cluster, relayed):
    satellite = lost(cluster)
    relay = relayed(satellite)
    agent = cluster.add_agent(satellite, QUICK, relay=relay)
    agent.wait_record(LOADED, timeout=15)
    assert [host for host, *_ in satellite.members()] == [BOOTSTRAP]
    stays(satellite.loads, 4, "LOADs")
    assert written(relay) == ["DELETE FROM proxysql_servers", "LOAD PROXYSQL SERVERS FROM CONFIG",
                              "LOAD PROXYSQL SERVERS TO RUNTIME"]
    assert len(agent.records("all cores are missing")) == 1


def test_a_file_without_a_list_publishes_nothing(cluster, relayed):
    core, = cluster.add_cores(1)
    satellite, = cluster.add_satellites(1, peers=None)
    cluster.publish()
    satellite.publish(cluster.wanted())
    cluster.wait_settled()
    rows, loads = satellite.members(), satellite.loads()
    core.kill()
    cluster.hosts.resolve_to()
    relay = relayed(satellite)
    agent = cluster.add_agent(satellite, QUICK, relay=relay)
    agent.wait_record(NO_LIST, timeout=15)
    time.sleep(3)
    assert (satellite.members(), satellite.loads()) == (rows, loads)
    assert satellite.members("proxysql_servers") == rows  # memory is what runtime is
    assert written(relay) == ["DELETE FROM proxysql_servers", "LOAD PROXYSQL SERVERS FROM CONFIG",
                              "SAVE PROXYSQL SERVERS FROM RUNTIME"]
    assert len(agent.records(NO_LIST)) == 1


def test_a_file_that_went_away_leaves_memory_as_it_was(cluster, relayed):
    satellite = lost(cluster)
    rows, loads = satellite.members(), satellite.loads()
    (satellite.folder / "proxysql.cnf").unlink()
    relay = relayed(satellite)
    agent = cluster.add_agent(satellite, QUICK, relay=relay)
    agent.wait_record("resync failed; it is tried again with back-off", timeout=15)
    wait_until(lambda: written(relay)[-1] == "SAVE PROXYSQL SERVERS FROM RUNTIME", 5 * SLOW, "memory is restored")
    stays(lambda: len(written(relay)), 3, "the statements")
    assert (satellite.members(), satellite.members("proxysql_servers"), satellite.loads()) == (rows, rows, loads)


def test_the_addresses_of_the_bootstrap_name_are_asked(cluster):
    """The file names a core that is gone; the service has two, whose lists differ from each other."""
    satellite, = cluster.add_satellites(1, peers=[(f"127.0.9.{n}", "gone") for n in (1, 2)])
    agent = cluster.add_agent(satellite, QUICK)
    agent.wait_record(LOADED, timeout=15)
    one, other = cluster.add_cores(2, peers=None)
    one.publish([("127.0.9.3", "nobody")])
    other.publish([("127.0.9.4", "nobody either")])
    agent.wait_record(COPIED, timeout=10)
    loads = satellite.loads()
    time.sleep(6)  # both lists name nobody who answers, so the name is asked in each pass
    assert satellite.loads() - loads <= 1


HELD = {"reading": "runtime_proxysql_servers", "emptying": "DELETE FROM proxysql_servers",
        "reading the file": "LOAD PROXYSQL SERVERS FROM CONFIG"}


def check_stops(agent, held, relay, number):
    """A signal while the answer is held: the job gets its answer, and sends nothing more about the list."""
    assert held.asked.wait(15 * SLOW)
    before = written(relay)
    agent.process.signal(number)
    agent.wait_record("draining: not ready any more")
    held.release.set()
    assert agent.process.wait(20 * SLOW) == 0, agent.process.log()[-3000:]
    assert written(relay) == before
    return before


@pytest.mark.parametrize("doing, count", [("reading", 0), ("emptying", 1), ("reading the file", 2)])
def test_a_drain_between_two_statements_of_a_reload(cluster, relayed, doing, count):
    satellite, = cluster.add_satellites(1, peers=None)  # knows nobody: the first pass reloads
    relay = relayed(satellite)
    held = relay.hold(HELD[doing])
    agent = cluster.add_agent(satellite, {"health.sync_gate_timeout": 0, **DRAINS}, relay=relay)
    assert len(check_stops(agent, held, relay, signal.SIGTERM)) == count


@pytest.mark.parametrize("text, count", [("REPLACE INTO", 1), ("NOT IN", 2)])
def test_a_stop_between_two_statements_of_a_copy(cluster, relayed, text, count):
    """The core's list cannot be pulled: it was loaded before the satellite's."""
    core, = cluster.add_cores(1)
    cluster.publish()
    time.sleep(1.1)  # epochs are whole seconds
    satellite, = cluster.add_satellites(1)
    satellite.publish([(core.address, "another comment")])
    relay = relayed(satellite)
    held = relay.hold(text)
    agent = cluster.add_agent(satellite, {**QUICK, **DRAINS}, relay=relay)
    assert len(check_stops(agent, held, relay, signal.SIGINT)) == count


def test_a_core_that_comes_back_alone_is_followed(cluster):
    """Its list is loaded before ours, so sync cannot pull it; and the next change on it is pulled again."""
    core, = cluster.add_cores(1)
    cluster.publish()
    time.sleep(1.1)
    satellite, = cluster.add_satellites(1)
    satellite.publish([(core.address, "another comment")])
    agent = cluster.add_agent(satellite, QUICK)
    cluster.wait_settled()
    assert len(agent.records(COPIED)) == 1
    time.sleep(1.1)
    core.publish([(core.address, core.name), ("127.0.9.9", "new")])
    cluster.wait_settled()
    stays(satellite.loads, 2, "LOADs")
    assert len(agent.records(COPIED)) == 1
