"""Cores and satellites: nodes on loopback addresses of their own that share one admin port, and agents beside them."""
import os
import pathlib
import shlex
import shutil
import signal
import struct
import subprocess
import time

from lib.agent import SANITIZED, SLOW, Agent
from lib.binaries import built
from lib.ports import free_port
from lib.process import Process
from lib.proxysql import Node
from lib.waiting import wait_until

BOOTSTRAP = "proxysql-core"  # the cores' service
CHECK_INTERVAL_MS = 200
FULL_LENGTH = os.environ.get("SCENARIO_LENGTH") == "full"  # else some scenarios are shorter, or left out
LOADED = "LOAD PROXYSQL SERVERS TO RUNTIME"  # the agent's log of its only publishing statement

VARIABLES = {"cluster_username": "cluster", "cluster_password": "cluster",
             "cluster_check_interval_ms": CHECK_INTERVAL_MS, "cluster_check_status_frequency": 10,
             "cluster_proxysql_servers_diffs_before_sync": 2, "cluster_mysql_users_diffs_before_sync": 2,
             "cluster_mysql_servers_diffs_before_sync": 2, "cluster_mysql_query_rules_diffs_before_sync": 0,
             "cluster_mysql_variables_diffs_before_sync": 0, "cluster_admin_variables_diffs_before_sync": 0}

CONFIG = """
datadir="{data}"
admin_variables=
{{
    admin_credentials="admin:admin;radmin:radmin;cluster:cluster"
    mysql_ifaces="{address}:{admin_port}"{pgsql_admin}
{variables}
}}
{pgsql_variables}mysql_variables=
{{
    interfaces="{address}:{traffic_port}"
    threads=2
    have_ssl=false
    monitor_enabled=false
}}
"""

_net = 64 + os.getpid() % 128  # 127.<net>.x.y: the addresses of this test run


class Hosts:
    """A private /etc/hosts for the processes that its launcher starts: each lives in a mount namespace of its own."""

    def __init__(self, path, name_server=None):
        self.path = pathlib.Path(path)
        self.path.touch()
        self.resolv_conf = None
        if name_server:
            self.resolv_conf = self.path.with_name(self.path.name + ".resolv.conf")
            self.resolv_conf.write_text(f"nameserver {name_server}\noptions timeout:1 attempts:1\n")
        self.resolve_to()

    def resolve_to(self, *addresses):
        """The bootstrap name has these addresses from now on. The file is written in place: mounts know the inode."""
        lines = ["127.0.0.1 localhost\n"] + [f"{address} {BOOTSTRAP}\n" for address in addresses]
        with open(self.path, "r+", encoding="ascii") as file:
            file.write("".join(lines))
            file.truncate()

    @property
    def launcher(self):
        mounts = 'mount --bind "$0" /etc/hosts'
        if self.resolv_conf:
            mounts += f" && mount --bind {shlex.quote(str(self.resolv_conf))} /etc/resolv.conf"
        return ["unshare", "--mount", "sh", "-c", f'{mounts} && exec "$@"', str(self.path)]

    def why_not(self):
        """Why there can be no private /etc/hosts here; "" when there can."""
        done = subprocess.run([*self.launcher, "cat", "/etc/hosts"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout == self.path.read_text():
            return ""
        return f"no mount namespace of our own: {done.stderr.strip()}"


class Clock:
    """A node's wall clock, so many seconds ahead of the real one (shifted_clock.c)."""

    def __init__(self, folder, ahead_s=0):
        self._library = folder / "shifted_clock.so"
        self._file = folder / "ahead_s"
        self._file.write_bytes(struct.pack("q", ahead_s))
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self._library,
                        pathlib.Path(__file__).with_name("shifted_clock.c")], check=True)

    def set(self, ahead_s):
        with open(self._file, "r+b") as file:
            file.write(struct.pack("q", ahead_s))

    @property
    def environment(self):
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(self._library), "SHIFTED_CLOCK_FILE": str(self._file),
                "ASAN_OPTIONS": f"{sanitizer}:verify_asan_link_order=0".strip(":")}


def _group(name, rows):
    """One table of the configuration file."""
    def value(v):
        return str(v) if isinstance(v, int) else f'"{v}"'
    items = ["{ " + " ".join(f"{key}={value(v)}" for key, v in row.items()) + " }" for row in rows]
    return f"{name}=({', '.join(items)})\n"


