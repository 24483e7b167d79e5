"""docs/openapi.yaml against running agents: the same paths, methods, status codes and bodies."""
import json
import pathlib
import re
import threading

import jsonschema
import pytest
import yaml

from lib.agent import NEW_LIFE, SLOW
from lib.kube import FakeKube
from lib.proxysql import Node
from lib.relay import Relay
from lib.waiting import wait_until

ROOT = pathlib.Path(__file__).parents[3]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
METHODS = ("get", "head", "post", "put", "delete", "patch", "options")
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item if method in METHODS]
ACTING = ("/shutdown",)  # its GET acts, so that there is no HEAD
TOKEN = "the-right-token"


class Recorder:
    """Asks, checks every answer against the document, and remembers which were seen."""

    def __init__(self):
        self.seen = set()
        self._resolver = jsonschema.RefResolver((ROOT / "docs" / "openapi.yaml").as_uri(), DOCUMENT)

    def _resolved(self, node):
        return self._resolver.resolve(node["$ref"])[1] if "$ref" in node else node

    def check(self, path, method, answer):
        responses = DOCUMENT["paths"][path][method]["responses"]
        key = str(answer.status) if str(answer.status) in responses else "default"
        assert key in responses, f"{method} {path} answers {answer}, which is not documented"
        self.seen.add((path, method, key))
        response = self._resolved(responses[key])
        for name in response.get("headers", {}):
            assert name.lower() in answer.headers, f"{method} {path} {answer.status} has no {name}"
        if "content" in response:
            given = answer.headers["content-type"]
            assert given in response["content"]
            body = answer.json if given == "application/json" else answer.body.decode()
            schema = response["content"][given]["schema"]
            jsonschema.Draft202012Validator(schema, resolver=self._resolver).validate(body)
        return answer

    def ask(self, agent, path, method="get", body=None, token=TOKEN, content_type="application/json"):
        headers = {"Content-Type": content_type}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        return self.check(path, method, agent.ask(path, method=method.upper(), body=data, headers=headers))


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return str(path)


def routes_of_the_source():
    """What the agent's tables of routes and commands hold: (path, method)."""
    text = "".join(path.read_text() for path in (ROOT / "daemon" / "http").glob("*.c"))
    rows = re.findall(r'\{\s*\.path = "([^"]+)",\s*\.methods = ([A-Z_ |]+),', text)
    commands_by_http = re.findall(r'\.http_path = "([^"]+)"', (ROOT / "proto" / "command.c").read_text())
    return sorted([(path, "post") for path in commands_by_http] +
                  [(path, method.strip().removeprefix("HTTP_").removesuffix("_ONLY").lower())
                   for path, methods in rows for method in methods.split("|")])


def test_every_route_is_documented():
    assert routes_of_the_source() == sorted(OPERATIONS)


def test_the_document_is_sound():
    """Every schema is one, and every reference leads somewhere."""
    recorder = Recorder()

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                recorder._resolved(node)
            if "schema" in node:
                jsonschema.Draft202012Validator.check_schema(node["schema"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def commands():
    return [path for path, method in OPERATIONS if method == "post" and path.startswith("/api/")]


def allowed_of(schema):
    """What the agent says that a value may be."""
    if schema.get("type") == "integer":
        return f'{schema["minimum"]} to {schema["maximum"]} seconds'
    return "true, false" if schema.get("type") == "boolean" else ", ".join(schema["enum"])


def test_bodies_are_as_documented(make_agent, tmp_path, token_file):
    """The same members, required ones, ranges and names in the document and in the agent."""
    recorder = Recorder()
    agent = make_agent(Node(tmp_path / "absent"), {"api.token_file": token_file})
    for path in commands():
        body = recorder._resolved(DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])
        refused = recorder.ask(agent, path, "post", {"no": "such"}).json["message"]
        assert sorted(refused.partition('"no"; it takes ')[2].split(", ")) == sorted(body["properties"]), path
        for name, schema in body["properties"].items():
            refused = recorder.ask(agent, path, "post", {name: None}).json["message"]
            assert refused == f"{name} null: allowed is {allowed_of(recorder._resolved(schema))}", path
        for name in body.get("required", []):
            refused = recorder.ask(agent, path, "post", {}).json["message"]
            assert refused.partition(":")[0].endswith(f" needs a {name}"), path


def test_the_words_name_the_same_members():
    """The table of docs/http-api.md and the document."""
    text = (ROOT / "docs" / "http-api.md").read_text()
    rows = {path: re.findall(r"`(\w+)`", body) for path, body in re.findall(r"\| `(/api/v1/[^`]+)` \|.*\| (.*) \|", text)}
    recorder = Recorder()
    for path in commands():
        body = recorder._resolved(DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])
        assert sorted(rows.pop(path)) == sorted(body["properties"]), path
    assert not rows


