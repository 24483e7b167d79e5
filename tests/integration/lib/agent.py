"""The agent's real process: start, ask, read its log, stop."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

from lib import http_client
from lib.binaries import built
from lib.ports import free_port
from lib.process import Process
from lib.waiting import wait_until

NEW_LIFE = "ProxySQL answers: a life of it that is new to this agent"


def _is_sanitized():
    cache = built("proxysql-agent").parent.parent / "CMakeCache.txt"
    return any(line.startswith("SANITIZE:") and line.partition("=")[2] for line in cache.read_text().splitlines())


SANITIZED = _is_sanitized()
SLOW = 4 if SANITIZED else 1  # every bound in time is multiplied with it


def clean_environment(**variables):
    """What the agent is to see of the environment: nothing that configures it by chance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENT_", "POD_"))}
    return {**kept, **variables}


def nested(settings):
    """{"log.level": "INFO"} as the tree that the configuration file holds; JSON is YAML."""
    tree = {}
    for key, value in settings.items():
        *sections, name = key.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return tree


def run(*flags, cwd, env=None, timeout=10.0):
    """Run the agent to its end, which it must find by itself: a CompletedProcess with texts."""
    return subprocess.run([built("proxysql-agent"), *flags], cwd=cwd, env=env or clean_environment(), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout * SLOW, check=False)


def split_log(text):
    """JSON lines as records; what is not JSON (a sanitizer's report) ends the test."""
    return [json.loads(line) for line in text.splitlines()]


class Agent:
    """One agent beside a node. Settings are the configuration file's, by dotted key. launcher: a command that starts
    the agent's, in its own process."""

    def __init__(self, folder, node, settings=None, flags=(), env=None, launcher=(), host="127.0.0.1"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.host, self.port = host, free_port()
        self.draining_file = self.folder / "draining"
        # a socket's path has 107 bytes at most, less than pytest's folders may have
        self.socket_folder = tempfile.TemporaryDirectory(prefix="agent-")
        self.socket = pathlib.Path(self.socket_folder.name) / "agent.sock"
        self.flags, self.env, self.launcher = flags, env or {}, launcher
        self.settings = {"run_mode": "core", "log.format": "JSON", "api.address": "127.0.0.1", "api.port": self.port,
                         "proxysql.address": f"{node.address}:{node.admin_port}",
                         "proxysql.traffic_address": f"{node.address}:{node.traffic_port}",
                         "proxysql.username": "radmin", "proxysql.password": "radmin",
                         "control.socket": str(self.socket), "shutdown.draining_file": str(self.draining_file),
                         "shutdown.drain_on_signal": False,  # nodes outlive most tests; the drain has its own
                         **(settings or {})}
        self.process = None

    # --- life

    def start(self):
        """Start and wait until HTTP is served."""
        config = self.folder / "agent.yaml"
        config.write_text(json.dumps(nested(self.settings), indent=2))
        env = clean_environment(AGENT_CONFIG_FILE=str(config), **self.env)
        self.process = Process([*self.launcher, built("proxysql-agent"), *self.flags], self.folder / "agent.log", env,
                               self.folder)
        wait_until(self._listens, timeout=10 * SLOW, what="the agent listens", step=0.005)
        return self

    def _listens(self):
        assert self.process.running(), f"the agent ended: {self.process.log()[-4000:]}"
        try:
            socket.create_connection((self.host, self.port), 1).close()
        except ConnectionRefusedError:
            return False
        return True

    def stop(self, number=signal.SIGTERM):
        """Stop it by a signal; returns how long it took. It must end well, and its sanitizers must be silent."""
        began = time.monotonic()
        self.process.signal(number)
        code = self.process.wait(20 * SLOW)
        took = time.monotonic() - began
        assert "Sanitizer" not in self.process.log(), self.process.log()[:12000]
        assert code == 0, f"the agent ended with {code}: {self.process.log()[-4000:]}"
        return took

    def close(self):
        if self.process and self.process.running():
            self.stop()
        self.socket_folder.cleanup()

    # --- questions

    def ask(self, path, **options):
        return http_client.ask(self.port, path, timeout=10 * SLOW, **options)

    def started(self):
        return self.ask("/healthz/started")

    def ready(self):
        return self.ask("/healthz/ready")

    def live(self):
        return self.ask("/healthz/live")

    def statuses(self):
        """HTTP status of started, ready, live."""
        return tuple(self.ask(path).status for path in http_client.PROBES)

    def wait_statuses(self, *wanted, timeout=3.0):
        """Wait until started, ready and live answer so."""
        return wait_until(lambda: self.statuses() == wanted, timeout * SLOW, f"the probes answer {wanted}")

    def wait_ready(self, timeout=3.0):
        """Wait until everything is well: 200 and not degraded. Returns the answer."""
        return self.wait_probe("/healthz/ready", lambda a: a.status == 200 and not a.json["degraded"], timeout)

    def wait_probe(self, path, accept, timeout=3.0):
        """Wait for an answer that accept(answer) likes, and return it."""
        last = []

        def look():
            last[:] = [self.ask(path)]
            return last[0] if accept(last[0]) else None

        try:
            return wait_until(look, timeout * SLOW, path)
        except AssertionError as error:
            raise AssertionError(f"{error}; last answer: {last}") from None

    # --- its log

    def records(self, msg=None):
        """The log's records, all or those with this message."""
        whole = self.process.log().rpartition("\n")[0]
        return [r for r in split_log(whole) if msg is None or r["msg"] == msg]

    def records_begin(self, msg):
        """The log's records whose message begins so."""
        return [r for r in self.records() if r["msg"].startswith(msg)]

    def wait_record(self, msg, count=1, timeout=3.0):
        """Wait for the count-th record with this message and return it."""
        return wait_until(lambda: len(self.records(msg)) >= count and self.records(msg)[count - 1], timeout * SLOW,
                          f"record {count} of {msg!r}")

    def status(self):
        """Ask for a status record by SIGUSR1 and return it."""
        before = len(self.records("status"))
        self.process.signal(signal.SIGUSR1)
        return self.wait_record("status", before + 1)
