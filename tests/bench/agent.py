"""One agent beside a node, for benches and the demo: any program that takes the configuration file, not waited for."""
import contextlib
import http.client
import pathlib
import re
import socket
import time
from dataclasses import dataclass, field

from lib import http_client
from lib.agent import clean_environment
from lib.binaries import built
from lib.ports import free_port
from lib.process import Process
from lib.waiting import wait_until

PROBES = {path.rpartition("/")[2]: path for path in http_client.PROBES}

# Only keys that every agent with such a configuration file knows, so that a peer starts with the same one.
CONFIG = """\
run_mode: satellite
proxysql:
  address: {address}:{admin_port}
  username: radmin
  password: radmin
api:
  port: {port}
shutdown:
  draining_file: {folder}/draining
"""


@dataclass
class Answer:
    """What one probe answered; status None: nothing, and why is in error."""
    status: int = None
    body: dict = field(default_factory=dict)
    took_s: float = 0.0
    error: str = ""


class Agent:
    """Starts with start(); its configuration and its log are in folder. admin_port: not the node's, but a relay's;
    more: further lines of the configuration file; env: further variables."""

    def __init__(self, folder, node, binary=None, admin_port=None, more="", env=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = binary or built("proxysql-agent")
        self.port = free_port()
        self.process = None
        self._read = 0
        config = self.folder / "config.yaml"
        config.write_text(CONFIG.format(address=node.address, admin_port=admin_port or node.admin_port,
                                        port=self.port, folder=self.folder) + more)
        self._env = clean_environment(AGENT_CONFIG_FILE=str(config),
                                      AGENT_PROXYSQL_TRAFFIC_ADDRESS=f"{node.address}:{node.traffic_port}", **(env or {}))

    def start(self):
        self.process = Process([self.binary], self.folder / "agent.log", env=self._env, cwd=self.folder)
        return self

    def ask(self, probe, timeout=3.0):
        """One probe on a connection of its own, as the kubelet asks."""
        began = time.monotonic()
        try:
            answer = http_client.ask(self.port, PROBES[probe], timeout=timeout)
            return Answer(answer.status, answer.json, answer.seconds)
        except (OSError, http.client.HTTPException) as error:
            return Answer(took_s=time.monotonic() - began, error=str(error) or type(error).__name__)

    def wait_ready(self, timeout=30.0):
        wait_until(lambda: self.ask("ready").status == 200, timeout, f"{self.binary} becomes ready")
        return self

    def wait_listens(self, timeout=30.0):
        def connects():
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            return False

        wait_until(connects, timeout, f"{self.binary} listens")
        return self

    def new_log_lines(self):
        """What it wrote since the last call: (level, message, the other fields as text)."""
        text = self.process.log()
        lines, self._read = text[self._read:].splitlines(), len(text)
        return [_parse(line) for line in lines]

    def stop(self):
        return self.process.stop() if self.process else None


_FIELD = re.compile(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)')


def _parse(line):
    fields = dict(_FIELD.findall(line))
    if "msg" not in fields:
        return "", line, ""
    message = fields.pop("msg").strip('"')
    fields.pop("time", None)
    return fields.pop("level", ""), message, " ".join(f"{key}={value}" for key, value in fields.items())
