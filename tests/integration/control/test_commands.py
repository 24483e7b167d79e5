"""Every command, as its user runs it."""
import re
import time

import pytest

from lib import ctl
from lib.agent import SLOW
from lib.control import Control
from lib.waiting import wait_until

PUBLISH_MS = 3000 * SLOW


def test_status_as_a_table_fits_80_columns(satellite):
    done = ctl.run("status", agent=satellite)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80, done.stdout
    assert lines[0].startswith("agent      satellite, running")
    assert any(line.startswith("resync") for line in lines), done.stdout


def test_status_as_json(satellite):
    status = ctl.ask(satellite, "status")
    assert status["agent"]["phase"] == "running"
    assert status["health"]["admin"] == "answers" and status["health"]["reason"] == ""
    assert {job["kind"] for job in status["jobs"]} >= {"drain", "health", "reconcile", "resync"}


def test_python_client_gets_the_same(satellite):
    client = Control(satellite.socket)
    answer = client.call("status")
    assert set(answer) == {"version", "id", "result"} and answer["version"] == 1 and answer["id"] == 1
    assert answer["result"].keys() == ctl.ask(satellite, "status").keys()


def test_resync_runs_the_job(satellite):
    before = ctl.job(satellite, "resync")
    done = ctl.run("resync", agent=satellite)
    assert done.returncode == 0 and done.stdout.startswith("nothing done: admin-cluster_username is empty"), done
    assert ctl.job(satellite, "resync")["succeeded"] > before["succeeded"]


@pytest.fixture
def core(make_agent, fresh_node):
    """The only core of its cluster."""
    place = f"{fresh_node.address}:{fresh_node.admin_port}"
    settings = {"core.discovery": "static", "core.peers": [place], "core.interval": 1,
                "core.publish_interval_ms": PUBLISH_MS}
    agent = make_agent(fresh_node, settings, env={"POD_IP": fresh_node.address})
    agent.wait_ready()
    return agent


def test_health_asks_proxysql_now(satellite):
    done = ctl.run("health", agent=satellite)
    assert done.returncode == 0 and "\nhealth     admin answers for " in done.stdout, done
    before = ctl.job(satellite, "health")
    found = ctl.ask(satellite, "health")["health"]
    assert (found["admin"], found["reason"]) == ("answers", "")
    assert ctl.job(satellite, "health")["succeeded"] > before["succeeded"]


def test_health_of_a_node_that_is_gone_is_status_2(make_agent, make_node):
    node = make_node()
    agent = make_agent(node, {"run_mode": "satellite"})
    agent.wait_ready()
    node.kill()
    wait_until(lambda: ctl.run("health", agent=agent).returncode == 2, 3 * SLOW, "health tells it")  # health.max_age_ms
    assert "health     admin refused" in ctl.run("health", agent=agent).stdout


def test_members_and_reconcile_of_a_core(core, fresh_node):
    host = fresh_node.address
    wait_until(lambda: [(m["host"], m["wanted"], m["actual"]) for m in ctl.ask(core, "members")["cluster"]["members"]]
               == [(host, True, True)], 5 * SLOW, "the node is a member")
    table = ctl.run("members", agent=core)
    assert table.returncode == 0 and "members    1, 1 wanted" in table.stdout, table
    before = ctl.job(core, "reconcile")
    assert ctl.run("reconcile", agent=core).stdout.startswith("nothing to do: 1 members, as they should be (")
    assert ctl.job(core, "reconcile")["succeeded"] > before["succeeded"]
    fresh_node.admin("DELETE FROM proxysql_servers")
    fresh_node.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    assert f"the next write may come {PUBLISH_MS} ms after" in ctl.ask(core, "reconcile")["summary"]
    wait_until(lambda: ctl.ask(core, "reconcile")["summary"] == "nothing to do: 1 members, as they should be",
               9 * SLOW, "they are written")
    assert fresh_node.value("SELECT hostname FROM runtime_proxysql_servers") == host


def test_version_of_all_three(satellite, node):
    found = ctl.ask(satellite, "version")
    printed = ctl.run("version", agent=satellite).stdout.split("\n")
    assert found["protocol"] == 1 and found["proxysql"] == node.value("SELECT version()")
    own = ctl.run("--version").stdout.split()[1]
    assert printed[0].split() == ["agentctl", own]
    assert printed[1].split()[:2] == ["agent", found["agent"] + ","]
    assert printed[2].split() == ["ProxySQL", found["proxysql"]]


def test_job_of_another_mode_is_refused_in_words(satellite):
    done = ctl.run("reconcile", agent=satellite)
    assert done.returncode == 2
    assert done.stderr == ("proxysql-agentctl: reconcile: reconcile is for run_mode core, this agent runs as "
                           "satellite\n")


def test_log_level_changes(satellite):
    assert ctl.ask(satellite, "log-level", "debug") == {"before": "INFO", "level": "DEBUG"}
    assert ctl.ask(satellite, "log-level", "INFO") == {"before": "DEBUG", "level": "INFO"}


