"""What a core's agent makes of pods: exact rows, few LOADs, nothing without a reason."""
import threading
import time

import pytest

from lib.cluster import BOOTSTRAP, LOADED, SLOW, stays
from lib.waiting import wait_until

PASS = ["REPLACE", "DELETE", "LOAD"]
ABSENT_S = 30  # for so long the own pod is missing before that is said
NOT_SELECTED = "the pod of this agent is not among the core pods that core.podselector selects"


def started(cores, *names, **agent_options):
    """Cores that know each other, with an agent beside the first, through a relay."""
    cores.add(names[0])
    for i, name in enumerate(names[1:]):
        cores.pod(name, f"127.9.0.{i + 2}")
    agent = cores.agent(names[0], relayed=True, **agent_options)
    cores.wait_rows(names[0], names[0], **{name: f"127.9.0.{i + 2}" for i, name in enumerate(names[1:])})
    wait_until(lambda: cores.loads(names[0]) == 1, 3 * SLOW, "the first LOAD is logged")
    return agent


def test_bootstrap(cores):
    cores.add("core-a", "core-b", "core-c")
    version = cores.nodes["core-a"].loads()
    cores.agent("core-a", relayed=True)
    cores.wait_rows("core-a", "core-a", "core-b", "core-c")
    assert cores.nodes["core-a"].members("proxysql_servers") == cores.rows("core-a", "core-b", "core-c")
    for name in ("core-b", "core-c"):
        cores.agent(name)
    for name in ("core-b", "core-c"):
        cores.wait_rows(name, "core-a", "core-b", "core-c")
    loads = {name: cores.nodes[name].loads() for name in cores.nodes}
    assert loads["core-a"] == version + 1
    assert cores.written("core-a") == PASS
    stays(lambda: {name: cores.nodes[name].loads() for name in cores.nodes}, 2.5, "LOADs")
    # who pulled the list of another one before its own agent came had nothing to do
    assert all(cores.loads(name) <= 1 for name in cores.nodes), loads


def test_pods_come_and_go(cores):
    started(cores, "core-0", "core-1")
    cores.pod("core-2", "", phase="Pending")
    cores.pod("core-2", "127.9.0.3")
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2", core_2="127.9.0.3")
    cores.pod("other", "127.9.0.9", app="another")
    if cores.kube.real:
        cores.kube.terminate_pod("core-1")
    else:
        cores.pod("core-1", "127.9.0.2", terminating=True)
    cores.wait_rows("core-0", "core-0", core_2="127.9.0.3")
    cores.kube.delete_pod("core-1")
    cores.pod("core-1", "127.9.0.4")  # the same name at another address
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.4", core_2="127.9.0.3")
    cores.kube.delete_pod("core-2")  # without a word before
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.4")
    stays(lambda: cores.loads("core-0"), 1.5, "LOADs")
    assert cores.written("core-0") == cores.loads("core-0") * PASS
    assert cores.loads("core-0") == 5


def test_addresses_of_ipv6(cores):
    cores.add("core-0")
    cores.pod("core-1", "fd00:0:0::0a")
    cores.agent("core-0")
    cores.wait_rows("core-0", "core-0", core_1="fd00::a")
    stays(lambda: cores.loads("core-0"), 1.5, "LOADs")


def test_a_burst_shares_passes(cores):
    started(cores, "core-0")
    time.sleep(1.1)  # the first write paces no more
    burst = {f"core_{n}": f"127.9.1.{n}" for n in range(1, 21)}
    began = time.monotonic()
    for name, address in burst.items():
        cores.pod(name.replace("_", "-"), address)
        time.sleep(0.02)
    took = time.monotonic() - began
    cores.wait_rows("core-0", "core-0", **burst)
    stays(lambda: cores.loads("core-0"), 1.5, "LOADs")
    # one at once, and one for each second that has begun
    assert cores.loads("core-0") - 1 <= 2 + int(took), cores.agents["core-0"].records(LOADED)


def test_satellites_are_accepted_together(cores):
    cores.pod("satellite-old", "127.9.2.100", component="satellite")
    agent = started(cores, "core-0", settings={"core.accept_interval": 3})
    stays(lambda: cores.loads("core-0"), 3.2, "LOADs")  # it was there before; and our own LOAD paces no more
    began = time.monotonic()
    for n in range(20):
        cores.pod(f"satellite-{n}", f"127.9.2.{n + 1}", component="satellite")
        time.sleep(max(0.0, began + (n + 1) * 0.1 - time.monotonic()))
    took = time.monotonic() - began
    agent.wait_record(LOADED, 3, timeout=5)
    for n in range(20):
        cores.kube.delete_pod(f"satellite-{n}")
    stays(lambda: cores.loads("core-0"), 3.2, "LOADs after they left")
    assert cores.loads("core-0") == 3, f"{took:.1f} s: {agent.records(LOADED)}"
    reasons = [record["reason"] for record in agent.records(LOADED)]
    assert reasons[1:] == ["a satellite became Running"] * 2
    assert cores.nodes["core-0"].members() == cores.rows("core-0")


