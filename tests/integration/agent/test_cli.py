"""Command line, environment and file; how it refuses to start; its log."""
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from lib.agent import NEW_LIFE, SLOW, clean_environment, run
from lib.binaries import ROOT, built
from lib.ports import free_port
from lib.process import Process
from lib.waiting import wait_until

TEXT_LINE = re.compile(r"^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=(DEBUG|INFO|WARN|ERROR) msg=")

REFERENCE_CONFIG = """\
start_delay: 0
run_mode: core
log:
  level: "DEBUG"
  format: "JSON"
  probes: true
  source: true
proxysql:
  address: "127.0.0.1:{admin}"
  username: "radmin"
  password: "radmin"
core:
  interval: 10
  podselector:
    namespace: "proxysql"
    app: "proxysql"
    component: "core"
satellite:
  interval: 10
interfaces:
  - eth0
  - lo
api:
  port: {api}
shutdown:
  draining_file: "{folder}/draining"
  drain_timeout: 30
  shutdown_timeout: 60
"""


@pytest.fixture
def free_agent(tmp_path):
    """free_agent(flags, env): the agent as a user starts it, in an empty folder, waited for until it listens."""
    running = []

    def start(*flags, **env):
        alone = {"AGENT_SHUTDOWN_DRAIN_ON_SIGNAL": "false",  # the node is for the other tests, too
                 "AGENT_CONTROL_SOCKET": str(tmp_path / "agent.sock")}  # another agent may have the usual one
        agent = Process([built("proxysql-agent"), *flags], tmp_path / "log", clean_environment(**alone, **env), tmp_path)
        running.append(agent)
        wait_until(lambda: "listening" in agent.log() or not agent.running(), 10 * SLOW, "it listens")
        return agent

    yield start
    for agent in running:
        assert agent.stop(20 * SLOW) == 0, agent.log()


def wait_life(agent):
    wait_until(lambda: NEW_LIFE in agent.log(), 3 * SLOW, "it finds ProxySQL")


def test_a_library_that_nobody_uses_is_not_initialised():
    """libgnutls, which comes with libcurl, would tell what it does when it is loaded."""
    environment = {**os.environ, "GNUTLS_DEBUG_LEVEL": "3"}
    answer = subprocess.run([built("proxysql-agent"), "--version"], capture_output=True, text=True, env=environment, check=True)
    assert answer.stdout.startswith("proxysql-agent ") and answer.stderr == ""


def test_no_run_mode(tmp_path):
    done = run(cwd=tmp_path)
    assert done.returncode == 0 and "no run_mode is set" in done.stdout and not done.stderr


def test_version_help_and_check(tmp_path):
    assert re.fullmatch(r"proxysql-agent \d+\.\d+\.\d+\n", run("--version", cwd=tmp_path).stdout)
    helped = run("--help", cwd=tmp_path)
    assert helped.returncode == 0 and "--proxysql.address" in helped.stdout
    assert run("--check-config", "--run_mode=core", cwd=tmp_path).returncode == 0
    shown = run("--show-config", "--proxysql.password=hunter2", cwd=tmp_path)
    assert shown.returncode == 0 and "hunter2" not in shown.stdout and "radmin" in shown.stdout


@pytest.mark.parametrize("flags, words", [
    (["--run_mode=core", "--api.port=80x"], ["--api.port", "80x"]),
    (["--run_mode=core", "--proxysql.address=nowhere"], ["--proxysql.address", "nowhere", "host:port"]),
    (["--run_mode=leader"], ["--run_mode", "leader", "core, satellite, dump"]),
    (["--no.such.flag=1"], ["no.such.flag"]),
    (["--start_delay=-1", "--run_mode=core"], ["--start_delay", "-1"])])
