"""One agent beside a node, and questions to its probes. The demo uses it too."""
import http.client
import json
import os
import pathlib
import re
import time
from dataclasses import dataclass, field

from lib.binaries import built
from lib.ports import free_port
from lib.process import Process
from lib.waiting import wait_until

PROBES = {"started": "/healthz/started", "ready": "/healthz/ready", "live": "/healthz/live"}

# Only keys that every agent with such a configuration file knows, so that a peer starts with the same one.
CONFIG = """\
run_mode: satellite
proxysql:
  address: 127.0.0.1:{admin_port}
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


def ask(port, probe, timeout=3.0):
    """One probe on a connection of its own, as the kubelet asks."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", PROBES[probe], headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read()
        return Answer(response.status, json.loads(body), time.monotonic() - began)
    except (OSError, http.client.HTTPException) as error:
        return Answer(took_s=time.monotonic() - began, error=str(error) or type(error).__name__)
    finally:
        connection.close()


class Agent:
    """Starts with start(); its configuration and its log are in folder."""

    def __init__(self, folder, node, binary=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.binary = binary or built("proxysql-agent")
        self.port = free_port()
        self.process = None
        self._read = 0
        self.config = self.folder / "config.yaml"
        self.config.write_text(CONFIG.format(admin_port=node.admin_port, port=self.port, folder=self.folder))
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_")}
        self.env["AGENT_CONFIG_FILE"] = str(self.config)
        self.env["AGENT_PROXYSQL_TRAFFIC_ADDRESS"] = f"127.0.0.1:{node.traffic_port}"

    def start(self):
        self.process = Process([self.binary], self.folder / "agent.log", env=self.env, cwd=self.folder)
        return self

    def ask(self, probe, timeout=3.0):
        return ask(self.port, probe, timeout)

    def wait_ready(self, timeout=30.0):
        wait_until(lambda: self.ask("ready").status == 200, timeout, f"{self.binary} becomes ready")
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
