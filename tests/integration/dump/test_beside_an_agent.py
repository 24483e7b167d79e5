"""A dump while an agent runs beside it: one at a time, none while draining, and nothing that a probe could notice."""
import contextlib
import os
import signal
import threading
import time

import pytest

from lib import ctl
from lib.agent import SLOW, Agent, split_log
from lib.digests import HOST, assert_same, dump, in_proxysql, make_digests, read, start_dump, totals
from lib.metrics import read_metrics
from lib.put_server import PutServer
from lib.waiting import wait_until

NAME = f"{HOST}-digests.csv"
BUSY = "this agent's dump keeps ProxySQL busy"


@pytest.fixture
def make_agent(tmp_path):
    with contextlib.ExitStack() as stack:
        def make(node, **settings):
            agent = Agent(tmp_path / "agent", node, {"run_mode": "satellite", "health.sync_gate_timeout": 0, **settings},
                          env={"HOSTNAME": HOST})
            stack.callback(agent.close)
            agent.start().wait_ready()
            return agent
        yield make


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "files"
    made.mkdir()
    return made


def beside(agent, **settings):
    return {"control.socket": agent.socket, "proxysql.address": agent.settings["proxysql.address"], **settings}


def test_the_agent_dumps_and_the_mode_touches_nothing(node, make_agent, tmp_path, folder):
    make_digests(node, 1000)
    agent = make_agent(node)
    began = time.monotonic()
    done = dump(node, tmp_path, beside(agent, **{
        "dump.dir": folder, "dump.format": "jsonl", "dump.compress": "gzip", "api.port": agent.port,
        "start_delay": 3600, "shutdown.draining_file": agent.draining_file}))
    assert done.status == 0, done.records
    assert time.monotonic() - began < 10 * SLOW
    assert not agent.draining_file.exists()
    assert agent.statuses() == (200, 200, 200)
    assert_same(read(folder / f"{HOST}-digests.jsonl.gz"), in_proxysql(node))
    assert done.record("dump done")["agent"] == str(agent.socket)
    assert str(folder) in done.record("dump done")["saved"]
    assert agent.records("dump done")[0]["rows"] == 1000
    metrics = read_metrics(agent)
    assert metrics.value("dump_rows_total") == 1000
    assert metrics.value("dump_bytes_total") == (folder / f"{HOST}-digests.jsonl.gz").stat().st_size


@pytest.mark.parametrize("reset", [True, False])
def test_the_modes_settings_count_not_the_agents(node, make_agent, tmp_path, folder, reset):
    make_digests(node, 10)
    agent = make_agent(node, **{"dump.reset": not reset, "dump.format": "jsonl", "dump.max_bytes": 1})
    done = dump(node, tmp_path, beside(agent, **{"dump.dir": folder, "dump.reset": str(reset).lower(),
                                                 "dump.format": "csv", "dump.max_bytes": 0}))
    assert done.status == 0, done.records
    assert totals(read(folder / NAME))[0] == 10
    assert totals(in_proxysql(node))[0] == (0 if reset else 10)


def test_standard_output_through_the_agent(node, make_agent, tmp_path):
    make_digests(node, 30000)
    agent = make_agent(node)
    done = dump(node, tmp_path, beside(agent, **{"dump.output": "-"}))
    assert done.status == 0, done.records
    path = tmp_path / "output.csv"
    path.write_bytes(done.output.encode())
    assert_same(read(path), in_proxysql(node))
    assert len(agent.records("dump done")) == 1
    assert not list(tmp_path.glob("proxysql-agent-pipe-*"))


def test_a_reader_that_goes_away_ends_the_agents_dump(node, make_agent, tmp_path):
    make_digests(node, 200000)
    agent = make_agent(node)
    reader, writer = os.pipe()
    process = start_dump(node, tmp_path, beside(agent, **{"dump.output": "-"}), stdout=writer)
    os.close(writer)
    assert os.read(reader, 1000)
    process.kill()
    os.close(reader)
    assert "Broken pipe" in agent.wait_record("dump failed", timeout=10)["error"]
    agent.wait_ready()


def test_an_agent_of_another_proxysql_is_not_asked(make_node, node, make_agent, tmp_path, folder):
    other = make_node()
    make_digests(node, 5)
    make_digests(other, 7)
    agent = make_agent(node)
    done = dump(other, tmp_path, {"control.socket": agent.socket, "dump.dir": folder})
    assert done.status == 0
    assert "this agent's is another one" in done.record("the agent beside this does not dump for us, so this process "
                                                        "does")["reason"]
    assert totals(read(folder / NAME))[0] == 7
    assert not agent.records("dump done")


def test_a_refusal_of_the_agent_is_told(node, make_agent, tmp_path, folder):
    make_digests(node, 5)
    agent = make_agent(node)
    done = dump(node, tmp_path, beside(agent, **{"dump.dir": folder / "missing", "dump.reset": "true"}))
    assert done.status == 1
    assert "No such file or directory" in done.record("dump failed")["error"]
    assert "nothing was taken out" in done.record("dump failed")["saved"]
    assert totals(in_proxysql(node))[0] == 5


