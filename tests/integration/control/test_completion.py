"""Completion in the shells themselves: what the Tab key does to a line."""
import re
import shutil
import subprocess

import pytest

from lib import ctl
from lib.binaries import built
from lib.terminal import Terminal

TAB, CLEAR_LINE = b"\t", b"\x15"
CTL = built("proxysql-agentctl")


def completed(*words):
    """What bash offers for the last of the words, which are as bash takes a line apart."""
    script = ('source <("$0" completion bash); COMP_WORDS=(proxysql-agentctl "$@"); COMP_CWORD=$#; _proxysql_agentctl;'
              ' echo "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, CTL, *words], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def commands():
    """Those that the help lists."""
    lines = ctl.run("help").stdout.partition("Options")[0].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def test_bash_completes():
    assert completed("rec") == ["reconcile"]
    assert {*commands(), "--socket"} <= set(completed(""))
    assert completed("drain", "--m") == ["--maintenance"]
    assert completed("--no-color", "log-level", "W") == ["WARN"]
    assert completed("completion", "z") == ["zsh"]
    assert set(completed("help", "")) >= set(commands())


def test_bash_completes_values(tmp_path):
    assert completed("status", "--output", "") == ["table", "json"]
    assert completed("--output", "=", "j") == ["json"]
    assert completed("--output", "=") == ["table", "json"]
    assert completed("dump", "--format", "") == ["csv", "jsonl"]
    assert completed("dump", "--compress", "=", "g") == ["gzip"]
    assert completed("drain", "--delay", "") == []  # a number
    (tmp_path / "one file").touch()
    assert completed("dump", "--dir", f"{tmp_path}/o") == [f"{tmp_path}/one", "file"]
    assert completed("--socket", "dump", "--f") == []  # that is a file's name, no command
    assert completed("--socket", "x", "dump", "--f") == ["--format"]


CODES = re.compile(r"\033\[[0-9;?]*[A-Za-z]|\r")


class Shell:
    """A shell in a terminal, in which something is typed."""

    def __init__(self, terminal, setup):
        self.terminal = terminal
        terminal.press(f"{setup}; echo lo''aded\n".encode())
        self.wait_shown("\nloaded", "> ")

    def wait_shown(self, *texts):
        self.terminal.wait_for(lambda shown: all(text in CODES.sub("", shown) for text in texts), f"{texts} are shown")
        self.terminal.shown = ""

    def shows(self, typed, *texts):
        """After the typed text and the Tab key all of these are shown."""
        self.terminal.press(typed.encode() + TAB)
        self.wait_shown(*texts)
        self.terminal.press(CLEAR_LINE)


def test_bash_in_a_terminal(tmp_path):
    (tmp_path / "one file").touch()
    with Terminal(["bash", "--norc", "--noprofile", "-i"], env={"PS1": "> ", "HOME": str(tmp_path)}) as terminal:
        bash = Shell(terminal, f"source <({CTL} completion bash)")
        bash.shows("proxysql-agentctl undr", "undrain ")
        bash.shows("proxysql-agentctl --output=j", "--output=json ")
        bash.shows("proxysql-agentctl status --output=t", "--output=table ")
        bash.shows(f"proxysql-agentctl dump --dir {tmp_path}/o", "one\\ file ")
        bash.shows("proxysql-agentctl d\t", "doctor", "drain", "dump")


@pytest.fixture(params=["sourced", "in fpath"])
def zsh(request, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("needs zsh")
    if request.param == "sourced":
        setup = f"autoload -Uz compinit; compinit -u -D; source <({CTL} completion zsh)"
    else:
        (tmp_path / "_proxysql-agentctl").write_text(ctl.run("completion", "zsh").stdout)
        setup = f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D"
    with Terminal(["zsh", "-f", "-i"], env={"PS1": "> ", "HOME": str(tmp_path)}) as terminal:
        yield Shell(terminal, setup)


def test_zsh_completes(zsh):
    zsh.shows("proxysql-agentctl rec", "reconcile ")
    zsh.shows("proxysql-agentctl ", *(f"\n{command} " for command in commands()[:3]), "Ask ProxySQL now")
    zsh.shows("proxysql-agentctl drain --m", "drain --maintenance")
    zsh.shows("proxysql-agentctl drain --", "--delay", "Before the traffic port is closed", "--socket", "--wait")
    zsh.shows("proxysql-agentctl --no-color log-level W", "log-level WARN")
    zsh.shows("proxysql-agentctl log-level ", "DEBUG", "ERROR", "INFO", "WARN")
    zsh.shows("proxysql-agentctl status --output j", "--output json")
    zsh.shows("proxysql-agentctl status --output=t", "--output=table")
    zsh.shows("proxysql-agentctl dump --compress g", "--compress gzip")
    zsh.shows("proxysql-agentctl completion z", "completion zsh")
    zsh.shows("proxysql-agentctl help undr", "help undrain")
    zsh.shows("proxysql-agentctl --socket /etc/hostn", "--socket /etc/hostname")
    zsh.shows("proxysql-agentctl dump --dir /et", "--dir /etc/")
