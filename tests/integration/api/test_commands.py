"""Commands by HTTP: strict bodies, jobs that are waited for with a bound, answers in words."""
import json
import socket
import subprocess
import threading

import pytest

from lib.agent import NEW_LIFE, SLOW
from lib.binaries import built
from lib.proxysql import Node
from lib.relay import Relay
from lib.waiting import wait_until

ALLOWED = {"api.shutdown_allow": ["127.0.0.1"]}


def post(agent, command, body=None, content_type="application/json"):
    data = body if body is None or isinstance(body, str) else json.dumps(body)
    return agent.ask(f"/api/v1/{command}", method="POST", body=data, headers={"Content-Type": content_type})


@pytest.fixture
def agent(node, make_agent):
    started = make_agent(node, ALLOWED)
    started.wait_ready()
    return started


@pytest.mark.parametrize("body, message", [
    ("{", "the body is no JSON"),
    ("[]", "the body is not a JSON object"),
    ('{"wait_s": {}}', "the body is not a flat JSON object"),
    ('{"wait_s": 1, "wait_s": 2}', "duplicate object key"),
    ({"wait": 1}, 'takes no "wait"; it takes wait_s'),
    ({"wait_s": 3601}, "wait_s 3601: allowed is 0 to 3600 seconds"),
    ({"wait_s": "1"}, 'wait_s "1" is a text: allowed is 0 to 3600 seconds'),
])
def test_bad_bodies_do_nothing(agent, body, message):
    answer = post(agent, "reload", body)
    assert answer.status == 400 and answer.json["status"] == "error" and message in answer.json["message"]
    assert agent.records("configuration reloaded") == []


def test_a_body_says_that_it_is_json(agent):
    assert post(agent, "reload", "{}", "text/plain").status == 415
    assert post(agent, "reload", "{}", "application/jsonx").status == 415
    assert post(agent, "reload", "{}", "Application/JSON; charset=utf-8").status == 200
    assert agent.ask("/api/v1/reload", method="POST").status == 200
    assert post(agent, "reload", "{" + " " * 70000).status == 413


def test_the_log_level(agent):
    answer = post(agent, "log-level", {"level": "debug"})
    assert answer.status == 200
    assert (answer.json["status"], answer.json["before"], answer.json["level"]) == ("ok", "INFO", "DEBUG")
    assert post(agent, "log-level", {"level": "loud"}).status == 400
    agent.wait_record("the log level is changed by a command")
    assert post(agent, "log-level").json["message"] == "log-level needs a level: DEBUG, INFO, WARN, ERROR"
    assert post(agent, "reload").json["message"] == "changed: log.level"
    assert post(agent, "log-level", {"level": "INFO"}).json["before"] == "INFO"


def test_reload_says_what_has_changed(agent):
    agent.write({"health.max_age_ms": 1, "api.port": 1})
    answer = post(agent, "reload")
    assert answer.status == 200 and answer.json["job"] == "reload" and answer.json["status"] == "ok"
    assert answer.json["message"] == "changed: health.max_age_ms; needs a restart: api.port"
    agent.write({"health.max_age_ms": -1})
    answer = post(agent, "reload")
    assert answer.status == 422 and answer.json["status"] == "error"
    assert "health.max_age_ms" in answer.json["message"] and "0 to 10000" in answer.json["message"]


def test_commands_of_the_other_mode(agent):
    answer = post(agent, "resync")
    assert answer.status == 409
    assert answer.json["message"] == "resync is for run_mode satellite, this agent runs as core"


def test_a_node_that_is_away(make_agent, tmp_path):
    satellite = make_agent(Node(tmp_path / "absent"), {**ALLOWED, "run_mode": "satellite"})
    satellite.wait_probe("/healthz/live", lambda a: a.status == 503)
    answer = post(satellite, "resync")
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert "ProxySQL does not answer" in answer.json["message"]


def test_a_job_that_lasts_goes_on(node, make_agent):
    """202 at the end of the wait; who waits on gets the result, and so does who joins."""
    relay = Relay("127.0.4.1", node.admin_port, node)
    satellite = make_agent(relay, {**ALLOWED, "run_mode": "satellite", "satellite.interval": 3600})
    try:
        satellite.wait_record(NEW_LIFE)
        wait_until(lambda: post(satellite, "resync").status == 200, 10, "the first pass")
        held = relay.hold("'member', hostname")
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(post(satellite, "resync", {"wait_s": 60})))
        waiting.start()
        assert held.asked.wait(10)
        answer = post(satellite, "resync", {"wait_s": 0})
        assert answer.status == 202
        assert answer.json == {"status": "accepted", "message": "the job goes on", "job": "resync"}
        assert not answers
        held.release.set()
        waiting.join(20)
        assert answers[0].status == 200 and answers[0].json["duration_ms"] >= 0
    finally:
        satellite.close()
        relay.close()


def test_a_client_that_hangs_up_stops_nothing(agent):
    before = len(agent.records("configuration reloaded"))
    with socket.create_connection(("127.0.0.1", agent.port)) as client:
        client.sendall(b"POST /api/v1/reload HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    agent.wait_record("configuration reloaded", before + 1)


def test_the_status(agent):
    answer = agent.ask("/api/v1/status")
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    assert answer.json["agent"]["run_mode"] == "core" and answer.json["health"]["admin"] == "answers"
    assert answer.json["cluster"]["known"], answer.json["cluster"]  # nobody else has asked for it
    assert agent.ask("/api/v1/status", method="POST").headers["allow"] == "GET, HEAD"


def shape(value):
    """The keys and the types, without what changes from one moment to the next."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def test_the_status_is_that_of_the_control_command(agent):
    done = subprocess.run([built("proxysql-agentctl"), "--socket", agent.socket, "--output", "json", "status"],
                          capture_output=True, text=True, timeout=20 * SLOW, check=True)
    assert shape(json.loads(done.stdout)) == shape(agent.ask("/api/v1/status").json)