def test_accepting_publishes_the_wanted_rows_only(cores):
    started(cores, "core-0", settings={"core.accept_interval": 1})
    node = cores.nodes["core-0"]
    node.admin(f"INSERT INTO proxysql_servers VALUES ('127.9.0.66', {node.admin_port}, 0, 'by hand')")
    seen, over = [], threading.Event()

    def watch():
        while not over.is_set():
            seen.append(len(node.members()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    cores.pod("satellite-0", "127.9.2.1", component="satellite")
    try:
        cores.agents["core-0"].wait_record(LOADED, 2)
        stays(lambda: cores.loads("core-0"), 1.5, "LOADs")
    finally:
        over.set()
        watcher.join()
    assert set(seen) == {1}
    assert node.members("proxysql_servers") == cores.rows("core-0")


def test_nothing_happens_when_nothing_does(cores):
    """Fifteen seconds, a dozen intervals; a pod that changes in what does not matter is nothing."""
    started(cores, "core-0", "core-1")
    cores.pod("core-1", "127.9.0.2", ready=False)
    version = stays(cores.nodes["core-0"].loads, 15, "LOADs")
    assert cores.written("core-0") == PASS
    assert version == cores.nodes["core-0"].loads()


def test_drift_in_runtime_waits_for_a_fresh_list(fake_cores):
    cores = fake_cores
    started(cores, "core-0", "core-1")
    node, lists = cores.nodes["core-0"], cores.kube.count("list", core=True)
    stays(lambda: cores.kube.count("list", core=True), 1.5, "lists while nothing happens")
    node.publish([("127.9.0.66", "by hand"), (node.address, "core-0")])
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    assert cores.kube.count("list", core=True) == lists + 1
    assert node.members("proxysql_servers") == cores.rows("core-0", core_1="127.9.0.2")
    assert cores.loads("core-0") == 2


def test_drift_without_a_fresh_list_stays(fake_cores):
    cores = fake_cores
    agent = started(cores, "core-0", "core-1")
    node = cores.nodes["core-0"]
    cores.kube.forbidden.add("list")
    node.publish([("127.9.0.66", "by hand")])
    agent.wait_record("reconcile failed; it is tried again with back-off")
    assert cores.written("core-0") == PASS
    cores.kube.forbidden.clear()
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    assert cores.loads("core-0") == 2


def test_foreign_rows_in_memory_go_with_the_next_write(cores):
    started(cores, "core-0")
    node = cores.nodes["core-0"]
    node.admin(f"INSERT INTO proxysql_servers VALUES ('127.9.0.66', {node.admin_port}, 7, 'by hand')")
    stays(lambda: cores.loads("core-0"), 1.5, "LOADs")  # memory decides nothing
    assert len(node.members("proxysql_servers")) == 2
    cores.pod("core-1", "127.9.0.2")
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    assert node.members("proxysql_servers") == cores.rows("core-0", core_1="127.9.0.2")
    assert cores.loads("core-0") == 2


def test_the_own_pod_terminates(cores):
    started(cores, "core-0", "core-1")
    cores.terminate("core-0")
    cores.pod("core-2", "127.9.0.3")
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2", core_2="127.9.0.3")


def test_the_own_pod_is_not_shown_any_more(cores):
    """Deleted by force, while its containers live on."""
    cores.add("core-0")
    cores.agent("core-0", env={"POD_IP": cores.nodes["core-0"].address})
    cores.wait_rows("core-0", "core-0")
    cores.kube.delete_pod("core-0")
    cores.pod("core-1", "127.9.0.2")
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")


@pytest.mark.long
def test_the_own_pod_is_not_among_the_cores(cores):
    """Half a minute later it is said, once, what is wrong; a pod that terminates is still there, and so is its agent."""
    cores.add("core-0", "core-1")
    cores.add("other-component", "no-pod", pods=False)
    cores.run_pod("core-0")
    cores.terminate("core-1")
    cores.pod("other-component", cores.nodes["other-component"].address, component="cores")
    began = time.monotonic()
    agents = {name: cores.agent(name) for name in cores.nodes}

    def told():
        return {name: agent.records_begin(NOT_SELECTED) for name, agent in agents.items()}

    stays(told, began + ABSENT_S - time.monotonic(), "warnings")
    wait_until(lambda: told()["other-component"] and told()["no-pod"], 10 * SLOW, "the warnings", step=0.1)
    stays(told, 5, "warnings")  # as many passes
    for name, warnings in told().items():
        assert len(warnings) == (1 if name in ("other-component", "no-pod") else 0), name
        for warning in warnings:
            assert warning["level"] == "WARN"
            assert [warning[key] for key in ("namespace", "app", "component")] == ["proxysql", "proxysql", "core"]


def test_no_pod_runs(cores):
    """An empty list is never published; the bootstrap row waits for somebody."""
    cores.add("core-0", pods=False)
    cores.pod("core-0", "", phase="Pending")
    agent = cores.agent("core-0", relayed=True)
    agent.wait_record("reconcile failed; it is tried again with back-off")
    assert [host for host, *_ in cores.nodes["core-0"].members()] == [BOOTSTRAP]
    assert cores.written("core-0") == []
    cores.run_pod("core-0")
    cores.wait_rows("core-0", "core-0")
    assert cores.loads("core-0") == 1
