"""Every command, as its user runs it."""
import pytest

from lib import ctl
from lib.control import Control


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
    before = next(job for job in ctl.ask(satellite, "jobs")["jobs"] if job["kind"] == "resync")
    assert ctl.run("resync", agent=satellite).returncode == 0
    after = next(job for job in ctl.ask(satellite, "jobs")["jobs"] if job["kind"] == "resync")
    assert after["succeeded"] > before["succeeded"]


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
    (("drain", "--delay", "-1"), 'delay "-1": allowed is 0 to 3600 seconds'),
    (("status", "--output", "xml"), '--output "xml": allowed is table, json'),
    (("status", "more"), 'status takes no "more"'),
])
def test_wrong_usage_is_status_3(words, says):
    done = ctl.run(*words)
    assert done.returncode == 3 and done.stdout == ""
    assert says in done.stderr


def test_no_agent_is_status_1_and_says_where(tmp_path):
    done = ctl.run("status", env={"TMPDIR": str(tmp_path)})
    assert done.returncode == 1
    assert "/run/proxysql-agent/agent.sock: " in done.stderr
    assert f"{tmp_path}/proxysql-agent-" in done.stderr and "missing" in done.stderr
