"""Nodes and agents for the benches, and what /proc says about a process."""
import contextlib
import os
import pathlib
import re

from agent import Agent
from lib.proxysql import Node


class Lab:
    """Starts what a bench needs in folders of its own below folder."""

    def __init__(self, folder, options):
        self._folder = pathlib.Path(folder)
        self._count = 0
        self.options = options  # of the command line

    def seconds(self, default):
        """How long to measure: --seconds, or what is usual."""
        return self.options.seconds or default

    def folder(self):
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder

    @contextlib.contextmanager
    def node(self):
        node = Node(self.folder()).start()
        try:
            yield node
        finally:
            node.process.thaw()
            node.close()

    @contextlib.contextmanager
    def agent(self, binary, node, admin_port=None, env=None, scheme="http"):
        """A running agent that has answered ready; over TLS it is known to listen only, and a peer may not even do
        that."""
        env = {"AGENT_SHUTDOWN_DRAIN_ON_SIGNAL": "false", **(env or {})}  # the node is measured on
        agent = Agent(self.folder(), node, binary, admin_port, env=env)
        try:
            yield agent.start().wait_ready() if scheme == "http" else agent.start().wait_listens()
        finally:
            agent.stop()

    @contextlib.contextmanager
    def pair(self, binary):
        with self.node() as node, self.agent(binary, node) as agent:
            yield node, agent


def processor_ms(pid):
    """Processor time of all threads so far. /proc/PID/stat counts ticks of 10 ms, too coarse for an idle process."""
    total_ns = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e6


def memory_mb(pid):
    """(resident, proportional) in MB of 10^6 bytes."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return tuple(int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M)[1]) * 1024 / 1e6 for key in ("Rss", "Pss"))


def connections_to(pid, port):
    """How many sockets of the process are connected to this port."""
    own = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            own.add(os.readlink(entry))
    count = 0
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            remote_port = int(fields[2].rpartition(":")[2], 16)
            count += remote_port == port and f"socket:[{fields[9]}]" in own
    return count


def machine():
    """Cores, model, memory and how busy they are, in one line."""
    model = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory_kib = int(re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)[1])
    load = pathlib.Path("/proc/loadavg").read_text().split()[0]
    return (f"{len(os.sched_getaffinity(0))} cores, {model[1] if model else 'unknown model'}, "
            f"{memory_kib / 2**20:.0f} GiB, load before the run {load}")