def ask_what_strangers_get(recorder, agent, closed):
    for method in ("get", "post"):
        assert recorder.ask(agent, "/shutdown", method, token=None).status == 401
        assert recorder.ask(closed, "/shutdown", method).status == 403
    for path in commands():
        assert recorder.ask(agent, path, "post", token=None).status == 401
        assert recorder.ask(agent, path, "post", token="wrong").status == 401
        assert recorder.ask(closed, path, "post").status == 403
        assert recorder.ask(agent, path, "post", {"no": "such"}).status == 400
        assert recorder.ask(agent, path, "post", "{}", content_type="text/plain").status == 415
        assert recorder.ask(agent, path, "post", " " * 65537).status == 413


def ask_other_methods(agent):
    for path, item in DOCUMENT["paths"].items():
        served = {method for method in item if method in METHODS}
        if "get" in item and path not in ACTING:
            served.add("head")
        for method in set(METHODS) - served:
            answer = agent.ask(path, method=method.upper())
            assert answer.status == 405
            assert {name.strip().lower() for name in answer.headers["allow"].split(",")} == served


def ask_probes(recorder, agent, wanted):
    for path, status in zip(("/healthz/started", "/healthz/ready", "/healthz/live"), wanted):
        assert recorder.ask(agent, path, token=None).status == status


def ask_while_held(recorder, agent, relay, statement, *paths):
    """While the first path's job waits for this statement's answer every one of them is only accepted."""
    held, answers = relay.hold(statement), []
    waiting = threading.Thread(target=lambda: answers.append(recorder.ask(agent, paths[0], "post", {"wait_s": 60})))
    waiting.start()
    assert held.asked.wait(20)
    for path in paths:
        assert recorder.ask(agent, path, "post", {"wait_s": 0}).status == 202
    held.release.set()
    waiting.join(30)
    assert answers[0].status == 200
    assert recorder.ask(agent, paths[-1], "post").status == 200


def reload_a_bad_file(recorder, agent):
    agent.write({"log.level": "WARN", "health.max_age_ms": "many"})
    assert recorder.ask(agent, "/api/v1/reload", "post").status == 422


def drain_every_way(recorder, agent, relay):
    """In the end it is stopped, and its ProxySQL with it."""
    maintenance = {"maintenance": True, "delay_s": 1}
    assert recorder.ask(agent, "/api/v1/drain", "post", {**maintenance, "wait_s": 0}).status == 202
    assert recorder.ask(agent, "/api/v1/drain", "post", {**maintenance, "wait_s": 60}).status == 200
    ask_while_held(recorder, agent, relay, "PROXYSQL RESUME", "/api/v1/undrain")
    assert recorder.ask(agent, "/api/v1/drain", "post", {"delay_s": 1, "wait_s": 0}).status == 202
    assert recorder.ask(agent, "/api/v1/undrain", "post").status == 409
    assert recorder.ask(agent, "/api/v1/drain", "post", {"maintenance": True}).status == 409
    assert recorder.ask(agent, "/shutdown").status == 200


