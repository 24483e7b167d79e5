"""Clusters of cores and satellites, with their agents, through what happens to them in Kubernetes.

After the last event every node has exactly the living cores in its list and the newest configuration, and nothing moves
any more. SCENARIO_LENGTH=full: all of them, for as long as is promised (60 s; an API server is away for 20 s, one agent
is cut from it for two minutes, nothing happens for half an hour); without it for some seconds, and those marked long not
at all.
"""
import time
from urllib.parse import urlsplit

import pytest

from lib.cluster import FULL_LENGTH, LOADED, SLOW, stays
from lib.forward import Forward
from lib.waiting import wait_until

STILL_S = 60 if FULL_LENGTH else 1.5
AWAY_S = 20 if FULL_LENGTH else 4
CUT_S = 120 if FULL_LENGTH else 8
NOTHING_S = 1800 if FULL_LENGTH else 10
SETTLES_S = 30
QUIET_S = 5 if FULL_LENGTH else 2
MODULES = ("proxysql_servers", "mysql_users", "mysql_servers_v2", "mysql_query_rules", "mysql_variables",
           "admin_variables")


def users(node):
    return sorted({name for name, in node.admin("SELECT username FROM runtime_mysql_users")})


def everything(cores):
    """Version, epoch and checksum of every module of every node."""
    nodes = {**cores.nodes, **cores.satellites}
    return {name: [node.module(module) for module in MODULES] for name, node in nodes.items()}


def wait_settled(cores, accounts, still_s=STILL_S):
    """Every node ends with the living cores and these users, and then nothing moves."""
    wanted = cores.rows(*cores.nodes)
    nodes = {**cores.nodes, **cores.satellites}

    def look():
        return {name: (node.members() == wanted, users(node)) for name, node in nodes.items()}

    good = dict.fromkeys(nodes, (True, sorted(accounts)))
    try:
        wait_until(lambda: look() == good, SETTLES_S * SLOW, "the cluster", step=0.1)
    except AssertionError:
        logs = "\n".join(agent.process.log()[-1500:] for agent in cores.agents.values())
        raise AssertionError(f"{look()}\n{wanted}\n{logs}") from None
    wait_quiet(cores)
    stays(lambda: everything(cores), still_s, "modules")
    assert look() == good
    return time.monotonic()


def wait_quiet(cores):
    """Cluster sync takes some checks."""
    seen, since = None, time.monotonic()
    until = since + SETTLES_S * SLOW
    while time.monotonic() - since < QUIET_S:
        assert time.monotonic() < until, f"it does not come to rest: {everything(cores)}"
        if (now := everything(cores)) != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.25)


def start(cores, count=3, satellites=0, accept_interval=1):
    """Cores, and satellites that are accepted at once."""
    names = [f"core-{i}" for i in range(count)]
    cores.add(*names)
    for name in names:
        cores.agent(name, {"core.accept_interval": accept_interval})
    for i in range(satellites):
        cores.satellite(f"satellite-{i}")
    return names


def test_bootstrap_with_satellites(cores):
    names = start(cores, satellites=2)
    wait_settled(cores, ["app"])
    for name in names:
        assert cores.loads(name) <= 3  # its own list, and the satellites that came
    for agent in cores.satellite_agents.values():
        assert agent.records(LOADED) == []
        agent.wait_ready()


@pytest.mark.long
def test_one_core_is_replaced(cores):
    start(cores, satellites=1)
    wait_settled(cores, ["app"], 0)
    cores.replace("core-1")
    wait_settled(cores, ["app"])


@pytest.mark.long
def test_all_cores_are_replaced_at_once(cores):
    names = start(cores, 2, satellites=1)
    wait_settled(cores, ["app"], 0)
    for name in names:
        cores.lose(name)
    for name in names:
        cores.replace(name, accounts=["new"])
    wait_settled(cores, ["new"])


@pytest.mark.long
def test_the_api_server_is_away_while_a_core_dies(cores):
    start(cores)
    wait_settled(cores, ["app"], 0)
    cores.nodes["core-2"].kill()
    cores.kill("core-2")
    cores.kube.down()
    try:
        before = {name: cores.nodes[name].loads() for name in ("core-0", "core-1")}
        stays(lambda: {name: cores.nodes[name].loads() for name in before}, AWAY_S, "LOADs while nobody is asked")
    finally:
        cores.kube.up()
    cores.kube.delete_pod("core-2")
    del cores.nodes["core-2"]
    wait_settled(cores, ["app"])


def test_one_core_is_cut_from_the_api_server(cores):
    """Meanwhile another is replaced: the cut one's agent says nothing at all, its list follows by cluster sync."""
    cores.add("core-0", "core-1", "core-2")
    way = Forward(urlsplit(cores.kube.url).port)
    cut_url = cores.kube.url.rpartition(":")[0] + f":{way.port}"
    for name in ("core-0", "core-2"):
        cores.agent(name)
    cores.agent("core-1", {"kubernetes.api_server": cut_url}, relayed=True)
    wait_settled(cores, ["app"], 0)
    before = cores.changes("core-1")
    way.cut()
    began = time.monotonic()
    cores.replace("core-2")
    wait_settled(cores, ["app"], 0)
    stays(lambda: everything(cores), max(1.0, CUT_S - (time.monotonic() - began)), "modules while it is cut")
    assert cores.changes("core-1") == before
    way.mend()
    wait_settled(cores, ["app"])
    assert cores.changes("core-1") == before
    way.close()


