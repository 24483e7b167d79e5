"""doctor on a node with things that a human would find."""
import json

import pytest

from lib import ctl


def findings(agent):
    """Exit status and findings by check, but for the version's: that depends on the node that the tests run against."""
    done = ctl.run("doctor", "--output", "json", agent=agent)
    found = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found.pop("ProxySQL version")["evidence"]
    return done.returncode, found


def test_a_sound_node(satellite):
    status, found = findings(satellite)
    assert status == 0
    assert {finding["verdict"] for finding in found.values()} == {"ok"}, found
    table = ctl.run("doctor", agent=satellite).stdout
    assert max(map(len, table.splitlines())) <= 80 and table.endswith(", 0 broken\n")


def test_what_is_wrong_is_told_with_evidence_and_remedy(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite", "api.address": ""}, flags=["--proxysql.password=radmin"])
    agent.wait_ready()
    agent.draining_file.touch()
    status, found = findings(agent)
    assert status == 2  # something is broken
    bad = {name: finding["verdict"] for name, finding in found.items() if finding["verdict"] != "ok"}
    assert bad == {"draining file": "broken", "/shutdown": "risk", "password": "risk"}
    assert "nothing drains" in found["draining file"]["evidence"]
    assert all(finding["remedy"] for name, finding in found.items() if name in bad)
    assert "radmin" not in found["password"]["evidence"]


@pytest.mark.parametrize("url, verdict", [("https://bucket/x?sig=secret", "risk"), ("https://bucket/x", "ok")])
def test_a_presigned_url_in_a_flag(make_agent, node, url, verdict):
    agent = make_agent(node, {"run_mode": "satellite"}, flags=[f"--dump.upload_url={url}"])
    agent.wait_ready()
    found = findings(agent)[1]["password"]
    assert found["verdict"] == verdict and ("dump.upload_url" in found["evidence"]) == (verdict == "risk")
    assert "secret" not in found["evidence"]


def test_without_proxysql(make_agent, fresh_node):
    agent = make_agent(fresh_node, {"run_mode": "satellite"})
    agent.wait_ready()
    fresh_node.kill()
    agent.wait_probe("/healthz/live", lambda answer: answer.status == 503)
    status, found = findings(agent)
    assert status == 2
    assert found["admin interface"]["verdict"] == "broken" and found["cluster"]["verdict"] == "risk"
