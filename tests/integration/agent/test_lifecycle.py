"""Coming and going: of the agent, of its ProxySQL, and in any order."""
import contextlib
import signal
import socket
import time

import pytest

from lib.agent import NEW_LIFE, SLOW
from lib.http_client import Client, Storm
from lib.proxysql import Node
from lib.stuck import frozen, wedged
from lib.waiting import wait_until

STOP_S = 2 * SLOW
STATUS_KEYS = ["time", "level", "msg", "run_mode", "phase", "admin", "traffic", "age_ms", "reason", "started",
               "version", "lives", "uptime_s", "backends_online", "backends_shunned", "backends", "clients", "paused",
               "connections_lent", "connections_idle", "connections_parked", "connects", "connect_failures",
               "parked_total", "abandoned", "connections_refused", "health_jobs", "health_jobs_failed",
               "health_jobs_joined", "health_jobs_refused"]


@pytest.fixture
def absent_node(tmp_path):
    """A node that was not started yet."""
    node = Node(tmp_path / "node")
    yield node
    node.close()


def older_than(node, seconds):
    wait_until(lambda: int(node.counter("ProxySQL_Uptime")) >= seconds, what=f"ProxySQL is {seconds} s old", step=0.05)


def test_agent_comes_before_its_proxysql(absent_node, make_agent):
    agent = make_agent(absent_node)
    agent.wait_probe("/healthz/ready", lambda a: "Can't connect" in a.json["reason"])
    assert agent.statuses() == (502, 503, 503)
    assert agent.started().json["message"] == "ProxySQL cannot be reached"
    assert not agent.records(NEW_LIFE)
    absent_node.start()
    agent.wait_statuses(200, 200, 200, timeout=2)
    assert agent.wait_record(NEW_LIFE)["lives"] == 1


def test_it_comes_without_any_probe_too(absent_node, make_agent):
    """Nobody asks: the agent looks by itself, and not only after the long interval of a healthy node."""
    agent = make_agent(absent_node)
    agent.wait_record("ProxySQL cannot be reached; asking again every second")
    absent_node.start()
    agent.wait_record(NEW_LIFE, timeout=3)


def test_a_restart_of_proxysql_is_a_new_life(fresh_node, make_agent):
    agent = make_agent(fresh_node)
    agent.wait_ready()
    older_than(fresh_node, 3)  # boot times within two seconds of each other are taken for one life
    fresh_node.kill()
    agent.wait_statuses(502, 503, 503)
    agent.wait_record("ProxySQL cannot be reached; asking again every second")
    assert agent.status()["started"] is False
    fresh_node.start()
    agent.wait_statuses(200, 200, 200, timeout=2)
    record = agent.wait_record(NEW_LIFE, 2)
    assert record["lives"] == 2 and record["version"] and record["uptime_s"] <= 2 * SLOW
    assert agent.status()["lives"] == 2


