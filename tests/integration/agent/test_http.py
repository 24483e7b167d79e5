"""The HTTP interface as clients of every kind see it."""
import contextlib
import json
import re
import socket
import subprocess

import pytest

from lib.agent import SLOW
from lib.http_client import PROBES, Client
from lib.waiting import wait_until


@pytest.fixture
def agent(node, make_agent):
    started = make_agent(node)
    started.wait_ready()
    return started


def raw(port, data):
    """Send bytes as they are; the whole answer until the agent closes."""
    with socket.create_connection(("127.0.0.1", port), 5 * SLOW) as client:
        client.sendall(data)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def raw_request(port, method, path):
    head, _, body = raw(port, f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()).partition(
        b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


@pytest.mark.parametrize("path", ["/", "/healthz", "/healthz/ready/", "/healthz//ready", "/%2e%2e/", "/a?b"])
def test_unknown_paths(agent, path):
    answer = agent.ask(path)
    assert answer.status == 404 and answer.json == {"message": "not found", "status": "error"}
    assert answer.headers["content-type"] == "application/json"


def test_a_query_is_ignored(agent):
    assert agent.ask("/healthz/ready?verbose=1").json["probe"] == "readiness"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "get"])
def test_other_methods(agent, method):
    status, head, body = raw_request(agent.port, method, "/healthz/ready")
    assert status == 405 and json.loads(body) == {"message": "method not allowed", "status": "error"}
    assert "allow: get, head" in head and "content-type: application/json" in head


@pytest.mark.parametrize("path", PROBES)
def test_head_has_the_headers_of_get(agent, path):
    answer = agent.ask(path, method="HEAD")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["content-length"]) > 10
    agent.draining_file.touch()
    assert agent.ask(path, method="HEAD").status == agent.ask(path).status


def test_a_connection_goes_on_after_errors(agent):
    with Client(agent.port) as client:
        for _ in range(3):
            assert client.ask("/nothing").status == 404
            assert client.ask("/healthz/live", method="POST", body=b"x" * 1000).status == 405
            assert client.ask("/healthz/live").status == 200


def test_nonsense_is_not_answered_with_a_crash(agent):
    for data in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x00\xff" * 500, b"GET / HTTP/9.9\r\n\r\n",
                 b"GET /" + b"a" * 200000 + b" HTTP/1.0\r\n\r\n"):
        with contextlib.suppress(ConnectionError):
            raw(agent.port, data)
    assert agent.live().status == 200


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--max-time", str(10 * SLOW), *arguments], capture_output=True, text=True,
                          check=True).stdout


@pytest.mark.parametrize("flag", ["--http2-prior-knowledge", "--http2"])
def test_h2c(agent, flag):
    """Over an upgrade curl sends the request in HTTP/1.1 and reads the answer in HTTP/2."""
    base = f"http://127.0.0.1:{agent.port}"
    for path, status in ((PROBES[1], 200), ("/nothing", 404)):
        body, _, told = curl(flag, "-w", "|%{http_code} %{http_version}", base + path).rpartition("|")
        assert told == f"{status} 2" and json.loads(body)["status"] == ("ok" if status == 200 else "error")
    assert curl(flag, "-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", base + PROBES[1]) == "405"
    assert curl(flag, "-I", "-w", "|%{size_download}", base + PROBES[1]).endswith("|0")


def test_h2c_many_at_once(agent):
    """curl 7.88 cannot use a connection twice with prior knowledge (its issue 10634), after an upgrade it can."""
    urls = [f"http://127.0.0.1:{agent.port}{PROBES[n % 3]}" for n in range(60)]
    assert curl("--http2", "-Z", *urls).count('"status":"ok"') == 60


def test_a_hundred_connections(agent):
    before = agent.process.descriptors()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(agent.port)) for _ in range(100)]
        for turn in range(3):
            answers = [client.ask(PROBES[(n + turn) % 3]) for n, client in enumerate(clients)]
            assert {answer.status for answer in answers} == {200}
        assert 98 <= agent.process.descriptors() - before <= 103  # before: one that was closing, and a traffic probe
        assert agent.live().status == 200
    wait_until(lambda: agent.process.descriptors() <= before + 2, what="the connections are gone")


def test_more_connections_than_allowed(agent):
    """One more ends the connection that was idle longest: a probe always finds a place."""
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(socket.create_connection(("127.0.0.1", agent.port), 5))
        assert agent.live().status == 200
        assert agent.process.descriptors() < 160


def test_log_probes(node, make_agent):
    agent = make_agent(node, {"log.probes": True})
    agent.wait_ready()
    agent.started()
    agent.ask("/healthz/live?x=1")
    agent.draining_file.touch()
    agent.ready()
    told = [("/healthz/started", 200, "ok"), ("/healthz/live", 200, "all backends online"),
            ("/healthz/ready", 503, "draining traffic")]
    wait_until(lambda: [(r["path"], r["status"], r["message"]) for r in agent.records("probe")][-3:] == told,
               3 * SLOW, f"the log ends with {told}")


def test_probes_are_not_logged_by_default(agent):
    assert agent.statuses() == (200, 200, 200)
    assert not agent.records("probe")


@pytest.mark.parametrize("address, hosts", [("127.0.0.1", ["127.0.0.1"]), ("", ["127.0.0.1", "::1"]), ("::1", ["::1"])])
def test_listens_where_it_is_told(node, make_agent, address, hosts):
    agent = make_agent(node, {"api.address": address}, host=hosts[0])
    for host in hosts:
        with Client(agent.port, host=host) as client:
            assert client.ask("/healthz/live").status in (200, 503)
    if address:
        other = "::1" if address == "127.0.0.1" else "127.0.0.1"
        with pytest.raises(OSError):
            socket.create_connection((other, agent.port), 2)
    record = agent.records("listening")[0]
    assert record["port"] == agent.port and re.match("127.0.0.1:", record["proxysql"])
