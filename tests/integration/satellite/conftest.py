"""Clusters for the tests of satellites."""
import pytest

from lib.cluster import Cluster, Hosts


@pytest.fixture(scope="session")
def namespace(tmp_path_factory):
    """Skips where the bootstrap name cannot be made to resolve."""
    reason = Hosts(tmp_path_factory.mktemp("namespace") / "hosts").why_not()
    if reason:
        pytest.skip(reason)


@pytest.fixture
def cluster(namespace, tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cluster")
