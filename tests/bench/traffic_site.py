"""What the traffic bench runs on: a small cluster with one node to drain, its agent, and the applications beside it."""
import contextlib
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from types import SimpleNamespace

import pymysql

from agent import Agent
from lib import http_client
from lib.binaries import built, real_proxysql
from lib.cluster import ClusterNode
from lib.kube import FakeKube
from lib.mariadb import MariaDb, mariadbd
from lib.ports import free_port

NO_LAUNCHER = SimpleNamespace(launcher=[])
CLUSTER_VARIABLES = {"cluster_mysql_variables_diffs_before_sync": 3, "cluster_check_interval_ms": 200}
ACCOUNT = "app"  # user and password
TOKEN = "of-the-bench"  # for what the agents' interface does not do for everybody
ROWS = 1001  # one for each client
TABLES = ("CREATE TABLE bench (id INT PRIMARY KEY, n INT)",
          "INSERT INTO bench VALUES " + ", ".join(f"({number}, 0)" for number in range(ROWS)))
LOG_TABLE = "CREATE TABLE bench_log (id INTEGER PRIMARY KEY {auto_increment}, client INT)"
_net = 192 + os.getpid() % 63  # 127.<net>.x.1: the addresses of this run


class Database:
    """MariaDB behind real nodes; the stand-in is its own database."""

    def __init__(self, folder):
        self.server = None
        if real_proxysql():
            assert mariadbd(), "the traffic bench on a real ProxySQL needs mariadbd (package mariadb-server-core)"
            self.server = MariaDb(folder)
            self.prepare(lambda sql: self.server.run(sql.replace("TABLE bench", "TABLE test.bench")
                                                     .replace("INTO bench", "INTO test.bench")), "AUTO_INCREMENT")

    @staticmethod
    def prepare(run, auto_increment=""):
        for sql in (*TABLES, LOG_TABLE.format(auto_increment=auto_increment)):
            run(sql)

    @property
    def backends(self):
        return self.server.backends if self.server else [("127.0.0.11", 3306)]

    def ready(self, node):
        """The node's clients find their tables."""
        if self.server:
            return
        with contextlib.closing(pymysql.connect(host=node.address, port=node.traffic_port, user=ACCOUNT,
                                                password=ACCOUNT, database="test", autocommit=True)) as client, \
                client.cursor() as cursor:
            self.prepare(cursor.execute)

    def close(self):
        if self.server:
            self.server.stop()


class Site:
    """A core, the node to drain and the one to go to: satellites of the core, or two cores that know each other."""

    def __init__(self, folder, settings, database):
        self._folder, self._settings, self._database = pathlib.Path(folder), settings, database
        self._port = free_port()
        self._nodes = []
        self._kube = None
        if settings.mode == "core":
            drained, other = self._address(1), self._address(2)
            peers = [(drained, "core-0"), (other, "core-1")]
            self.drained, self.other = self._start("core-0", drained, peers), self._start("core-1", other, peers)
            self.core = self.other
        else:
            peers = [(self._address(3), "core")]
            self.core = self._start("core", self._address(3), peers)
            self.drained = self._start("satellite-0", self._address(1), peers)
            self.other = self._start("satellite-1", self._address(2), peers)
        for node in self._nodes:
            node.wait_answers()
        for node in (self.drained, self.other):
            database.ready(node)
        time.sleep(1.1)  # epochs are whole seconds: what is loaded from now on is newer than the boot
        self.core.admin("LOAD MYSQL VARIABLES TO RUNTIME")

    @staticmethod
    def _address(number):
        return f"127.{_net}.9.{number}"

    def _start(self, name, address, peers):
        folder = self._folder / name
        folder.mkdir(parents=True)
        node = ClusterNode(folder, name, address, self._port, NO_LAUNCHER, peers=peers,
                           servers=self._database.backends, accounts=[ACCOUNT], variables=CLUSTER_VARIABLES,
                           flags=["--idle-threads"] if self._settings.idle_threads else [])
        self._nodes.append(node)
        node.launch()
        return node

    def agent(self, binary):
        """The agent beside the node to drain, which answers ready."""
        timeouts = f"  drain_timeout: {self._settings.drain_timeout}\n  shutdown_timeout: 60\n"
        token = self._folder / "token"
        token.write_text(TOKEN)
        agent = Agent(self._folder / "agent", self.drained, binary, more=timeouts,
                      env={"AGENT_API_TOKEN_FILE": str(token), **self._core_settings()})
        return agent.start().wait_ready()

    def _core_settings(self):
        if self._settings.mode != "core":
            return {}
        folder = self._folder / "kube"
        folder.mkdir()
        self._kube = FakeKube(folder)
        for node in (self.drained, self.other):
            self._kube.put_pod(node.name, "core", node.address)
        return {"AGENT_RUN_MODE": "core", "POD_NAME": self.drained.name, "AGENT_KUBERNETES_API_SERVER": self._kube.url,
                "AGENT_KUBERNETES_TOKEN_FILE": str(self._kube.token_file),
                "AGENT_KUBERNETES_CA_FILE": str(self._kube.ca_file)}

    def forget_drained(self):
        """What the other cores' agents do when the pod terminates."""
        self.other.publish([(self.other.address, self.other.name)])

    def variables_of_others(self):
        """(version, epoch) of mysql_variables where nothing may move."""
        return [node.module("mysql_variables")[:2] for node in self._nodes if node is not self.drained]

    def close(self):
        for node in self._nodes:
            if node.process.running():
                node.kill()
        if self._kube:
            self._kube.close()


