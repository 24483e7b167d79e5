"""Nodes for the tests, and an honest account at the end: what ran against which node, what was skipped and why."""
import pathlib
import subprocess

import pytest

from lib.binaries import built, real_proxysql
from lib.mariadb import MariaDb
from lib.proxysql import BACKENDS, Node

pytest_plugins = ["lib.fixtures"]

HERE = pathlib.Path(__file__).parent
_results = {"passed": 0, "failed": 0, "skipped": []}


def _allowed_skips():
    """real_skips.txt: test ids that may be skipped with a real ProxySQL, each with its reason."""
    allowed = {}
    for line in (HERE / "real_skips.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            test, _, reason = line.partition(" ")
            allowed[test] = reason.strip()
    return allowed


def _is_allowed(test_id):
    return any(test_id == allowed or test_id.startswith((allowed + "[", allowed + "::"))
               for allowed in _allowed_skips())


def pytest_collection_modifyitems(items):
    if real_proxysql():
        for item in items:
            if item.get_closest_marker("knobs"):
                item.add_marker(pytest.mark.skip(reason="needs the stand-in's fault knobs"))


def pytest_runtest_logreport(report):
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _results["skipped"].append((report.nodeid, reason.removeprefix("Skipped: ")))
    elif report.failed:
        _results["failed"] += 1
    elif report.when == "call":
        _results["passed"] += 1


def _unlisted_skips():
    return [test for test, _ in _results["skipped"] if not _is_allowed(test)] if real_proxysql() else []


def pytest_sessionfinish(session):
    if _unlisted_skips() and session.exitstatus == 0:
        session.exitstatus = 1


def _node_name():
    real = real_proxysql()
    if not real:
        return f"the stand-in {built('fake-proxysql')}"
    version = subprocess.run([real, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return f"the real ProxySQL {real} ({version})"


def pytest_terminal_summary(terminalreporter):
    say = terminalreporter.write_line
    terminalreporter.section("ProxySQL node")
    say(f"ran against {_node_name()}: {_results['passed']} passed, {_results['failed']} failed, "
        f"{len(_results['skipped'])} skipped")
    for test, reason in _results["skipped"]:
        say(f"skipped {test}: {reason}")
    for test in _unlisted_skips():
        say(f"FAILED: {test} was skipped with a real ProxySQL and is not in real_skips.txt", red=True)


@pytest.fixture(scope="session")
def make_node(tmp_path_factory):
    """make_node(**options): a started Node; all are stopped at the end of the session."""
    nodes = []

    def make(**options):
        node = Node(tmp_path_factory.mktemp("node"), **options)
        nodes.append(node)
        return node.start()

    yield make
    for node in nodes:
        node.close()


@pytest.fixture(scope="session")
def backends(tmp_path_factory):
    """Backends that execute statements, for Node(backends=...): MariaDB behind a real ProxySQL; the stand-in executes
    by itself."""
    if not real_proxysql():
        yield BACKENDS
        return
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    yield server.backends
    server.stop()


@pytest.fixture(scope="module")
def node(make_node):
    """One node for all tests of a file, which leave it as they found it."""
    started = make_node()
    yield started
    started.close()


@pytest.fixture
def fresh_node(make_node):
    """A node for one test, which may break it."""
    started = make_node()
    yield started
    started.close()
