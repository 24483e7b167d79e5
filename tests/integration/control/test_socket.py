"""Where the socket is, who may connect, who may change something."""
import fcntl
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from lib import ctl
from lib.agent import SLOW, clean_environment
from lib.binaries import built
from lib.control import Control

AGENTCTL = built("proxysql-agentctl")
nobody = pwd.getpwnam("nobody")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")


def run_as(user, *words, agent):
    """With a copy of the program: others may not look into the folder that it was built in."""
    program = shutil.copy(AGENTCTL, agent.socket.parent / AGENTCTL.name)
    return subprocess.run([program, "--socket", agent.socket, *words], user=user.pw_uid, group=user.pw_gid,
                          extra_groups=[], text=True, capture_output=True, check=False, timeout=20)


def open_folder(agent):
    os.chmod(agent.socket.parent, 0o755)


def test_missing_refused_and_forbidden_are_told_apart(tmp_path):
    missing = ctl.run("status", "--socket", str(tmp_path / "no.sock"))
    assert missing.returncode == 1 and f"{tmp_path}/no.sock: missing: no agent has made it" in missing.stderr
    left = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left))
    refused = ctl.run("status", "--socket", str(left))
    assert refused.returncode == 1 and "refused: no agent listens there any more" in refused.stderr


@needs_root
def test_without_a_path_both_places_are_tried_and_named(tmp_path):
    script = f'mount -t tmpfs none /run && exec "{AGENTCTL}" status'
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False,
                          env=clean_environment(TMPDIR=str(tmp_path)))
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "proxysql-agentctl: cannot reach an agent:",
        "  /run/proxysql-agent/agent.sock: missing: no agent has made it",
        f"  {tmp_path}/proxysql-agent-{os.geteuid()}/agent.sock: missing: no agent has made it"]


@needs_root
def test_agent_and_agentctl_meet_in_the_default_places(make_agent, node, tmp_path):
    """In /run when that can be written to, else in a folder of our own in TMPDIR."""
    for prepare, where in (("true", "/run/proxysql-agent/agent.sock"),
                           ("mount -o remount,ro /run", f"{tmp_path}/proxysql-agent-0/agent.sock")):
        launcher = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none /run && {prepare} && exec "$0" "$@"']
        agent = make_agent(node, {"run_mode": "satellite", "control.socket": ""}, launcher=launcher,
                           env={"TMPDIR": str(tmp_path)})
        assert agent.wait_record("control socket")["path"] == where
        done = subprocess.run(["nsenter", "--mount", "--root", "--target", str(agent.process.pid), AGENTCTL, "version"],
                              capture_output=True, text=True, check=False, env=clean_environment(TMPDIR=str(tmp_path)))
        assert done.returncode == 0, done
        agent.close()


LISTENER = """
import os, socket, sys
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
os.mkdir(os.path.dirname(sys.argv[1]), 0o755)
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.chmod(sys.argv[1], 0o666)
print("listening", flush=True)
client, _ = listener.accept()
print(client.recv(1), flush=True)
"""


@needs_root
@pytest.mark.parametrize("user", [nobody, pwd.getpwuid(0)])
def test_another_user_in_the_default_place_is_told_nothing(user):
    """Anybody can make a folder with our number in /tmp; what our own agent would be asked comes, to see that it does."""
    with tempfile.TemporaryDirectory(prefix="agent-") as place:
        os.chmod(place, 0o777)
        path = f"{place}/proxysql-agent-0/agent.sock"
        command = ["python3", "-c", LISTENER, path, str(user.pw_uid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "listening\n"
            script = f'mount -t tmpfs none /run && exec "{AGENTCTL}" --timeout 1 dump --upload-url http://a/?secret'
            done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True,
                                  check=False, env=clean_environment(TMPDIR=place))
            told = other.stdout.readline() if AGENTCTL.name in done.stderr else ""
            other.kill()
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 1
    assert (f"{path}: not trusted: another user listens there" in done.stderr) == (user.pw_uid != 0)
    assert told == ("b'\\x00'\n" if user.pw_uid == 0 else "b''\n")


def test_mode_is_the_files(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite"})
    assert stat.S_IMODE(agent.socket.stat().st_mode) == 0o660
    agent = make_agent(node, {"run_mode": "satellite", "control.mode": "0600"})
    assert stat.S_IMODE(agent.socket.stat().st_mode) == 0o600


def test_a_socket_left_behind_is_replaced_and_removed_at_the_end(make_agent, node, tmp_path):
    left = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(left))
    agent = make_agent(node, {"run_mode": "satellite", "control.socket": str(left)})
    Control(left).call("version")
    agent.stop()
    assert not left.exists()


def test_a_live_socket_is_respected_and_the_agent_goes_on(satellite, make_agent, node):
    other = make_agent(node, {"run_mode": "satellite", "control.socket": str(satellite.socket)})
    other.wait_ready()
    warnings = other.records_begin("no control socket")
    assert len(warnings) == 1 and warnings[0]["level"] == "WARN"
    assert warnings[0]["error"] == f"{satellite.socket}: another agent serves it"
    assert "set control.socket" in warnings[0]["msg"]
    other.stop()
    assert Control(satellite.socket).call("version")["result"]["protocol"] == 1  # it is still the first one's


def test_a_folder_that_somebody_keeps_locked_holds_up_for_half_a_second(make_agent, node):
    """Whoever may open a folder may lock it."""
    with tempfile.TemporaryDirectory(prefix="agent-") as place:
        folder = os.open(place, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        began = time.monotonic()
        agent = make_agent(node, {"run_mode": "satellite", "control.socket": f"{place}/s"})
        assert 0.5 <= time.monotonic() - began < 5 * SLOW
        assert ctl.run("--socket", f"{place}/s", "version").returncode == 0
        os.close(folder)
        agent.stop()


@pytest.mark.parametrize("path, why", [("/no/such/folder/s", "No such file or directory"), ("/dev/null", "is no socket"),
                                       ("/" + "x" * 108, "107 bytes")])
def test_a_socket_that_cannot_be_made_is_one_warning(make_agent, node, path, why):
    agent = make_agent(node, {"run_mode": "satellite", "control.socket": path})
    agent.wait_ready()
    warning, = agent.records_begin("no control socket")
    assert why in warning["error"]


@needs_root
def test_another_user_may_look_but_not_change(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite", "control.mode": "0666"})
    open_folder(agent)
    assert run_as(nobody, "version", agent=agent).returncode == 0
    done = run_as(nobody, "log-level", "DEBUG", agent=agent)
    assert done.returncode == 2
    assert done.stderr == ("proxysql-agentctl: log-level: log-level changes something: only uid 0 and the agent's own (0)"
                           f" may, not uid {nobody.pw_uid}; run it as root or as the agent's user\n")
    record = agent.wait_record("a control command was refused")
    assert (record["command"], record["uid"]) == ("log-level", nobody.pw_uid)
    assert ctl.ask(agent, "log-level", "INFO")["before"] == "INFO"


@needs_root
def test_who_may_not_connect_is_told_so(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite"})
    open_folder(agent)
    done = run_as(nobody, "status", agent=agent)
    assert done.returncode == 1
    assert "permission denied: its mode is 0660, its owner uid 0, group 0" in done.stderr


def test_changes_are_logged_with_who(satellite):
    ctl.ask(satellite, "log-level", "INFO")
    record = satellite.wait_record("control command")
    assert (record["command"], record["uid"]) == ("log-level", os.geteuid())