class Applications:
    """bench-traffic: the clients. New connections go to the nodes that route() allows."""

    def __init__(self, site, settings, seed):
        command = [built("bench-traffic"), "--clients", settings.clients, "--seed", seed, "--user", ACCOUNT,
                   "--password", ACCOUNT, "--temporary", settings.temporary, "--long", settings.long]
        for node in (site.drained, site.other):
            command += ["--node", f"{node.address}:{node.traffic_port}"]
        self._process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self.events = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.events.append(json.loads(line))

    def _tell(self, command):
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def route(self, drained):
        self._tell(f"route {3 if drained else 2}")

    def begin_long(self):
        self._tell("long")

    def finish(self, timeout=60):
        """The totals; .events holds everything before."""
        self._process.stdin.close()
        self._reader.join(timeout)
        code = self._process.wait(timeout)
        assert code == 0, f"bench-traffic ended with {code}"
        return self.events[-1]

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Watch(threading.Thread):
    """When the node's traffic port closed and when its process ended, without touching either."""

    def __init__(self, node):
        super().__init__(daemon=True)
        parts = node.address.split(".")
        self._listening = f"{''.join(f'{int(part):02X}' for part in reversed(parts))}:{node.traffic_port:04X} " \
                          "00000000:0000 0A"
        self._process = node.process
        self._end = threading.Event()
        self.paused = self.gone = None

    def run(self):
        table = pathlib.Path("/proc/net/tcp")
        while not self._end.wait(0.02) and self.gone is None:
            now = time.monotonic()
            if self.paused is None and self._listening not in table.read_text():
                self.paused = now
            if not self._process.running():
                self.gone = now

    def stop(self):
        self._end.set()
        self.join()


_NOT_READY = re.compile(r'time=(\S+) .*"draining: not ready any more".* accept_ms=(\d+)')


def accepting_over(agent):
    """When new clients were no longer wanted, by the agent's log, as time.monotonic() tells it; None of an agent without
    such a line."""
    found = _NOT_READY.search(agent.process.log())
    if not found:
        return None
    began = datetime.datetime.fromisoformat(found[1]).timestamp()
    return began + int(found[2]) / 1000 - time.time() + time.monotonic()


class Balancer(threading.Thread):
    """Takes the drained node out: so long after the drain began, or after three failed readiness probes in a row, one
    each `period` seconds. With readiness it is put back by the first good one."""

    def __init__(self, applications, agent, settings):
        super().__init__(daemon=True)
        self._applications, self._agent, self._settings = applications, agent, settings
        self._draining, self._end = threading.Event(), threading.Event()
        self.removed = None  # when

    def drain_begins(self):
        self._draining.set()

    def run(self):
        if self._settings.balancer == "readiness":
            self._follow_readiness()
        else:
            self._draining.wait()
            if not self._end.wait(self._settings.lag):
                self._set(False)

    def _set(self, routed):
        self.removed = None if routed else time.monotonic()
        self._applications.route(routed)

    def _follow_readiness(self):
        failures = 0
        while not self._end.wait(self._settings.period):
            good = self._agent.ask("ready", timeout=1).status == 200
            failures = 0 if good else failures + 1
            if failures == 3 and self.removed is None:
                self._set(False)
            elif good and self.removed is not None:
                self._set(True)

    def stop(self):
        self._end.set()
        self._draining.set()
        self.join()


class Trigger(threading.Thread):
    """How Kubernetes ends the pod: the preStop hook and then SIGTERM, or SIGTERM at once; or a maintenance, which is
    taken back again. ended: when nothing more happens by itself."""

    HOLD_S = 2  # a maintenance, once the node is empty

    def __init__(self, agent, how):
        super().__init__(daemon=True)
        self._agent, self._how = agent, how
        self.answer, self.exit_code, self.answered, self.ended = "", None, None, None

    def run(self):
        if self._how == "maintenance":
            self._maintain()
        else:
            self._end_pod()
        self.ended = time.monotonic()

    def _ask(self, path, method="GET", body=None):
        try:
            headers = {"Content-Type": "application/json"} if body else {}
            headers["Authorization"] = f"Bearer {TOKEN}"
            return str(http_client.ask(self._agent.port, path, method, 120, body, headers).status)
        except OSError as error:
            return str(error) or type(error).__name__

    def _end_pod(self):
        if self._how == "http":
            self.answer = self._ask("/shutdown")
            self.answered = time.monotonic()
        self._agent.process.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.exit_code = self._agent.process.wait(120)

    def _maintain(self):
        self.answer = self._ask("/api/v1/drain", "POST", '{"maintenance": true, "wait_s": 100}')
        self.answered = time.monotonic()
        time.sleep(self.HOLD_S)
        self.answer += ", undo " + self._ask("/api/v1/undrain", "POST", '{"wait_s": 100}')
