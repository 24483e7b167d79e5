"""Cores with agents and an API server that shows their pods."""
import signal
import time

import pytest

from lib.cluster import FULL_LENGTH, LOADED, SLOW, Cluster
from lib.kube import real_kubernetes
from lib.relay import Relay
from lib.waiting import wait_until


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if item.get_closest_marker("long") and not FULL_LENGTH]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


class Cores:
    """Nodes, their agents and their pods, by name."""

    def __init__(self, cluster, kube):
        self.cluster, self.kube = cluster, kube
        self.nodes, self.agents, self.relays = {}, {}, {}
        self.satellites, self.satellite_agents = {}, {}

    # --- nodes and pods

    def add(self, *names, pods=True, **options):
        """Start nodes; their pods run from the beginning unless told otherwise."""
        nodes = self.cluster.add_cores(len(names), **options)
        for name, node in zip(names, nodes):
            node.name = name
            self.nodes[name] = node
            if pods:
                self.run_pod(name)
        return nodes[0] if len(nodes) == 1 else nodes

    def run_pod(self, name, **options):
        self.kube.put_pod(name, "core", self.nodes[name].address, **options)

    def terminate(self, name):
        """A graceful deletion has begun: the pod stays, terminating."""
        if self.kube.real:
            self.kube.terminate_pod(name)
        else:
            self.kube.put_pod(name, "core", self.nodes[name].address, terminating=True)

    def pod(self, name, ip, **options):
        """A pod without a node."""
        self.kube.put_pod(name, options.pop("component", "core"), ip, **options)

    def lose(self, name):
        """Node, agent and pod are gone at once."""
        self.nodes[name].kill()
        self.kill(name)
        self.kube.delete_pod(name)
        del self.nodes[name]
        self.cluster.hosts.resolve_to(*(node.address for node in self.nodes.values()))

    def replace(self, name, settings=None, **options):
        """Another pod of this name, at another address, with an empty disk; the old one is gone when it starts."""
        if name in self.nodes:
            self.terminate(name)
            self.lose(name)
        node = self.add(name, **options)
        self.cluster.hosts.resolve_to(*(other.address for other in self.nodes.values()))
        self.agent(name, settings)
        return node

    def satellite(self, name, settings=None):
        """A satellite with its pod and its agent."""
        node, = self.cluster.add_satellites(1)
        node.name = name
        self.satellites[name] = node
        self.kube.put_pod(name, "satellite", node.address)
        self.satellite_agents[name] = self.cluster.add_agent(node, settings)
        return node

    # --- agents

    def relay(self, name):
        """The relay before this node, for an agent that is to start with relayed=True."""
        if name not in self.relays:
            node = self.nodes[name]
            self.relays[name] = Relay(node.address.replace(".1.", ".4."), node.admin_port, node)
        return self.relays[name]

    def agent(self, name, settings=None, relayed=False, env=None):
        """Start the agent beside this node; relayed: its statements are seen, see written()."""
        node = self.nodes[name]
        settings = {"run_mode": "core", "core.interval": 1, "core.podselector.namespace": "proxysql",
                    "core.podselector.app": "proxysql", "core.podselector.component": "core",
                    "kubernetes.api_server": self.kube.url, "kubernetes.token_file": str(self.kube.token_file),
                    "kubernetes.ca_file": str(self.kube.ca_file), "log.level": "DEBUG", **(settings or {})}
        self.agents[name] = self.cluster.add_agent(node, settings, relay=self.relay(name) if relayed else None,
                                                   env={"POD_NAME": name, **(env or {})})
        return self.agents[name]

    def agent_again(self, name, settings=None, **options):
        """Another life of this node's agent, with what the one before has written down."""
        before = self.agents[name]
        if before.process.running():
            before.stop()
        kept = {"shutdown.draining_file": before.settings["shutdown.draining_file"]}
        return self.agent(name, {**kept, **(settings or {})}, **options)

    def statements(self, name):
        return self.relays[name].statements

    def written(self, name):
        """The statements of this node's agent that change the member list: (verb and object)."""
        verbs = {"REPLACE INTO proxysql_servers": "REPLACE", "DELETE FROM proxysql_servers": "DELETE",
                 "LOAD PROXYSQL SERVERS TO RUNTIME": "LOAD"}
        found = [text for text in self.changes(name) if "proxysql_servers" in text.lower().replace(" ", "_")]
        return [next(short for long, short in verbs.items() if text.startswith(long)) for text in found]

    def changes(self, name):
        """All its statements that change anything."""
        return [text for text in list(self.statements(name)) if not text.upper().startswith(("SELECT", "SHOW"))]

    # --- what is there

    def rows(self, *names, **others):
        """The rows that these cores make, and those of pods without a node: name=address."""
        port = str(self.cluster.port)
        members = {**{name: self.nodes[name].address for name in names}, **others}
        return sorted((address, port, "0", name.replace("_", "-")) for name, address in members.items())

    def wait_rows(self, node, *names, timeout=5.0, **others):
        """Wait until runtime is exactly this."""
        wanted, node = self.rows(*names, **others), self.nodes[node]
        try:
            wait_until(lambda: node.members() == wanted, timeout * SLOW, "runtime", step=0.02)
        except AssertionError as error:
            agents = "\n".join(agent.process.log()[-2000:] for agent in self.agents.values())
            raise AssertionError(f"{error}: {node.members()} instead of {wanted}\n{agents}") from None
        self.log_settles()

    def log_settles(self):
        """An agent logs a LOAD a moment after its rows can be seen: wait until none has done so for that long."""
        before = None
        while (now := [self.loads(name) for name in self.agents]) != before:
            before = now
            time.sleep(0.25 * SLOW)

    def loads(self, name):
        return len(self.agents[name].records(LOADED))

    def kill(self, name):
        """SIGKILL to an agent."""
        agent = self.agents.pop(name)
        agent.process.signal(signal.SIGKILL)
        agent.process.wait()

    def close(self):
        self.cluster.close()
        for relay in self.relays.values():
            relay.close()


@pytest.fixture
def kube(request):
    """The real API server when KUBEBUILDER_ASSETS names one, else the stand-in."""
    return request.getfixturevalue("real_kube" if real_kubernetes() else "fake_kube")


@pytest.fixture
def cores(namespace, kube, tmp_path):
    made = Cores(Cluster(tmp_path), kube)
    yield made
    made.close()


@pytest.fixture
def fake_cores(namespace, fake_kube, tmp_path):
    """With the stand-in for the API."""
    made = Cores(Cluster(tmp_path), fake_kube)
    yield made
    made.close()
