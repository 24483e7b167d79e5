"""A core among 2,000 and 10,000 pods of 8 KB: start, memory, processor, and from a pod's event to the runtime table.

KUBEBUILDER_ASSETS=folder measures with a real kube-apiserver; the stand-in needs longer for a list than what is measured.
"""
import contextlib
import statistics
import time

from agent import Agent
from figures import Figure
from lab import memory_mb, processor_ms
from lib.kube import FakeKube, RealKube, real_kubernetes
from lib.waiting import wait_until

COUNTS = (2000, 10000)
SIZE = 8000
EVENTS = 30
OTHER = "127.9.0.2"
LISTED = 'pods="other pods"'

FIGURES = tuple(figure for count in COUNTS for figure in (
    Figure(f"member_{count}", f"{count} pods: exec to member in runtime", "ms",
           at_most=500 if count == 2000 else None),
    Figure(f"view_{count}", "  exec to the whole view", "s", at_most=2 if count == 2000 else None, decimals=2),
    Figure(f"rss_{count}", "  resident memory then", "MB", at_most=14 if count == 2000 else None),
    Figure(f"processor_{count}", "  processor time idle", "ms/s", at_most=1 if count == 2000 else None, decimals=3),
    Figure(f"event_{count}", "  a pod's event to the runtime table, median", "ms",
           at_most=2.5 if count == 2000 else None, decimals=2)))


@contextlib.contextmanager
def _kube(lab):
    made = RealKube(lab.folder()) if real_kubernetes() else FakeKube(lab.folder())
    made.padding = SIZE
    try:
        yield made
    finally:
        made.close()


def _fill(kube, first, last):
    for i in range(first, last):
        if kube.real:
            kube.create_pod(f"sat-{i}", "satellite", padding=SIZE)
        else:
            kube.put_pod(f"sat-{i}", "satellite", ip=f"10.{i // 62500}.{i // 250 % 250}.{i % 250}")


def _agent(lab, binary, node, kube):
    env = {"AGENT_RUN_MODE": "core", "AGENT_KUBERNETES_API_SERVER": kube.url, "POD_NAME": "core-0",
           "AGENT_KUBERNETES_TOKEN_FILE": str(kube.token_file), "AGENT_KUBERNETES_CA_FILE": str(kube.ca_file),
           "AGENT_CORE_PUBLISH_INTERVAL_MS": "0"}
    return Agent(lab.folder(), node, binary, env=env)


class Runtime:
    """Asks again and again on one connection whether an address is a member."""

    def __init__(self, node):
        self._connection = node.connect()

    def has(self, address):
        with self._connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM runtime_proxysql_servers WHERE hostname = '{address}'")
            return cursor.fetchone()[0] != "0"

    def wait(self, address, wanted=True):
        wait_until(lambda: self.has(address) == wanted, 30, f"{address} in runtime", step=0)

    def close(self):
        self._connection.close()


def _events(kube, runtime):
    """Milliseconds from each event, a core that comes or goes, to its row. Not with a real server, whose own time it
    would be."""
    took = []
    for i in range(EVENTS):
        time.sleep(0.2)  # longer than what is shared by one pass
        comes = i % 2 == 0
        began = time.monotonic()
        if comes:
            kube.put_pod("core-1", "core", OTHER)
        else:
            kube.delete_pod("core-1")
        runtime.wait(OTHER, comes)
        took.append((time.monotonic() - began) * 1000)
    return statistics.median(took)


def _one(lab, binary, kube, count):
    with lab.node() as node:
        kube.put_pod("core-0", "core", node.address)
        runtime, agent = Runtime(node), _agent(lab, binary, node, kube)
        try:
            began = time.monotonic()
            agent.start()
            runtime.wait(node.address)
            member_ms = (time.monotonic() - began) * 1000
            wait_until(lambda: LISTED in agent.process.log(), 60, "the whole view", step=0.002)
            view_s = time.monotonic() - began
            time.sleep(20)  # peers are looked at for so long after a stamp
            before, since = processor_ms(agent.process.pid), time.monotonic()
            time.sleep(lab.seconds(10))
            idle = (processor_ms(agent.process.pid) - before) / (time.monotonic() - since)
            found = {"member": member_ms, "view": view_s, "rss": memory_mb(agent.process.pid)[0], "processor": idle}
            if not kube.real:
                found["event"] = _events(kube, runtime)
        finally:
            runtime.close()
            agent.process.kill()
    return {f"{key}_{count}": value for key, value in found.items()}


def measure(lab, binary):
    found, filled = {}, 0
    with _kube(lab) as kube:
        for count in COUNTS:
            _fill(kube, filled, count)
            filled = count
            found |= _one(lab, binary, kube, count)
    return found
