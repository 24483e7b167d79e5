"""Cores that learn of each other without the API server: from DNS and from core.peers."""
import os
import time

import pytest

from lib.cluster import BOOTSTRAP, LOADED, SLOW, Cluster, Hosts, stays
from lib.name_server import NameServer
from lib.relay import Relay
from lib.waiting import wait_until

NO_ANSWER = "DNS does not show the cores, trying again; the members stay as they are"
ANSWERS = "DNS shows the cores"
CAME_BACK = "a row that was removed or corrected has come back"


class Plain:
    """Cores and agents that know addresses alone."""

    def __init__(self, cluster):
        self.cluster, self.relays = cluster, {}

    def add(self, count, **options):
        return self.cluster.add_cores(count, **options)

    def agent(self, node, kind, peers=(), hosts=None, env=None, **settings):
        relay = Relay(node.address.replace(".1.", ".4."), node.admin_port, node)
        self.relays[node.name] = relay
        settings = {"run_mode": "core", "core.interval": 1, "core.discovery": kind, "log.level": "DEBUG",
                    **({"core.peers": list(peers)} if peers else {}),
                    **{key.replace("__", "."): value for key, value in settings.items()}}
        return self.cluster.add_agent(node, settings, hosts=hosts, relay=relay,
                                      env={"POD_IP": node.address, **(env or {})})

    def rows(self, *addresses):
        return sorted((address, str(self.cluster.port), "0", address) for address in addresses)

    def wait_rows(self, node, *addresses, timeout=8.0):
        wanted = self.rows(*addresses)
        wait_until(lambda: node.members() == wanted, timeout * SLOW, f"{node.name} has {wanted}", step=0.05)

    def written(self, node):
        return [text for text in list(self.relays[node.name].statements)
                if not text.upper().startswith(("SELECT", "SHOW"))]

    def close(self):
        self.cluster.close()
        for relay in self.relays.values():
            relay.close()


@pytest.fixture
def plain(namespace, tmp_path):
    made = Plain(Cluster(tmp_path))
    yield made
    made.close()


def loads(*agents):
    return [len(agent.records(LOADED)) for agent in agents]


def test_peers_of_the_settings(plain):
    """Every core's list is the same, comments included, so nothing moves afterwards."""
    nodes = plain.add(3)
    addresses = [node.address for node in nodes]
    agents = [plain.agent(node, "static", [addresses[0], f"{addresses[1]}:{node.admin_port}", addresses[2]])
              for node in nodes]
    for node in nodes:
        plain.wait_rows(node, *addresses)
    wait_until(lambda: len({node.module()[2] for node in nodes}) == 1, 5 * SLOW, "one checksum")
    stays(lambda: [node.loads() for node in nodes], 2, "LOADs")
    assert max(loads(*agents)) == 1  # or none, where cluster sync was sooner
    nodes[1].admin(f"DELETE FROM proxysql_servers WHERE hostname = '{addresses[2]}'")
    nodes[1].admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    for node in nodes:
        plain.wait_rows(node, *addresses)


def test_peers_with_a_port_of_their_own(plain):
    node, = plain.add(1)
    plain.agent(node, "static", [node.address, "127.9.0.2:7032"])
    wanted = sorted([(node.address, str(node.admin_port), "0", node.address), ("127.9.0.2", "7032", "0", "127.9.0.2")])
    wait_until(lambda: node.members() == wanted, 5 * SLOW, "the rows")


def test_lists_that_differ_do_not_fight(plain):
    """The sum of both stays for half a minute at least, and nobody moves meanwhile."""
    nodes = plain.add(2)
    first, second = (node.address for node in nodes)
    agents = [plain.agent(nodes[0], "static", [first, second])]
    plain.wait_rows(nodes[0], first, second)
    time.sleep(1.1)  # epochs are whole seconds
    agents.append(plain.agent(nodes[1], "static", [first, second, "127.9.0.3"]))
    for node in nodes:
        plain.wait_rows(node, first, second, "127.9.0.3")
    stays(lambda: loads(*agents), 5, "LOADs")
    assert sum(loads(*agents)) <= 3


