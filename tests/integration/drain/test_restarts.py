"""The agent is killed in the middle of a drain and started again: what its file says decides."""
import time

import pytest

from lib import ctl
from lib.agent import SLOW, clean_environment
from lib.agent import run as agent_runs
from lib.draining import (EMPTY, NOT_READY, REFUSED, SERVING, STOPPED, Shutdown, clients, ended, run, variable,
                          wait_emptying, wait_gone)
from lib.waiting import wait_until

JUDGED = "draining file judged"
UNREADABLE = ("the draining file cannot be read, so it is not known whether a drain was going on; it is tried again with each "
              "answer of ProxySQL")
VARIABLES = ["mysql-wait_timeout", "mysql-session_idle_ms"]
LONG = {"shutdown.pause_delay": 2, "shutdown.drain_timeout": 60, "shutdown.shutdown_timeout": 120}


def kill_in(agent, line):
    """kill -9 as soon as the log says so."""
    agent.wait_record(line, timeout=10)
    agent.process.kill()


@pytest.mark.parametrize("step", ["accepting", "emptying"])
def test_a_shutdown_goes_on(served, make_agent, client, step):
    agent = make_agent(served, LONG)
    busy = client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    Shutdown(agent)
    agent.wait_record(NOT_READY)
    if step == "emptying":
        wait_emptying(agent)
    agent.process.kill()
    again = make_agent(served, LONG, ready=False, same=True)
    assert again.ready().status == 503
    assert again.wait_record(JUDGED)["until"] == "stopped"
    wait_emptying(again, count=2 if step == "emptying" else 1)  # both lives' records are in one log
    run(busy, "COMMIT")
    ended(again)
    wait_gone(served)
    assert again.records(EMPTY) and again.records(STOPPED)


@pytest.mark.parametrize("line", [NOT_READY, REFUSED, EMPTY])
def test_a_maintenance_stays(served, make_agent, client, line):
    agent = make_agent(served)
    client()
    ctl.ask(agent, "drain", "--maintenance")
    kill_in(agent, line)
    again = make_agent(served, ready=False, same=True)
    assert again.wait_record(JUDGED)["until"] == "maintenance"
    again.wait_record(EMPTY, timeout=8)
    assert served.process.running() and clients(served) == 0 and again.ready().status == 503
    ctl.ask(again, "undrain")
    again.wait_ready()
    assert not again.draining_file.exists() and not served.traffic_refused()


def test_another_life_is_another_story(served, make_agent):
    """The pod's containers restart: ready within seconds of ProxySQL, and nothing of the drain is left."""
    agent = make_agent(served)
    wait_until(lambda: int(served.counter("ProxySQL_Uptime")) >= 3, 10, "it is old enough to be another life")
    assert Shutdown(agent).result().status == 200
    ended(agent)
    wait_gone(served)
    assert agent.draining_file.exists()
    again = make_agent(served, ready=False, same=True)
    assert again.ready().status == 503
    served.start()
    began = time.monotonic()
    again.wait_ready(timeout=5)
    assert time.monotonic() - began < 5 * SLOW
    assert not again.draining_file.exists() and again.records(SERVING)


def test_a_shutdown_whose_time_is_over_is_undone(served, make_agent, client):
    """It cannot have been this pod's end: the node is there, serves again and has its variables back."""
    before = [variable(served, name) for name in VARIABLES]
    short = {"shutdown.pause_delay": 0, "shutdown.drain_timeout": 5, "shutdown.shutdown_timeout": 8}
    agent = make_agent(served, short)
    busy = client()
    run(busy, "BEGIN")
    run(busy, "INSERT INTO drained VALUES (1)")
    Shutdown(agent)
    wait_until(lambda: all(variable(served, name) != old for name, old in zip(VARIABLES, before)), 6 * SLOW,
               "both are touched")
    kill_in(agent, REFUSED)
    assert served.traffic_refused()
    time.sleep(8)
    again = make_agent(served, short, ready=False, same=True)
    assert again.wait_record(JUDGED)["until"] == "running"
    again.wait_ready()
    assert not served.traffic_refused() and not again.draining_file.exists()
    assert [variable(served, name) for name in VARIABLES] == before
    run(busy, "COMMIT")


@pytest.mark.knobs
def test_it_is_judged_when_proxysql_answers(served, make_agent):
    agent = make_agent(served)
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    agent.process.kill()
    served.control("wedge on")
    again = make_agent(served, ready=False, same=True)
    again.wait_record("the admin interface does not answer; asking again every second", timeout=5)
    assert not again.records(JUDGED) and again.ready().status == 503
    served.control("wedge off")
    assert again.wait_record(JUDGED, timeout=5)["until"] == "maintenance"


def test_it_is_judged_when_it_can_be_read(served, make_agent, tmp_path):
    """A regular file whose read fails is in its place when the agent comes back; nobody knows what was asked for."""
    folder, kept = tmp_path / "file", tmp_path / "kept"
    folder.mkdir()
    settings = {"shutdown.draining_file": str(folder / "mem")}
    agent = make_agent(served, settings)
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    agent.process.kill()
    folder.rename(kept)
    folder.symlink_to("/proc/self")
    again = make_agent(served, settings, ready=False, same=True)
    wait_until(lambda: again.status()["admin"] == "answers", 5 * SLOW, "ProxySQL has answered")
    assert again.ready().status == 503 and not again.records(JUDGED) and len(again.records(UNREADABLE)) == 1
    folder.unlink()
    kept.rename(folder)
    wait_until(lambda: again.ready() and again.records(JUDGED), 5 * SLOW, "it is judged")  # probes ask ProxySQL
    assert again.records(JUDGED)[0]["until"] == "maintenance"
    wait_until(lambda: ctl.ask(again, "status")["drain"]["step"] == "drained", 5 * SLOW, "it stays drained")
    ctl.ask(again, "undrain")
    again.wait_ready()
    assert not (folder / "mem").exists()


@pytest.mark.parametrize("flag", ["--check-config", "--show-config", "--run_mode=dump"])
def test_other_uses_leave_the_file(served, make_agent, flag):
    agent = make_agent(served)
    ctl.ask(agent, "drain", "--maintenance", "--wait")
    before = agent.draining_file.read_bytes()
    done = agent_runs(flag, cwd=agent.folder, env=clean_environment(AGENT_CONFIG_FILE=str(agent.folder / "agent.yaml")))
    assert done.returncode == (1 if flag == "--run_mode=dump" else 0)  # a node that drains dumps nothing
    assert agent.draining_file.read_bytes() == before
    ctl.ask(agent, "undrain")
