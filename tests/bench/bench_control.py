"""The control command `status` with many peers: how long it takes, also under a wedge, and what probes feel of it."""
import threading
import time

from figures import Figure
from lib.cluster import Cluster
from lib.control import Control

PEERS, CALLS = 50, 1000
CHECKED_S, ALONE_S, WEDGE_S = 3, 5, 6  # every peer is checked by then


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def timed_calls(agent, count, pause_s=0.0):
    """Seconds of each of so many calls, each on a connection of its own; and the last answer."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        client = Control(agent.socket)
        answer = client.call("status")
        client.socket.close()
        took.append(time.monotonic() - began)
        assert "result" in answer
        time.sleep(pause_s)
    return took, answer["result"]


def timed_probes(agent, per_second, stop):
    took = []
    while not stop.is_set():
        began = time.monotonic()
        assert agent.ready().status == 200
        took.append(time.monotonic() - began)
        time.sleep(max(0.0, 1 / per_second - (time.monotonic() - began)))
    return took


def probes_during(agent, work, per_second=200):
    stop, took = threading.Event(), []
    thread = threading.Thread(target=lambda: took.extend(timed_probes(agent, per_second, stop)))
    thread.start()
    work()
    stop.set()
    thread.join()
    return took


FIGURES = (
    Figure("peers", "peers of the node", "", decimals=0),
    Figure("median", "status: median of 1,000 calls", "ms"),
    Figure("p99", "status: p99 of 1,000 calls", "ms", at_most=20),
    Figure("wedged", "status: slowest of 20 under a wedge", "ms", at_most=1000, decimals=0),
    Figure("probes", "p99 of probes at 200/s, status all the time / alone", "", decimals=2),
)


def figures_of(calls, wedged, alone, during):
    return {"median": 1000 * percentile(calls, 0.5), "p99": 1000 * percentile(calls, 0.99),
            "wedged": 1000 * max(wedged), "probes": percentile(during, 0.99) / percentile(alone, 0.99)}


def measure(lab, _binary):
    """Beside one node with so many peers, which check nobody themselves."""
    cluster = Cluster(lab.folder())
    try:
        cores = cluster.add_cores(PEERS + 1, peers=None)
        cores[0].publish([(core.address, core.name) for core in cores])
        agent = cluster.add_agent(cores[0], {"run_mode": "satellite", "satellite.interval": 3600,
                                             "health.sync_gate_timeout": 0})
        agent.wait_ready(20)
        time.sleep(CHECKED_S)
        alone = probes_during(agent, lambda: time.sleep(ALONE_S))
        calls = []
        during = probes_during(agent, lambda: calls.extend(timed_calls(agent, CALLS)[0]))
        status = timed_calls(agent, 1)[1]
        wedge = cores[0].wedge(WEDGE_S)
        wedged = timed_calls(agent, 20, 0.2)[0]  # not from what is younger than the wedge
        wedge.wait()
        return {"peers": len(status["cluster"]["peers"]), **figures_of(calls, wedged, alone, during)}
    finally:
        cluster.close()
