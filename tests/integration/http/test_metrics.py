"""GET /metrics as Prometheus reads it, and that the rules and the dashboard ask only for what there is."""
import json
import os
import re
import shutil
import subprocess

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from lib.binaries import ROOT
from lib.metrics import Metrics, read_metrics
from lib.waiting import wait_until

MONITORING = ROOT / "deploy" / "monitoring"
OPENMETRICS = ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
               "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
NAME = re.compile(r"\b((?:proxysql_agent|process)_[a-z0-9_]+)\b")


@pytest.fixture
def agent(node, make_agent):
    started = make_agent(node, {"run_mode": "satellite"})
    started.wait_ready()
    return started


@pytest.fixture(scope="module")
def promtool():
    """./dev test puts it there, without the service that the package would start."""
    path = shutil.which("promtool") or ROOT / "build" / "tools" / "usr" / "bin" / "promtool"
    if not os.access(path, os.X_OK):
        pytest.skip("no promtool: ./dev test fetches it, or install the package prometheus")
    return path


def run(promtool, *arguments, text=None):
    return subprocess.run([promtool, *arguments], input=text, capture_output=True, text=True, check=False)


def documented():
    """Metrics of docs/metrics.md: name -> type."""
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", (ROOT / "docs" / "metrics.md").read_text(), re.M))


def test_prometheus_text(agent):
    answer = agent.ask("/metrics")
    assert answer.status == 200 and answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in parse_text(answer.body.decode())}
    assert {name.removesuffix("_total") for name in documented()} == set(families)
    for name, kind in documented().items():
        assert families[name.removesuffix("_total")].type == kind


def test_openmetrics(agent):
    answer = agent.ask("/metrics", headers={"Accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {family.name for family in parse_openmetrics(answer.body.decode())} == {
        name.removesuffix("_total") for name in documented()}


def test_promtool_finds_nothing_to_say(agent, promtool):
    done = run(promtool, "check", "metrics", text=agent.ask("/metrics").body.decode())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_values(agent):
    metrics = read_metrics(agent)
    assert metrics.value("build_info", version="0.1.0") == 1
    assert metrics.value("run_mode_info", run_mode="satellite") == 1
    assert metrics.value("phase", phase="running") == 1 and metrics.value("phase", phase="draining") == 0
    assert metrics.value("proxysql_admin_state", state="answers") == 1
    assert metrics.value("proxysql_traffic_state", state="greets") == 1
    assert metrics.value("proxysql_backends", status="online") == 2
    assert metrics.value("proxysql_lives_total") == 1
    assert metrics.value("admin_statement_duration_seconds_count") >= 1
    assert metrics.value("jobs_total", kind="health", result="succeeded") >= 1
    assert metrics.value("job_duration_seconds_count", kind="health") >= 1
    assert metrics.value("http_requests_total", path="/healthz/ready", code="200") >= 1
    assert 0 < metrics.samples["process_resident_memory_bytes", frozenset()] < 1e9
    for _ in range(3):
        agent.ask("/nothing")
    assert read_metrics(agent).value("http_requests_total", path="other", code="404") == 3


def test_a_wedge(fresh_node, make_agent):
    agent = make_agent(fresh_node, {"run_mode": "satellite"})
    agent.wait_ready()
    fresh_node.process.freeze()
    agent.wait_probe("/healthz/live", lambda a: a.json["reason"])
    wait_until(lambda: read_metrics(agent).value("admin_stuck_seconds") > 1, what="the wedge grows")
    metrics = read_metrics(agent)
    assert metrics.value("proxysql_admin_state", state="stuck") == 1
    assert metrics.value("admin_connections", state="parked") >= 1 and metrics.value("admin_parked_seconds") > 0
    fresh_node.process.thaw()
    agent.wait_ready(5)
    assert read_metrics(agent).value("admin_stuck_seconds") == 0


def asked_names(text):
    return set(NAME.findall(text))


def known_names():
    known = set(documented())
    for name, kind in documented().items():
        if kind == "histogram":
            known |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return known


def test_alerts_ask_for_what_there_is(promtool):
    text = (MONITORING / "alerts.yaml").read_text()
    asked = asked_names(text)
    assert len(asked) > 10 and asked <= known_names()
    done = run(promtool, "check", "rules", MONITORING / "alerts.yaml")
    assert done.returncode == 0 and "SUCCESS" in done.stdout, done.stdout + done.stderr


def test_dashboard_asks_for_what_there_is():
    text = (MONITORING / "dashboard.json").read_text()
    panels = json.loads(text)["panels"]
    assert len(panels) > 10 and all(target["expr"] for panel in panels for target in panel["targets"])
    assert asked_names(text) <= known_names()


def test_limits_are_documented(agent):
    """docs/http.md has a row for each limit that counts."""
    rows = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "http.md").read_text(), re.M))
    limits = {dict(labels)["limit"] for name, labels in Metrics(agent.ask("/metrics").body.decode()).samples
              if name == "proxysql_agent_http_limit_hits_total"}
    assert limits == rows
