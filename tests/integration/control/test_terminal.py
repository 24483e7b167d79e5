"""proxysql-agentctl in a terminal: colours, bars, keys; and the same without one."""
import os
import re
import signal
import time

import pytest

from lib import ctl
from lib.agent import SLOW
from lib.binaries import built
from lib.control import Control
from lib.digests import make_digests
from lib.put_server import PutServer
from lib.terminal import CTRL_C, Terminal
from lib.waiting import wait_until

COLOR = re.compile(r"\033\[\d+m")
CLEAR_SCREEN = "\033[H\033[2J"
CLEAR_LINE = "\r\033[K"
LONG = 5000  # rows: more than a pipe holds


def in_terminal(agent, *words, env=None):
    return Terminal([built("proxysql-agentctl"), "--socket", agent.socket, *words], env)


def without_codes(shown):
    return re.sub(r"\033\[[0-9;]*[A-Za-z]", "", shown)


# --- colours and bars


def test_colours_are_for_terminals_that_want_them(satellite):
    with in_terminal(satellite, "status") as terminal:
        assert terminal.end() == 0
        assert COLOR.search(terminal.shown)
        assert max(map(len, without_codes(terminal.shown).splitlines())) <= 80
    for words, env in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}), ([], {"TERM": "dumb"}), (["--output=json"], {})):
        with in_terminal(satellite, "status", *words, env=env) as terminal:
            assert terminal.end() == 0
            assert "satellite" in terminal.shown and "\033" not in terminal.shown, (words, env)
    assert "\033" not in ctl.run("status", agent=satellite).stdout


@pytest.fixture
def upload(node, make_agent, tmp_path):
    """(agent, words, server): a dump whose upload's first attempt stalls."""
    make_digests(node, 5)
    server = PutServer(["stall"])
    agent = make_agent(node, {"run_mode": "satellite", "dump.dir": str(tmp_path)})
    agent.wait_ready()
    yield agent, ["dump", "--upload-url", server.url("/x")], server
    server.close()


def test_a_bar_is_for_a_terminal(upload):
    agent, words, _server = upload
    with in_terminal(agent, *words) as terminal:
        terminal.wait_for(re.compile(r"\[[#.]{24}\] +\d+% ").search, "a bar")
        assert "\n" not in terminal.shown  # one line, again and again
        assert max(len(without_codes(line)) for line in terminal.shown.split("\r")) <= 80
        terminal.press(CTRL_C)
        assert terminal.end() == -signal.SIGINT


def test_a_line_is_cleared_before_the_answer_comes(satellite):
    with in_terminal(satellite, "drain", "--maintenance", "--wait", "--delay", "1") as terminal:
        assert terminal.end() == 0
        waiting, _, answer = terminal.shown.rpartition(CLEAR_LINE)
        assert "waiting for the balancers" in waiting and "drained" in answer
    ctl.ask(satellite, "undrain")


def test_without_a_terminal_there_are_lines_and_no_bar(upload):
    agent, words, server = upload
    done = ctl.run(*words, "--timeout", str(2 * SLOW), agent=agent)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.splitlines()[-2:] == [
        server.url("/x"), f"proxysql-agentctl: {agent.socket}: the agent does not answer in time"]
    assert "\r" not in done.stderr and "\033" not in done.stderr


# --- keys


def test_watch_shows_it_again_until_ctrl_c(satellite):
    with in_terminal(satellite, "status", "--watch", "--interval", "1") as terminal:
        terminal.wait_for(lambda shown: shown.count(CLEAR_SCREEN) >= 3, "three screens")
        assert all("satellite, running" in without_codes(screen) for screen in terminal.shown.split(CLEAR_SCREEN)[1:3])
        terminal.press(CTRL_C)
        assert terminal.end() == -signal.SIGINT


def test_ctrl_c_leaves_a_dump_alone(node, satellite, tmp_path):
    make_digests(node, LONG)
    path = tmp_path / "rows"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with in_terminal(satellite, "dump", "--pipe", path) as terminal:
        terminal.wait_for(re.compile(r"rows/s: \d+ rows").search, "rows are counted")
        terminal.press(CTRL_C)
        assert terminal.end() == -signal.SIGINT
    assert ctl.job(satellite, "dump")["running"]
    got = b""

    def ended():
        nonlocal got
        got += read_some(reader)
        return ctl.job(satellite, "dump")["succeeded"] == 1

    wait_until(ended, 30 * SLOW, "the dump ends")
    got += read_some(reader)
    os.close(reader)
    assert got.count(b"\n") == LONG + 1
    make_digests(node, 0)


def read_some(reader):
    """What is in a pipe now."""
    got = b""
    try:
        while piece := os.read(reader, 1 << 20):
            got += piece
    except BlockingIOError:
        pass
    return got


def test_ctrl_c_leaves_a_drain_alone_and_undrain_takes_it_back(satellite):
    with in_terminal(satellite, "drain", "--maintenance", "--wait", "--delay", "30") as terminal:
        terminal.wait_text("waiting for the balancers")
        terminal.press(CTRL_C)
        assert terminal.end() == -signal.SIGINT
    assert ctl.ask(satellite, "status")["agent"]["phase"] == "draining"
    ctl.ask(satellite, "undrain")
    satellite.wait_ready()


# --- how long


def test_a_timeout_ends_in_words(satellite):
    began = time.monotonic()
    done = ctl.run("drain", "--maintenance", "--wait", "--delay", "60", "--timeout", "1", agent=satellite)
    assert done.returncode == 1
    assert done.stderr.endswith(f"proxysql-agentctl: {satellite.socket}: the agent does not answer in time\n")
    assert 1 <= time.monotonic() - began < 10 * SLOW
    ctl.ask(satellite, "undrain")


def test_an_agent_that_does_not_answer(satellite):
    satellite.process.signal(signal.SIGSTOP)
    done = ctl.run("version", "--timeout", "1", agent=satellite)
    satellite.process.signal(signal.SIGCONT)
    assert done.returncode == 1 and "does not answer in time" in done.stderr


# --- progress


def test_progress_of_a_dump_reaches_the_client(upload):
    agent, words, _server = upload
    client, seen = Control(agent.socket, timeout=30 * SLOW), []

    def look(progress):
        seen.append(progress)
        if progress["total"] > 0:
            raise StopIteration

    with pytest.raises(StopIteration):
        client.call("dump", look, **{"upload-url": words[-1]})
    assert all({"text", "done", "total", "unit"} == set(progress) for progress in seen)
    assert seen[-1]["unit"] == "bytes" and 0 <= seen[-1]["done"] <= seen[-1]["total"]
