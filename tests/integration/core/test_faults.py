"""A core's agent when ProxySQL, the API server or the agent itself goes away in the middle."""
import signal
import time

import pytest

from lib.cluster import BOOTSTRAP, SLOW, stays
from lib.kube import FakeKube
from lib.stuck import wedged
from lib.waiting import wait_until

FAILED = "reconcile failed; it is tried again with back-off"
API_LOST = "the API server does not show the pods, trying again"
PASS = ["REPLACE", "DELETE", "LOAD"]
STEPS = [("REPLACE INTO", 1), ("NOT IN", 2), ("LOAD PROXYSQL SERVERS TO RUNTIME", 3)]


def test_proxysql_restarts_with_an_empty_disk(cores):
    cores.add("core-0")
    cores.pod("core-1", "127.9.0.2")
    cores.agent("core-0")
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    node = cores.nodes["core-0"]
    node.restart()
    version = node.loads()
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    stays(lambda: cores.loads("core-0"), 1.5, "LOADs")
    assert cores.loads("core-0") == 2
    assert node.loads() - version <= 1


def test_the_agent_before_proxysql(cores):
    node = cores.add("core-0")
    node.stop()
    agent = cores.agent("core-0")
    agent.wait_record("pods listed")
    node.launch()
    node.wait_answers()
    cores.wait_rows("core-0", "core-0")
    assert cores.loads("core-0") == 1


def test_an_old_event_explains_nothing(fake_cores):
    """The watch died without a word while ProxySQL was away: what the view says is not acted on without a list."""
    cores = fake_cores
    node = cores.add("core-0")
    node.stop()
    cores.pod("core-1", "127.9.0.2")
    cores.kube.fault("silent", verb="watch", core=True)
    cores.agent("core-0")
    wait_until(lambda: cores.kube.count("watch", core=True) == 1, 5 * SLOW, "the watch")
    cores.kube.delete_pod("core-1")
    cores.pod("core-2", "127.9.0.3")
    time.sleep(5.5)
    node.launch()
    node.wait_answers()
    cores.wait_rows("core-0", "core-0", core_2="127.9.0.3")
    assert cores.loads("core-0") == 1


def test_the_api_server_is_away_while_a_pod_goes(fake_cores):
    cores = fake_cores
    cores.add("core-0")
    cores.pod("core-1", "127.9.0.2")
    agent = cores.agent("core-0", relayed=True)
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    wait_until(lambda: cores.kube.count("watch", core=True) == 1, 5 * SLOW, "the watch")
    cores.kube.down()
    cores.kube.delete_pod("core-1")
    stays(lambda: cores.written("core-0"), 2, "statements while the API server is away")
    cores.nodes["core-0"].publish([("127.9.0.66", "by hand")])
    agent.wait_record(FAILED, timeout=8)
    assert cores.written("core-0") == PASS
    cores.kube.up()
    cores.wait_rows("core-0", "core-0", timeout=15)
    assert cores.written("core-0") == 2 * PASS


def test_a_core_that_is_cut_from_the_api_does_not_fight(fake_cores, tmp_path_factory):
    """Another core is replaced meanwhile: the cut one's list follows by cluster sync, and its agent says nothing."""
    cores = fake_cores
    other_kube = FakeKube(tmp_path_factory.mktemp("kube"))
    cores.add("core-0", "core-1", "core-2")
    for name, node in cores.nodes.items():
        other_kube.put_pod(name, "core", node.address)
    other = {"kubernetes.api_server": other_kube.url, "kubernetes.token_file": str(other_kube.token_file)}
    cores.agent("core-0")
    cores.agent("core-1", relayed=True, settings=other)
    for name in ("core-0", "core-1"):
        cores.wait_rows(name, "core-0", "core-1", "core-2")
    wait_until(lambda: other_kube.count("watch", core=True) == 1, 5 * SLOW, "the watch")
    other_kube.down()
    before = cores.written("core-1")
    time.sleep(1.1)  # epochs are whole seconds
    cores.nodes["core-2"].kill()
    cores.kube.delete_pod("core-2")
    cores.pod("core-2", "127.9.0.3")
    for name in ("core-0", "core-1"):
        cores.wait_rows(name, "core-0", "core-1", core_2="127.9.0.3", timeout=15)
    stays(lambda: [cores.nodes[name].loads() for name in ("core-0", "core-1")], 3, "LOADs")
    other_kube.delete_pod("core-2")
    other_kube.put_pod("core-2", "core", "127.9.0.3")
    other_kube.up()
    stays(lambda: [cores.nodes[name].loads() for name in ("core-0", "core-1")], 2, "LOADs")
    assert cores.written("core-1") == before
    other_kube.close()