@pytest.fixture
def world(fresh_node, make_agent, tmp_path, token_file):
    """Agents of both modes, with their ProxySQL behind a relay and without one."""
    folder = tmp_path / "kube"
    folder.mkdir()
    kube = FakeKube(folder)
    kube.put_pod("core-0", "core", fresh_node.address)
    relays = [Relay(f"127.0.4.{n}", fresh_node.admin_port, fresh_node) for n in (1, 2)]
    absent = Node(tmp_path / "absent")
    core = {"api.token_file": token_file, "kubernetes.api_server": kube.url,
            "kubernetes.token_file": str(kube.token_file), "core.interval": 3600, "workers.count": 3}
    satellite = {"api.token_file": token_file, "run_mode": "satellite", "satellite.interval": 3600, "workers.count": 3}
    env = {"POD_NAME": "core-0"}
    agents = {"core": make_agent(relays[0], core, env=env), "satellite": make_agent(relays[1], satellite),
              "core away": make_agent(absent, core, env=env), "satellite away": make_agent(absent, satellite),
              "closed": make_agent(absent, {"api.shutdown_allow": ["192.0.2.1"]})}
    yield agents, relays
    for agent in agents.values():
        agent.close()
    for relay in relays:
        relay.close()
    kube.close()


def test_the_running_agent_is_as_documented(world):
    recorder = Recorder()
    agents, relays = world
    agents["core"].wait_ready()
    agents["satellite"].wait_record(NEW_LIFE)
    for name in ("core away", "satellite away"):
        agents[name].wait_probe("/healthz/live", lambda a: a.status == 503)
    ask_what_strangers_get(recorder, agents["core"], agents["closed"])
    ask_other_methods(agents["core"])
    ask_probes(recorder, agents["core"], (200, 200, 200))
    ask_probes(recorder, agents["core away"], (502, 503, 503))
    for agent in agents.values():
        recorder.ask(agent, "/api/v1/status", token=None)
        recorder.ask(agent, "/metrics", token=None)
    recorder.ask(agents["core"], "/api/v1/log-level", "post", {"level": "INFO"})
    assert recorder.ask(agents["core"], "/api/v1/resync", "post").status == 409
    assert recorder.ask(agents["satellite"], "/api/v1/reconcile", "post").status == 409
    assert recorder.ask(agents["core away"], "/api/v1/reconcile", "post").status == 503
    assert recorder.ask(agents["satellite away"], "/api/v1/resync", "post").status == 503
    for name, path in (("core", "/api/v1/reconcile"), ("satellite", "/api/v1/resync")):
        wait_until(lambda: recorder.ask(agents[name], path, "post").status == 200, 20, f"{path} works")
    ask_while_held(recorder, agents["core"], relays[0], "FROM runtime_proxysql_servers", "/api/v1/reconcile")
    ask_while_held(recorder, agents["satellite"], relays[1], "'member', hostname", "/api/v1/resync", "/api/v1/reload")
    reload_a_bad_file(recorder, agents["core"])
    drain_every_way(recorder, agents["satellite"], relays[1])
    assert recorder.ask(agents["satellite away"], "/shutdown", "post").status == 200
    documented = {(path, method, status) for path, method in OPERATIONS
                  for status in DOCUMENT["paths"][path][method]["responses"] if status != "default"}
    unseen = documented - recorder.seen - {("/shutdown", method, "500") for method in ("get", "post")}
    assert not unseen, f"documented, but no agent has answered so: {sorted(unseen)}"


def test_a_shutdown_that_fails_is_as_documented(fresh_node, make_agent):
    recorder = Recorder()
    agent = make_agent(fresh_node, {"shutdown.shutdown_timeout": 2, "shutdown.pause_delay": 0})
    agent.wait_ready()
    fresh_node.wedge(20 * SLOW)
    answers = []
    posting = threading.Thread(target=lambda: answers.append(recorder.ask(agent, "/shutdown", "post")))
    posting.start()
    answers.append(recorder.ask(agent, "/shutdown"))
    posting.join(30 * SLOW)
    assert [answer.status for answer in answers] == [500, 500]
    assert agent.process.wait(20 * SLOW) != 0