class ClusterNode(Node):
    """A node with a configuration file. peers: (host, comment) rows of its proxysql_servers, None = no such table;
    servers: backends, each an address or (address, port); accounts: users of traffic; tables: more of them, rows as
    dicts; flags: more of a real ProxySQL's. The file may be changed between starts, and by write_config() during a
    life."""

    def __init__(self, folder, name, address, port, hosts, peers=None, servers=(), accounts=(), variables=None,
                 clock=None, version=None, tables=None, flags=()):
        super().__init__(folder, users="admin:admin;radmin:radmin;cluster:cluster", tls=False, address=address)
        self.name, self.admin_port, self.hosts = name, port, hosts
        self.peers, self.servers, self.accounts = peers, servers, accounts
        self.variables = {**VARIABLES, **(variables or {})}
        self.tables = tables or {}
        self.clock, self.version, self.flags = clock, version, flags
        self.keep_data = False  # over a restart

    def config_file(self):
        variables = "\n".join(f'    {key}={value if isinstance(value, int) else chr(34) + value + chr(34)}'
                              for key, value in self.variables.items())
        pgsql_admin, pgsql_variables = self._postgresql(self.version or self.real) if self.real else ("", "")
        text = CONFIG.format(data=self.folder / "data", address=self.address, admin_port=self.admin_port,
                             traffic_port=self.traffic_port, variables=variables, pgsql_admin=pgsql_admin,
                             pgsql_variables=pgsql_variables)
        if self.peers is not None:
            text += _group("proxysql_servers", [{"hostname": host, "port": self.admin_port, "weight": 0,
                                                 "comment": comment} for host, comment in self.peers])
        if self.servers:
            servers = [(server, 3306) if isinstance(server, str) else server for server in self.servers]
            text += _group("mysql_servers", [{"address": host, "port": port, "hostgroup": 0}
                                             for host, port in servers])
        if self.accounts:
            text += _group("mysql_users", [{"username": name, "password": name, "default_hostgroup": 0}
                                           for name in self.accounts])
        text += "".join(_group(name, rows) for name, rows in self.tables.items())
        path = self.folder / "proxysql.cnf"
        path.write_text(text)
        return path

    def write_config(self):
        """What the fields say now is what the next FROM CONFIG reads."""
        self.config_file()

    def break_config(self):
        """Nobody can read it any more."""
        (self.folder / "proxysql.cnf").write_text("mysql_users = ( {")

    def _data(self):
        data = self.folder / "data"
        if not self.keep_data:
            shutil.rmtree(data, ignore_errors=True)
        data.mkdir(exist_ok=True)
        return data

    def _command_real(self):
        return [self.version or self.real, "-f", "--no-version-check", "-c", self.config_file(), "-D", self._data(),
                *self.flags]

    def _command_stand_in(self):
        command = [built("fake-proxysql"), "--admin", f"{self.address}:{self.admin_port}",
                   "--traffic", f"{self.address}:{self.traffic_port}", "--control", self.control_path(),
                   "--users", self.users, "--config", self.config_file(), "--data", self._data()]
        return command + (["--version", self.version] if self.version else [])

    def _process(self, command):
        env = {**os.environ, **self.clock.environment} if self.clock else None
        return Process([*self.hosts.launcher, *command], self.folder / "proxysql.log", env)

    # --- its place in the cluster

    def members(self, table="runtime_proxysql_servers"):
        """Its list: (hostname, port, weight, comment), sorted."""
        return sorted(self.admin(f"SELECT hostname, port, weight, comment FROM {table}"))

    def module(self, name="proxysql_servers"):
        """(version, epoch, checksum) of one of its modules."""
        (version, epoch, checksum), = self.admin(
            f"SELECT version, epoch, checksum FROM runtime_checksums_values WHERE name = '{name}'")
        return int(version), int(epoch), checksum

    def loads(self):
        """Grows with every LOAD PROXYSQL SERVERS TO RUNTIME, its own and those of cluster sync."""
        return self.module()[0]

    def seen(self, peer, name="proxysql_servers"):
        """What it knows of a module of a peer: a dict of numbers and the checksum; None without a row."""
        rows = self.admin("SELECT version, epoch, checksum, changed_at, updated_at, diff_check"
                          f" FROM stats_proxysql_servers_checksums WHERE hostname = '{peer}' AND name = '{name}'")
        if not rows:
            return None
        version, epoch, checksum, changed_at, updated_at, diff_check = rows[0]
        return {"version": int(version), "epoch": int(epoch), "checksum": checksum, "changed_at": int(changed_at),
                "updated_at": int(updated_at), "diff_check": int(diff_check)}

    def clock_s(self):
        return int(self.value("SELECT strftime('%s', 'now')"))

    def write_members(self, rows):
        """proxysql_servers (memory) becomes these (address, comment) rows."""
        self.admin("DELETE FROM proxysql_servers")
        for host, comment in rows:
            self.admin("INSERT INTO proxysql_servers (hostname, port, weight, comment) VALUES"
                       f" ('{host}', {self.admin_port}, 0, '{comment}')")

    def publish(self, rows):
        self.write_members(rows)
        self.admin("LOAD PROXYSQL SERVERS TO RUNTIME")

    def agrees_with(self, core):
        """The same rows, and it knows so itself."""
        seen = self.seen(core.address)
        return self.members() == core.members() and seen is not None and seen["diff_check"] == 0 \
            and seen["checksum"] == self.module()[2]


