"""The control command `status` with many peers: how long it takes, also under a wedge, and what probes feel of it."""
import threading
import time

from lib.cluster import Cluster
from lib.control import Control

PEERS, CALLS = 50, 1000


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def timed_calls(agent, count):
    """Seconds of each of so many calls, each on a connection of its own."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        client = Control(agent.socket)
        answer = client.call("status")
        client.socket.close()
        took.append(time.monotonic() - began)
        assert "result" in answer
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


def measure(folder):
    cluster = Cluster(folder)
    try:
        cores = cluster.add_cores(PEERS + 1, peers=None)
        cores[0].publish([(core.address, core.name) for core in cores])
        agent = cluster.add_agent(cores[0], {"run_mode": "satellite", "satellite.interval": 3600,
                                             "health.sync_gate_timeout": 0})
        agent.wait_ready(20)
        time.sleep(3)  # every peer is checked by then
        alone = probes_during(agent, lambda: time.sleep(5))
        calls = []
        during = probes_during(agent, lambda: calls.extend(timed_calls(agent, CALLS)[0]))
        _, status = timed_calls(agent, 1)
        wedge = cores[0].wedge(6)
        wedged, _ = timed_calls(agent, 20)
        wedge.wait()
        return {"peers": len(status["cluster"]["peers"]), "calls": calls, "wedged": wedged, "alone": alone,
                "during": during}
    finally:
        cluster.close()


def report(found):
    ms = 1000
    return [f"status with {found['peers']} peers, {len(found['calls'])} calls: median "
            f"{ms * percentile(found['calls'], 0.5):.1f} ms, p99 {ms * percentile(found['calls'], 0.99):.1f} ms",
            f"the slowest of {len(found['wedged'])} under a wedge: {ms * max(found['wedged']):.0f} ms",
            f"probes at 200/s: p99 with status all the time / alone = "
            f"{percentile(found['during'], 0.99) / percentile(found['alone'], 0.99):.2f}"]