@pytest.mark.parametrize("words, says", [
    ((), "no command is given"),
    (("stauts",), 'there is no command "stauts"; did you mean status?'),
    (("log-level",), "log-level needs a level: DEBUG, INFO, WARN, ERROR"),
    (("log-level", "loud"), 'level "loud": allowed is DEBUG, INFO, WARN, ERROR'),
    (("drain", "--delay", "-1"), '--delay "-1": allowed is 0 to 3600 seconds'),
    (("status", "--output", "xml"), '--output "xml": allowed is table, json'),
    (("status", "more"), 'status takes no "more"'),
])
def test_wrong_usage_is_status_3(words, says):
    done = ctl.run(*words)
    assert done.returncode == 3 and done.stdout == ""
    assert says in done.stderr


def test_config_says_where_each_value_comes_from(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite"}, env={"AGENT_SATELLITE_INTERVAL": "7"}, flags=["--log.source"])
    settings = {setting["key"]: setting for setting in ctl.ask(agent, "config")["settings"]}
    assert settings["satellite.interval"]["value"] == "7"
    assert settings["satellite.interval"]["where"] == "AGENT_SATELLITE_INTERVAL"
    assert (settings["log.source"]["source"], settings["log.source"]["where"]) == ("flag", "--log.source")
    assert settings["api.port"]["source"] == "file" and "agent.yaml:" in settings["api.port"]["where"]
    assert settings["workers.count"]["source"] == "default"
    assert settings["proxysql.password"]["value"] == '"********"'
    table = ctl.run("config", agent=agent).stdout
    assert "radmin" in table and table.count("radmin") == 1  # the user, never the password
    rows = table.partition("\n\n")[0].splitlines()
    assert max(map(len, rows)) <= 80 and "file line" in rows[2], table


def test_reload_tells_what_changed(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite", "satellite.interval": 9})
    config = agent.folder / "agent.yaml"
    config.write_text(config.read_text().replace('"interval": 9', '"interval": 8'))
    assert ctl.ask(agent, "reload")["summary"] == "changed: satellite.interval"
    config.write_text(config.read_text().replace('"interval": 8', '"interval": "soon"'))
    done = ctl.run("reload", agent=agent)
    assert done.returncode == 2 and "satellite.interval" in done.stderr and "soon" in done.stderr
    settings = {setting["key"]: setting["value"] for setting in ctl.ask(agent, "config")["settings"]}
    assert settings["satellite.interval"] == "8"


def test_dump_writes_files(satellite):
    summary = ctl.ask(satellite, "dump")["summary"]
    assert "stats_mysql_query_digest" in summary and "-digests.csv" in summary


def test_a_presigned_url_in_the_command_line_is_warned_about(satellite):
    said = "every process on this machine can read --upload-url"
    for url, warned in (("ftp://127.0.0.1/?X-Amz-Signature=secret", True), ("ftp://127.0.0.1/x", False)):
        done = ctl.run("dump", "--upload-url", url, agent=satellite)
        assert done.returncode == 2 and (said in done.stderr) == warned and "secret" not in done.stderr, done


def test_maintenance_and_back(satellite):
    result = ctl.ask(satellite, "drain", "--maintenance", "--wait", "--delay", "0")
    assert "drained" in result["summary"]
    status = ctl.ask(satellite, "status")
    assert (status["agent"]["phase"], status["drain"]["step"]) == ("draining", "drained")
    assert satellite.ready().status == 503
    refused = ctl.run("resync", agent=satellite)
    assert refused.returncode == 2 and "draining" in refused.stderr
    undone = ctl.ask(satellite, "undrain")["summary"]
    assert re.fullmatch(r"serving again after \d+ s: PROXYSQL RESUME, timeouts (restored|as they were)", undone), undone
    assert ctl.ask(satellite, "undrain")["summary"] == "nothing to undo: this node does not drain"
    assert ctl.ask(satellite, "status")["agent"]["phase"] == "running"
    satellite.wait_ready()


def test_drain_waits_for_the_end_and_the_agent_ends(satellite):
    done = ctl.run("drain", "--wait", "--delay", "0", agent=satellite)
    assert done.returncode == 0 and done.stdout.startswith("stopped after "), done
    assert satellite.process.wait(10) == 0


def test_status_under_a_wedge_is_the_last_known_state_with_its_age(make_agent, fresh_node):
    """Within a second, each time: the first one that meets the wedge, and those after it."""
    agent = make_agent(fresh_node, {"run_mode": "satellite"})
    agent.wait_ready()
    ctl.ask(agent, "status")
    wedge = fresh_node.wedge(6 * SLOW)
    client = Control(agent.socket)
    took = []

    def stuck():
        began = time.monotonic()
        found = client.call("status")["result"]
        took.append(time.monotonic() - began)
        return found["health"]["admin"] == "stuck" and found["cluster"]["age_ms"] > 500 and found

    status = wait_until(stuck, 4 * SLOW, "the status tells of the wedge")
    for _ in range(20):
        stuck()
    assert sorted(took)[-2] < 1 * SLOW and wedge.holds()  # the machine may have had other work once
    assert status["proxysql"]["version"] and status["cluster"]["known"]
    assert "seen " in ctl.run("status", agent=agent).stdout
    wedge.wait()