class Cluster:
    """Nodes that know each other. Every node's file names the bootstrap row alone, unless told otherwise."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.port = free_port()
        self.hosts = Hosts(self.folder / "hosts")
        self.cores, self.satellites, self.agents = [], [], []
        self._nodes = []

    # --- nodes

    def _add(self, kind, number, **options):
        name = f"{kind}-{len(self._nodes)}"
        options.setdefault("hosts", self.hosts)
        options.setdefault("peers", [(BOOTSTRAP, BOOTSTRAP)])
        ahead_s = options.pop("ahead_s", None)
        folder = self.folder / name
        folder.mkdir()
        node = ClusterNode(folder, name, f"127.{_net}.{number}.{len(self._nodes) + 1}", self.port,
                           clock=None if ahead_s is None else Clock(folder, ahead_s), **options)
        self._nodes.append(node)
        node.launch()
        return node

    def add_cores(self, count, **options):
        """Start cores on new addresses; the bootstrap name is theirs when there were none before."""
        options = {"servers": ["127.0.0.11"], "accounts": ["app"], **options}
        added = [self._add("core", 1, **options) for _ in range(count)]
        if not self.cores:
            self.hosts.resolve_to(*(core.address for core in added))
        for core in added:
            core.wait_answers()
        self.cores += added
        return added

    def add_satellites(self, count=1, **options):
        added = [self._add("satellite", 2, **options) for _ in range(count)]
        for satellite in added:
            satellite.wait_answers()
        self.satellites += added
        return added

    def other_hosts(self, name):
        """Another view of DNS, for one node and its agent."""
        return Hosts(self.folder / f"hosts-{name}")

    def lose_cores(self):
        """All cores end at once, for good."""
        for core in self.cores:
            core.kill()
        self.cores = []

    # --- what the cores' agents do

    def wanted(self):
        return [(core.address, core.name) for core in self.cores]

    def publish(self, cores=None):
        """Each core LOADs the list of all cores."""
        for core in cores or self.cores:
            core.publish(self.wanted())

    def load_traffic_modules(self):
        """The cores LOAD what satellites pull."""
        for core in self.cores:
            core.admin("LOAD MYSQL USERS TO RUNTIME")
            core.admin("LOAD MYSQL SERVERS TO RUNTIME")

    def settled(self):
        return all(node.agrees_with(core) for node in self.satellites for core in self.cores)

    def wait_settled(self, timeout=15.0):
        wait_until(self.settled, timeout * SLOW, "every satellite has the cores' list", step=0.1)

    # --- agents

    def add_agent(self, node, settings=None, hosts=None, relay=None, **options):
        """Start an agent beside a satellite; through a relay it reaches only what that lets pass."""
        settings = {"run_mode": "satellite", "satellite.interval": 3, "satellite.missing_after": 2,
                    "core.bootstrap_hostname": BOOTSTRAP, "health.sync_gate_timeout": 60, **(settings or {})}
        folder = self.folder / f"agent-{len(self.agents)}-{node.name}"
        agent = Agent(folder, relay or node, settings, launcher=(hosts or node.hosts).launcher, **options)
        self.agents.append(agent)
        return agent.start()

    def close(self):
        for agent in self.agents:
            agent.close()
        running = [node for node in self._nodes if node.process.running()]
        for node in running:  # all at once, and then wait for each
            node.process.signal(signal.SIGTERM)
            node.process.thaw()
        for node in running:
            node.close()


def stays(value, for_s, what):
    """value() does not change for so long."""
    first, until = value(), time.monotonic() + for_s
    while time.monotonic() < until:
        time.sleep(0.25)
        now = value()
        assert now == first, f"{what}: {first} became {now} {until - time.monotonic():.1f} s before the end"
    return first


__all__ = ["BOOTSTRAP", "CHECK_INTERVAL_MS", "FULL_LENGTH", "LOADED", "SANITIZED", "SLOW", "Cluster", "ClusterNode",
           "Hosts", "stays"]