def test_a_core_that_is_not_among_the_peers_keeps_its_row(plain):
    node, = plain.add(1)
    node.publish([(node.address, "by hand")])
    plain.agent(node, "static", ["127.9.0.2", "127.9.0.3"])
    wanted = sorted([*plain.rows("127.9.0.2", "127.9.0.3"), (node.address, str(node.admin_port), "0", "by hand")])
    wait_until(lambda: node.members() == wanted, 5 * SLOW, "the rows")


def test_addresses_behind_a_name(plain):
    """A core joins as soon as DNS has it; one that DNS has no more goes late."""
    nodes = plain.add(2)
    addresses = [node.address for node in nodes]
    agents = [plain.agent(node, "dns", core__bootstrap_hostname=BOOTSTRAP) for node in nodes]
    for node in nodes:
        plain.wait_rows(node, *addresses)
    plain.cluster.hosts.resolve_to(*addresses, "127.9.0.3")
    for node in nodes:
        plain.wait_rows(node, *addresses, "127.9.0.3")
    plain.cluster.hosts.resolve_to(*addresses)
    before = loads(*agents)
    stays(lambda: [node.members() for node in nodes], 5, "rows")
    assert loads(*agents) == before


def test_the_own_address_is_always_a_member(plain):
    """DNS does not have it yet: it is not ready, and names of services leave those out."""
    nodes = plain.add(2)
    plain.cluster.hosts.resolve_to(nodes[0].address)
    for node in nodes:
        plain.agent(node, "dns")
    plain.wait_rows(nodes[1], nodes[0].address, nodes[1].address)


@pytest.fixture
def name_server(plain):
    """A name server that only the agents ask, for names that their hosts file does not have."""
    try:
        server = NameServer(f"127.{64 + os.getpid() % 128}.5.1")
    except PermissionError as error:
        pytest.skip(f"port 53: {error}")
    yield server
    server.close()


def test_no_answer_is_no_reason_to_write(plain, name_server):
    nodes = plain.add(2)
    addresses = [node.address for node in nodes]
    name_server.resolve_to(*addresses)
    hosts = Hosts(plain.cluster.folder / "hosts-dns", name_server.address)
    hosts.resolve_to()
    reason = hosts.why_not()
    if reason:
        pytest.skip(reason)
    agents = [plain.agent(node, "dns", hosts=hosts, core__bootstrap_hostname="cores.test") for node in nodes]
    for count, says in enumerate(["servfail", "silence", "nodata", "refused"], 1):
        for node, agent in zip(nodes, agents):
            plain.wait_rows(node, *addresses, timeout=15)
            agent.wait_record(ANSWERS, count, timeout=15)  # its rows may have come from the other core
        name_server.says = says
        for agent in agents:
            agent.wait_record(NO_ANSWER, count, timeout=15)
        before = [len(plain.written(node)) for node in nodes]
        nodes[0].publish([(addresses[0], f"by hand, {says}")])
        stays(lambda: [len(plain.written(node)) for node in nodes], 2, f"statements ({says})")
        assert [len(plain.written(node)) for node in nodes] == before
        name_server.resolve_to(*addresses)


def test_a_name_that_does_not_exist_is_an_answer(plain, name_server):
    """Nobody but this core: the others' rows go, as late as if DNS had named others."""
    node, = plain.add(1)
    name_server.resolve_to(node.address, "127.9.0.2")
    hosts = Hosts(plain.cluster.folder / "hosts-dns", name_server.address)
    hosts.resolve_to()
    agent = plain.agent(node, "dns", hosts=hosts, core__interval=5, core__bootstrap_hostname="cores.test")
    plain.wait_rows(node, node.address, "127.9.0.2")
    name_server.says = "nxdomain"
    stays(node.members, 28, "rows")
    plain.wait_rows(node, node.address, timeout=20)
    assert not agent.records(NO_ANSWER)
    assert not any(record["msg"].startswith(CAME_BACK) for record in agent.records())
    assert loads(agent) == [2]
