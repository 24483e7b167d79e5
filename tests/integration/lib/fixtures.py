"""Fixtures of more than one folder beside the nodes: agents, clusters, and the Kubernetes API."""
import pytest

from lib.agent import Agent
from lib.cluster import Cluster, Hosts
from lib.kube import FakeKube, RealKube, real_kubernetes


@pytest.fixture
def agent_class():
    """What make_agent makes; folders have their own."""
    return Agent


@pytest.fixture
def make_agent(agent_class, tmp_path):
    """make_agent(node, settings): a started agent. All are stopped at the test's end, which checks that they end well."""
    agents = []

    def make(node, settings=None, **options):
        agents.append(agent_class(tmp_path / f"agent{len(agents)}", node, settings, **options))
        return agents[-1].start()

    yield make
    for agent in agents:
        agent.close()


@pytest.fixture(scope="session")
def namespace(tmp_path_factory):
    """Skips where the bootstrap name cannot be made to resolve."""
    if reason := Hosts(tmp_path_factory.mktemp("namespace") / "hosts").why_not():
        pytest.skip(reason)


@pytest.fixture
def cluster(namespace, tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture
def fake_kube(tmp_path_factory):
    """The stand-in for the API, for faults."""
    made = FakeKube(tmp_path_factory.mktemp("kube"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def _real_kube(tmp_path_factory):
    if not real_kubernetes():
        pytest.skip("needs a real kube-apiserver: KUBEBUILDER_ASSETS is not set")
    made = RealKube(tmp_path_factory.mktemp("real-kube"))
    yield made
    made.close()


@pytest.fixture
def real_kube(_real_kube):
    """The real one, without pods."""
    _real_kube.delete_all()
    _real_kube.token_file.write_text(_real_kube.tokens["agent"])
    return _real_kube