def test_the_configuration_is_rolled_out_and_a_member_is_deleted(cores):
    """Cores are replaced one by one by such with another configuration; one goes for a while in the middle."""
    start(cores, satellites=1)
    wait_settled(cores, ["app"], 0)
    new = {"accounts": ["app", "new"]}
    cores.replace("core-2", **new)
    wait_until(lambda: all("new" in users(node) for node in cores.nodes.values()), SETTLES_S * SLOW, "the new users")
    cores.lose("core-1")
    wait_settled(cores, ["app", "new"], 0)
    cores.replace("core-1", **new)
    cores.replace("core-0", **new)
    wait_settled(cores, ["app", "new"])


@pytest.mark.parametrize("marker", ["accounts", pytest.param("servers", marks=pytest.mark.long)])
def test_an_old_cores_agent_is_restarted_during_a_rollout(cores, marker):
    """Its ProxySQL still has the old file and the new configuration: nothing is loaded."""
    start(cores)
    wait_settled(cores, ["app"], 0)
    new = {"accounts": ["app", "new"]} if marker == "accounts" else {"servers": ["127.0.0.11", "127.0.0.12"]}
    accounts = new.get("accounts", ["app"])
    cores.replace("core-2", **new)
    wait_settled(cores, accounts, 0)
    before = everything(cores)
    cores.agents["core-0"].process.kill()
    agent = cores.agent_again("core-0", relayed=True)
    agent.wait_record("the admin interface answers")
    stays(lambda: everything(cores), 2 + STILL_S, "modules")
    assert everything(cores) == before
    assert cores.changes("core-0") == []
    if marker == "servers":
        assert len(cores.nodes["core-0"].admin("SELECT hostname FROM runtime_mysql_servers")) == 2


def test_a_list_is_pulled_in_the_middle_of_a_pass(cores):
    """Memory is what it should be when a peer's list takes its place, and that is loaded: it is noticed and mended."""
    cores.add("core-0")
    other, = cores.cluster.add_cores(1)
    node = cores.nodes["core-0"]
    cores.pod("core-1", other.address)
    mine = [(node.address, "core-0"), (other.address, "core-1")]
    for one in (node, other):
        one.publish([*mine, ("127.9.0.66", "gone")])
    wait_until(lambda: node.agrees_with(other), 15 * SLOW, "they know each other")
    held = cores.relay("core-0").hold("DELETE FROM proxysql_servers")
    cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    time.sleep(1.1)  # epochs are whole seconds
    other.publish([*mine, ("127.9.0.67", "another")])
    wait_until(lambda: "127.9.0.67" in [host for host, *_ in node.members()], 15 * SLOW, "a pull")
    time.sleep(1.1)
    held.release.set()
    cores.wait_rows("core-0", "core-0", core_1=other.address, timeout=10)
    assert node.members("proxysql_servers") == node.members()
    wait_until(lambda: other.members() == node.members(), 15 * SLOW, "the peer pulls")
    stays(lambda: [one.loads() for one in (node, other)], STILL_S, "LOADs")


@pytest.mark.long
def test_twenty_satellites_join_and_leave_three_cores(cores):
    start(cores, accept_interval=5)
    wait_settled(cores, ["app"], 0)
    time.sleep(5.2)  # core.accept_interval: the lists' own LOADs pace no more
    before = {name: cores.loads(name) for name in cores.nodes}
    began = time.monotonic()
    for n in range(20):
        cores.pod(f"satellite-{n}", f"127.9.2.{n + 1}", component="satellite")
        time.sleep(max(0.0, began + (n + 1) * 0.1 - time.monotonic()))
    took = time.monotonic() - began
    wait_until(lambda: all(cores.loads(name) > before[name] for name in before), 5 * SLOW, "they are accepted")
    time.sleep(5.5)  # and whoever came later
    joined = {name: cores.loads(name) for name in before}
    assert all(joined[name] - before[name] <= 2 for name in before), f"{took:.1f} s: {before} {joined}"
    for n in range(20):
        cores.kube.delete_pod(f"satellite-{n}")
    stays(lambda: {name: cores.loads(name) for name in before}, 6, "LOADs after they left")


@pytest.mark.long
def test_nothing_happens_for_half_an_hour(cores):
    names = [f"core-{i}" for i in range(3)]
    cores.add(*names)
    for name in names:
        cores.agent(name, {"core.interval": 10, "core.accept_interval": 1}, relayed=True)
    for i in range(2):
        cores.satellite(f"satellite-{i}")
    wait_settled(cores, ["app"], 20)  # for so long peers are looked at after a stamp
    before = {name: (cores.changes(name), len(cores.statements(name))) for name in names}
    stays(lambda: everything(cores), NOTHING_S, "modules")
    for name in names:
        assert cores.changes(name) == before[name][0]
    for agent in cores.satellite_agents.values():
        assert agent.records(LOADED) == []
    idle = {name: (len(cores.statements(name)) - before[name][1]) / (NOTHING_S / 60) for name in names}
    print(f"statements a minute: {idle}")
    assert max(idle.values()) < 60
