"""The probe table of docs/probes.md, cell by cell: (started, ready, live) for each state of admin and traffic."""
from concurrent.futures import ThreadPoolExecutor

import pytest

from lib.agent import NEW_LIFE, SLOW
from lib.stuck import frozen, wedged
from lib.waiting import wait_until

HEALTH_KEYS = ["backends", "status", "message", "probe", "clients", "draining", "age_ms", "degraded", "since_s",
               "reason"]
FAILED_START_KEYS = ["message", "status", "probe", "age_ms", "since_s", "reason"]


def set_backends(node, *statuses):
    for (host, _), status in zip(node.backends, statuses):
        node.admin(f"UPDATE mysql_servers SET status = '{status}' WHERE hostname = '{host}'")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")


def degraded(answer):
    return answer.status == 200 and answer.json["degraded"]


def wait_degraded(*agents):
    """At the same time for all: each needs a health job that waits for its deadline."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda agent: agent.wait_probe("/healthz/live", degraded), agents))


def check_draining(agent, started):
    """The table's last row, whatever admin does: started unchanged, not ready, alive."""
    agent.draining_file.touch()
    assert agent.statuses() == (started, 503, 200)
    for answer in (agent.ready(), agent.live()):
        assert answer.json["draining"] and answer.json["message"] == "draining traffic"
    agent.draining_file.unlink()
    assert not agent.ready().json["draining"]


def test_admin_answers(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    assert agent.statuses() == (200, 200, 200)
    assert agent.started().json == {"message": "ok", "status": "ok"}
    for path, probe in (("ready", "readiness"), ("live", "liveness")):
        answer = agent.ask(f"/healthz/{path}")
        body = answer.json
        assert list(body) == HEALTH_KEYS
        assert 0 <= body.pop("age_ms") <= 500 * SLOW
        assert body == {"backends": {"online": 2, "shunned": 0, "total": 2}, "status": "ok",
                        "message": "all backends online", "probe": probe, "clients": 0, "draining": False,
                        "degraded": False, "since_s": 0, "reason": ""}
        assert answer.headers["content-type"] == "application/json"
    check_draining(agent, started=200)
    assert agent.statuses() == (200, 200, 200)


@pytest.mark.parametrize("statuses, online, message", [
    (("ONLINE", "OFFLINE_SOFT"), 1, "some backends offline"),
    (("OFFLINE_SOFT", "OFFLINE_SOFT"), 0, "all backends offline")])
def test_backends_that_are_offline(node, make_agent, statuses, online, message):
    set_backends(node, *statuses)
    body = make_agent(node).wait_ready().json
    set_backends(node, "ONLINE", "ONLINE")
    assert body["backends"] == {"online": online, "shunned": 0, "total": 2}
    assert (body["message"], body["status"]) == (message, "ok")


@pytest.mark.knobs
def test_a_backend_that_is_shunned(node, make_agent):
    node.control("backend 127.0.0.11 SHUNNED")
    body = make_agent(node).wait_ready().json
    node.control("backend 127.0.0.11 ONLINE")
    assert body["backends"] == {"online": 1, "shunned": 1, "total": 2}


def test_clients_are_counted_without_ourselves(node, make_agent):
    with node.traffic() as one, node.traffic() as other:
        one.login("app", "app-secret")
        other.login("app", "app-secret")
        wait_until(lambda: node.counter("Client_Connections_connected") == "2", what="two clients are connected")
        assert make_agent(node).wait_ready().json["clients"] == 2
    wait_until(lambda: node.counter("Client_Connections_connected") == "0", what="the clients have left")


def test_admin_answers_and_traffic_is_refused(node, make_agent):
    node.admin("PROXYSQL PAUSE")
    agent = make_agent(node)
    agent.wait_ready()
    assert agent.statuses() == (200, 200, 200)
    assert "traffic port" in agent.ready().json["reason"]
    node.admin("PROXYSQL RESUME")
    agent.wait_probe("/healthz/ready", lambda a: a.json["reason"] == "")


def test_admin_stuck_and_traffic_greets(node, make_agent):
    """Three agents watch one wedge: the default tolerance, one second, and for ever."""
    agent = make_agent(node)
    strict = make_agent(node, {"health.wedge_tolerance": 1})
    patient = make_agent(node, {"health.wedge_tolerance": 0})
    for each in (agent, strict, patient):
        each.wait_ready()
    with wedged(node):
        wait_degraded(agent, patient)
        for each in (agent, patient):
            assert each.statuses() == (200, 200, 200)
        body = agent.ready().json
        assert list(body) == HEALTH_KEYS
        assert "answer" in body["reason"] and body["message"] == "all backends online" and body["status"] == "ok"
        check_draining(agent, started=200)
        strict.wait_probe("/healthz/live", lambda a: a.status == 503)
        body = strict.live().json
        assert body["since_s"] >= 1 and body["status"] == "error" and body["degraded"]
        assert body["message"] == "the admin interface does not answer"
        check_draining(strict, started=200)
        assert strict.statuses() == (200, 200, 503)
        assert agent.statuses() == patient.statuses() == (200, 200, 200)
        patient.wait_probe("/healthz/live", lambda a: a.json["since_s"] >= 1)
    for each in (agent, strict, patient):
        assert each.wait_ready(2).json["since_s"] == 0
        assert len(each.records(NEW_LIFE)) == 1
        assert each.statuses() == (200, 200, 200)


def test_admin_stuck_and_never_seen_before(node, make_agent):
    with wedged(node):
        agent = make_agent(node)
        wait_degraded(agent)
        assert agent.statuses() == (502, 200, 200)
        body = agent.started().json
        assert list(body) == FAILED_START_KEYS
        assert body["status"] == "error" and body["probe"] == "startup" and body["reason"]
    agent.wait_statuses(200, 200, 200, timeout=2)


def test_admin_stuck_and_traffic_refused(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    node.admin("PROXYSQL PAUSE")
    with wedged(node):
        agent.wait_statuses(502, 503, 503)
        body = agent.ready().json
        assert not body["degraded"] and body["reason"] and body["message"] == "the admin interface does not answer"
        check_draining(agent, started=502)
    agent.wait_statuses(200, 200, 200, timeout=2)
    node.admin("PROXYSQL RESUME")
    assert len(agent.records(NEW_LIFE)) == 1


def test_admin_stuck_and_traffic_silent(node, make_agent):
    """SIGSTOP: not even a greeting. An agent that comes meanwhile says why as well."""
    agent = make_agent(node)
    agent.wait_ready()
    with frozen(node):
        late = make_agent(node)
        for each in (agent, late):
            each.wait_statuses(502, 503, 503)
            assert each.started().json["reason"] and each.live().json["reason"]
            check_draining(each, started=502)
    for each in (agent, late):
        each.wait_statuses(200, 200, 200, timeout=2)
        assert len(each.records(NEW_LIFE)) == 1


def test_admin_refused(fresh_node, make_agent):
    agent = make_agent(fresh_node)
    agent.wait_ready()
    fresh_node.kill()
    agent.wait_statuses(502, 503, 503)
    for path in ("ready", "live"):
        body = agent.ask(f"/healthz/{path}").json
        assert list(body) == HEALTH_KEYS
        assert "Can't connect" in body["reason"] and body["message"] == "ProxySQL cannot be reached"
        assert body["status"] == "error" and not body["degraded"]
        assert body["backends"] == {"online": 0, "shunned": 0, "total": 0}  # of no life that still goes on
    assert list(agent.started().json) == FAILED_START_KEYS
    assert "Can't connect" in agent.started().json["reason"]
    check_draining(agent, started=502)