@pytest.mark.parametrize("text, count", STEPS)
def test_the_agent_is_killed_between_two_statements(cores, text, count):
    node = cores.add("core-0")
    node.admin(f"INSERT INTO proxysql_servers VALUES ('127.9.0.66', {node.admin_port}, 0, 'by hand')")
    cores.pod("core-1", "127.9.0.2")
    version = node.loads()
    held = cores.relay("core-0").hold(text)
    cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    cores.kill("core-0")
    assert cores.written("core-0") == PASS[:count]
    held.release.set()
    cores.agent("core-0", relayed=True)
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2")
    stays(node.loads, 1.5, "LOADs")
    assert node.loads() == version + 1
    assert node.members("proxysql_servers") == cores.rows("core-0", core_1="127.9.0.2")


@pytest.mark.parametrize("text, count", [("runtime_proxysql_servers", 0), *STEPS])
def test_draining_between_two_statements(cores, text, count):
    """The statement that is under way gets its answer; none that changes anything begins any more."""
    cores.add("core-0")
    held = cores.relay("core-0").hold(text)
    agent = cores.agent("core-0", {"shutdown.drain_on_signal": True, "shutdown.pause_delay": 0}, relayed=True)
    assert held.asked.wait(10 * SLOW)
    agent.process.signal(signal.SIGTERM)
    agent.wait_record("draining: not ready any more")
    held.release.set()
    assert agent.process.wait(20 * SLOW) == 0, agent.process.log()[-3000:]
    assert cores.written("core-0") == PASS[:count]


def test_draining_while_a_list_is_waited_for(fake_cores):
    cores = fake_cores
    cores.add("core-0")
    agent = cores.agent("core-0", relayed=True)
    cores.wait_rows("core-0", "core-0")
    lists = cores.kube.count("list", core=True)
    cores.kube.fault("hang", verb="list", core=True)
    cores.nodes["core-0"].publish([(BOOTSTRAP, BOOTSTRAP)])
    wait_until(lambda: cores.kube.count("list", core=True) > lists, 5 * SLOW, "a list is asked for")
    assert agent.stop() < 3 * SLOW
    assert cores.written("core-0") == PASS


def test_a_write_whose_fate_is_not_known(cores):
    """ProxySQL is wedged when the LOAD comes: nothing is written until the LOAD has its answer."""
    node = cores.add("core-0")
    node.loops_per_second()  # known before the answer is held
    held = cores.relay("core-0").hold("NOT IN")
    agent = cores.agent("core-0", {"proxysql.query_timeout_ms": 1000 * SLOW}, relayed=True)
    assert held.asked.wait(10 * SLOW)
    wait_until(lambda: node.members("proxysql_servers") == cores.rows("core-0"), what="memory")  # it was executed
    with wedged(node):
        held.release.set()
        agent.wait_record(FAILED)
        cores.pod("core-1", "127.9.0.2")
        time.sleep(1.5)
        assert cores.written("core-0") == PASS
    cores.wait_rows("core-0", "core-0", core_1="127.9.0.2", timeout=15)
    stays(lambda: len(cores.written("core-0")), 1.5, "statements")
    assert cores.written("core-0") == 2 * PASS
    statements = cores.statements("core-0")
    after = statements[statements.index("LOAD PROXYSQL SERVERS TO RUNTIME") + 1:]
    read = next(i for i, text in enumerate(after) if "FROM runtime_proxysql_servers" in text)
    assert read < next(i for i, text in enumerate(after) if text.startswith("REPLACE"))


def test_a_role_without_the_verbs(cores):
    cores.add("core-0")
    if cores.kube.real:
        cores.kube.token_file.write_text(cores.kube.tokens["nobody"])
    else:
        cores.kube.forbidden |= {"list", "watch"}
    agent = cores.agent("core-0", relayed=True)
    error = agent.wait_record(API_LOST)["error"]
    assert "403" in error and "Role" in error and '"get", "list", "watch"' in error and "proxysql" in error
    time.sleep(2)
    assert len(agent.records(API_LOST)) == 1
    assert cores.written("core-0") == []
    assert agent.ready().status == 200


def test_a_token_that_is_not_accepted(cores):
    cores.add("core-0")
    cores.kube.token_file.write_text("nobody's-secret")
    agent = cores.agent("core-0")
    error = agent.wait_record(API_LOST)["error"]
    assert "401" in error and str(cores.kube.token_file) in error
    assert "nobody's-secret" not in agent.process.log()