def test_bad_flags(tmp_path, flags, words):
    done = run(*flags, cwd=tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and not done.stdout
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("text, place, words", [
    ("run_mode: core\napi:\n  port: 80x\n", ":3:9:", ["api.port", "80x"]),
    ("run_mode: cor\n", ":1:11:", ["run_mode", "cor"]),
    ("run_mode: core\nlog: [1]\n", ":2:6:", ["log", "must hold keys"]),
    ("a: b: c\n", ":1:5:", ["YAML"])])
def test_a_bad_file_is_refused_by_its_place(tmp_path, text, place, words):
    (tmp_path / "config.yaml").write_text(text)
    done = run(cwd=tmp_path)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert "config.yaml" + place in done.stderr and all(word in done.stderr for word in words), done.stderr


def test_a_named_file_must_exist(tmp_path):
    done = run(cwd=tmp_path, env=clean_environment(AGENT_CONFIG_FILE=str(tmp_path / "none.yaml")))
    assert done.returncode == 1 and "none.yaml" in done.stderr


def test_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--run_mode=core", "--api.address=127.0.0.1", f"--api.port={port}", cwd=tmp_path)
    errors = [line for line in done.stdout.splitlines() if "level=ERROR" in line]
    assert done.returncode == 1 and len(errors) == 1 and not done.stderr, done
    assert str(port) in errors[0] and "already in use" in errors[0]


@pytest.mark.parametrize("address", ["localhost", "300.1.1.1", "192.0.2.1"])
def test_an_address_that_is_not_ours(tmp_path, address):
    done = run("--run_mode=core", f"--api.address={address}", cwd=tmp_path)
    errors = [line for line in (done.stdout + done.stderr).splitlines() if address in line]
    assert done.returncode == 1 and len(errors) == 1, done


def test_the_reference_agents_file(node, free_agent, tmp_path):
    (tmp_path / "config.yaml").write_text(REFERENCE_CONFIG.format(admin=node.admin_port, api=free_port(),
                                                                  folder=tmp_path))
    agent = free_agent()
    wait_life(agent)
    records = [json.loads(line) for line in agent.log().splitlines()]
    told = [r["msg"] for r in records if r["level"] in ("WARN", "ERROR")]
    assert len(told) == 2 and told[0].startswith("no pod watch"), told  # there is no API server here
    assert told[1].startswith("everybody who reaches the HTTP port may use /shutdown"), told
    assert all(list(r)[:3] == ["time", "level", "msg"] and "source" in r for r in records)


def test_the_projects_example_file(node, free_agent, tmp_path):
    agent = free_agent("--run_mode=core", f"--api.port={free_port()}",
                       f"--proxysql.address=127.0.0.1:{node.admin_port}",
                       AGENT_CONFIG_FILE=str(ROOT / "config.yaml"), AGENT_PROXYSQL_PASSWORD="radmin",
                       AGENT_API_SHUTDOWN_ALLOW="127.0.0.1", AGENT_SHUTDOWN_DRAINING_FILE=str(tmp_path / "draining"))
    wait_life(agent)
    assert "level=WARN" not in agent.log()


def test_the_reference_agents_command_line(node, free_agent, tmp_path):
    agent = free_agent("--run_mode=core", "--log.level", "DEBUG", "--log.probes",
                       f"--proxysql.address=127.0.0.1:{node.admin_port}", "--proxysql.username", "radmin",
                       "--proxysql.password=radmin", f"--api.port={free_port()}", "--core.interval=5",
                       f"--shutdown.draining_file={tmp_path}/draining")
    wait_life(agent)
    assert all(TEXT_LINE.match(line) for line in agent.log().splitlines())
    assert "\x1b" not in agent.log()


def test_the_environment(node, free_agent):
    agent = free_agent(AGENT_RUN_MODE="satellite", AGENT_API_PORT=str(free_port()), AGENT_LOG_FORMAT="json",
                       AGENT_PROXYSQL_ADDRESS=f"127.0.0.1:{node.admin_port}", AGENT_PROXYSQL_USERNAME="radmin",
                       AGENT_PROXYSQL_PASSWORD="radmin", AGENT_LOG_PROBES="T", AGENT_CORE_INTERVAL="")
    wait_life(agent)
    records = [json.loads(line) for line in agent.log().splitlines()]
    assert records[0]["run_mode"] == "satellite"
    assert "radmin" not in agent.log()


def test_unknown_keys_and_odd_values_are_warnings(node, free_agent, tmp_path):
    (tmp_path / "config.yml").write_text("run_mode: core\nlog:\n  level: loud\n  formt: JSON\n")
    agent = free_agent(f"--api.port={free_port()}", f"--proxysql.address=127.0.0.1:{node.admin_port}",
                       "--proxysql.password=radmin")
    wait_life(agent)
    warnings = [line for line in agent.log().splitlines() if "level=WARN" in line]
    assert len([w for w in warnings if "log.formt" in w and "log.format" in w]) == 1
    assert len([w for w in warnings if "loud" in w]) == 1
    assert len([w for w in warnings if "proxysql.password" in w]) == 1  # given by flag


def test_one_write_for_each_line(node, tmp_path):
    """A pipe in packet mode keeps what each write carried apart."""
    read_end, write_end = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    port = free_port()
    popen = subprocess.Popen(
        [built("proxysql-agent"), "--run_mode=core", "--log.format=JSON", "--log.probes", f"--api.port={port}",
         f"--proxysql.address=127.0.0.1:{node.admin_port}"], stdout=write_end, stdin=subprocess.DEVNULL,
        env=clean_environment(AGENT_PROXYSQL_PASSWORD="radmin", AGENT_SHUTDOWN_DRAIN_ON_SIGNAL="false"), cwd=tmp_path)
    os.close(write_end)
    try:
        writes = [os.read(read_end, 65536)]
        while b'"listening"' not in writes[-1]:
            writes.append(os.read(read_end, 65536))
        popen.send_signal(signal.SIGUSR1)
        popen.send_signal(signal.SIGUSR2)
        while b'"status"' not in writes[-1]:
            writes.append(os.read(read_end, 65536))
        popen.send_signal(signal.SIGTERM)
        while data := os.read(read_end, 65536):
            writes.append(data)
        assert popen.wait(20 * SLOW) == 0 and len(writes) >= 6
    finally:
        popen.kill()
        os.close(read_end)
    for data in writes:
        assert data.endswith(b"\n") and data.count(b"\n") == 1
        assert list(json.loads(data))[:3] == ["time", "level", "msg"]