@pytest.mark.knobs
def test_one_at_a_time(fresh_node, make_agent, tmp_path, folder):
    node = fresh_node
    make_digests(node, 5)
    node.control("digests-busy 1500")
    agent = make_agent(node)
    first = start_dump(node, tmp_path, beside(agent, **{"dump.dir": folder}))
    wait_until(lambda: "dump" in str(ctl.ask(agent, "jobs")) and agent.records("control command"), 5 * SLOW,
               "the first one runs")
    second = dump(node, tmp_path, beside(agent, **{"dump.dir": folder}))
    assert second.status == 1
    assert "dump" in second.record("dump failed")["error"]
    node.control("digests-busy off")
    assert first.wait(20 * SLOW) == 0
    assert totals(read(folder / NAME))[0] == 5


def test_not_while_draining(fresh_node, make_agent, tmp_path, folder):
    node = fresh_node
    make_digests(node, 5)
    agent = make_agent(node)
    assert ctl.run("drain", "--maintenance", "--delay", "0", agent=agent).returncode == 0
    wait_until(lambda: agent.ready().status == 503, 10 * SLOW, "it drains")
    done = dump(node, tmp_path, beside(agent, **{"dump.dir": folder}))
    assert done.status == 1
    assert "drain" in done.record("dump failed")["error"]
    assert not list(folder.iterdir())
    assert ctl.run("undrain", agent=agent).returncode == 0


def test_the_control_command(node, make_agent, folder):
    make_digests(node, 50)
    agent = make_agent(node)
    result = ctl.ask(agent, "dump", "--dir", str(folder), "--format", "jsonl", "--reset")
    assert "50 rows of stats_mysql_query_digest_reset" in result["summary"]
    assert totals(read(folder / f"{HOST}-digests.jsonl"))[0] == 50
    for words, says in ((["--pipe", "-"], "not for dumps"), (["--upload-url", "ftp://x"], "not an https URL"),
                        (["--pipe", str(folder)], "")):
        done = ctl.run("dump", *words, agent=agent)
        assert done.returncode != 0 and says in done.stderr


def test_a_signal_ends_the_asking(node, make_agent, tmp_path, folder):
    make_digests(node, 5)
    server = PutServer(["stall"])
    agent = make_agent(node)
    process = start_dump(node, tmp_path, beside(agent, **{"dump.dir": folder, "dump.upload_url": server.url("/x")}))
    wait_until(lambda: server.puts, 10 * SLOW, "the agent uploads")
    process.signal(signal.SIGTERM)
    assert process.wait(10 * SLOW) == 1
    assert "stopped waiting; the agent beside this goes on with the dump" in process.log()
    agent.stop()
    assert "stopped" in agent.records("dump failed")[0]["error"]
    server.close()


# --- probes


@pytest.mark.knobs
def test_probes_while_proxysql_builds_its_table(fresh_node, make_agent, folder):
    """health.wedge_tolerance does not count what our own dump explains."""
    node = fresh_node
    make_digests(node, 100)
    agent = make_agent(node, **{"health.wedge_tolerance": 1, "dump.dir": str(folder)})
    node.control("digests-busy 4000")
    dumping = threading.Thread(target=ctl.run, args=("dump",), kwargs={"agent": agent, "timeout": 60.0})
    dumping.start()
    degraded = agent.wait_probe("/healthz/live", lambda a: a.json["degraded"], 5)
    assert BUSY in degraded.json["reason"]
    began = time.monotonic()
    while dumping.is_alive():
        assert agent.statuses() == (200, 200, 200)
        time.sleep(0.02)
    assert time.monotonic() - began > 2, "longer than the tolerance"
    agent.wait_ready()
    assert totals(read(folder / NAME))[0] == 100
    assert not agent.records("the admin interface does not answer; asking again every second")
    assert agent.records("the admin interface does not answer while this agent's dump keeps ProxySQL busy")


@pytest.mark.knobs
def test_a_wedge_that_the_dump_does_not_explain_counts(fresh_node, make_agent, folder):
    node = fresh_node
    make_digests(node, 100)
    agent = make_agent(node, **{"health.wedge_tolerance": 1, "dump.dir": str(folder)})
    node.control("digests-busy 1500")
    assert ctl.run("dump", agent=agent).returncode == 0
    agent.wait_ready()
    node.control("wedge on")
    agent.wait_probe("/healthz/live", lambda a: a.status == 503, 5)
    node.control("wedge off")
    agent.wait_ready()


def test_probes_while_rows_stream(node, make_agent, tmp_path, folder):
    """The admin interface answers again as soon as the first row has come: health asks it meanwhile."""
    make_digests(node, 100000)
    agent = make_agent(node, **{"dump.dir": str(folder), "health.max_age_ms": 0})
    reader, writer = os.pipe()
    process = start_dump(node, tmp_path, beside(agent, **{"dump.output": "-"}), stdout=writer)
    os.close(writer)
    os.read(reader, 1000)
    agent.wait_ready(timeout=20)
    for _ in range(20):
        assert agent.ready().json["degraded"] is False
    threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 1 << 20), b"")], daemon=True).start()
    assert process.wait(60 * SLOW) == 0
    assert agent.records("dump done")[0]["rows"] == 100000