def test_a_restart_between_two_probes_is_noticed(fresh_node, make_agent):
    """Nobody saw it gone, but the connection was lost."""
    agent = make_agent(fresh_node)
    agent.wait_ready()
    older_than(fresh_node, 3)
    fresh_node.restart()
    agent.wait_statuses(200, 200, 200, timeout=2)
    agent.wait_record(NEW_LIFE, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_stop_it(node, make_agent, number):
    agent = make_agent(node)
    agent.wait_ready()
    assert agent.stop(number) < STOP_S
    assert agent.records()[-1]["msg"] == "stopped" and not agent.records("drain asked for")
    assert agent.records("stopping")[0]["signal"] == signal.Signals(number).name


def test_it_stops_at_once_after_its_start(node, make_agent):
    assert make_agent(node).stop() < STOP_S


def test_it_stops_without_proxysql(absent_node, make_agent):
    agent = make_agent(absent_node)
    agent.wait_statuses(502, 503, 503)
    assert agent.stop() < STOP_S


@pytest.mark.parametrize("stuck", [wedged, frozen])
def test_it_stops_while_proxysql_is_stuck(node, make_agent, stuck):
    """One whose statement is parked, one in the middle of its first question, and one under a storm."""
    agent, asking, stormed = (make_agent(node) for _ in range(3))
    for each in (agent, stormed):
        each.wait_ready()
    with stuck(node), Storm(stormed.port):
        agent.wait_probe("/healthz/live", lambda a: a.status == 503 or a.json["degraded"])
        assert agent.stop() < STOP_S
        asking.process.signal(signal.SIGUSR1)
        assert asking.stop() < STOP_S
        assert stormed.stop() < STOP_S


def test_it_stops_with_clients_that_hang(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(Client(agent.port)) for _ in range(20)]
        for client in idle:
            assert client.ask("/healthz/live").status == 200
        for sent in (b"", b"GET /healthz/li", b"GET /healthz/live HTTP/1.1\r\nHost:a\r\nContent-Length: 100\r\n\r\nabc",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01"):
            hanging = stack.enter_context(socket.create_connection(("127.0.0.1", agent.port), 5))
            hanging.sendall(sent)
        assert agent.live().status == 200  # all of them were accepted before this one
        assert agent.stop() < STOP_S


def test_a_second_signal_changes_nothing(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    agent.process.signal(signal.SIGINT)
    agent.process.signal(signal.SIGUSR1)
    assert agent.stop() < STOP_S
    assert len(agent.records("stopping")) == 1


def test_sigusr1_logs_one_status_record(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    status = agent.status()
    assert list(status) == STATUS_KEYS
    assert (status["run_mode"], status["phase"], status["admin"], status["traffic"]) == (
        "core", "running", "answers", "greets")
    assert status["started"] is True and status["paused"] is False and status["reason"] == ""
    assert status["backends_online"] == status["backends"] == 2 and status["backends_shunned"] == 0
    assert 1 <= status["connects"] <= 3 and status["connect_failures"] == 0  # health, and who reads or writes beside it
    assert 0 <= status["age_ms"] < 1000 * SLOW and status["lives"] == 1 and status["version"]
    assert len(agent.records("status")) == 1


def test_sigusr1_while_proxysql_is_away(absent_node, make_agent):
    status = make_agent(absent_node).status()
    assert status["admin"] == "refused" and "Can't connect" in status["reason"] and status["started"] is False


def test_start_delay_answers_probes_and_asks_nothing(node, make_agent):
    """ProxySQL is first talked to after the delay; who asks meanwhile is told why."""
    before = node.counter("Client_Connections_created")
    began = time.monotonic()
    agent = make_agent(node, {"start_delay": 2})
    assert time.monotonic() - began < 1 * SLOW
    early = agent.ask("/healthz/ready")
    assert early.status == 503 and early.seconds < 0.5 * SLOW
    assert agent.statuses() == (502, 503, 503)
    assert "start_delay" in early.json["reason"] and early.json["message"] == "ProxySQL was not asked yet"
    assert agent.status()["connects"] == 0
    assert node.counter("Client_Connections_created") == before
    agent.wait_statuses(200, 200, 200, timeout=4)
    assert time.monotonic() - began >= 2
    assert agent.wait_record(NEW_LIFE)


def test_a_changed_password_is_read_again(fresh_node, make_agent, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    agent = make_agent(fresh_node, {"proxysql.password": "unused", "proxysql.password_file": str(secret)})
    agent.wait_probe("/healthz/ready", lambda a: "denied" in a.json["reason"])
    assert agent.started().status == 502
    secret.write_text("radmin\n")
    agent.wait_ready(8)
    assert agent.statuses() == (200, 200, 200)


def test_a_password_that_proxysql_changes_while_running(fresh_node, make_agent, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("radmin")
    agent = make_agent(fresh_node, {"proxysql.password_file": str(secret)})
    agent.wait_ready()
    fresh_node.kill()
    agent.wait_statuses(502, 503, 503)
    fresh_node.users = "admin:admin;radmin:other"
    fresh_node.start()
    agent.wait_probe("/healthz/ready", lambda a: "denied" in a.json["reason"])
    secret.write_text("other")
    agent.wait_ready(8)
