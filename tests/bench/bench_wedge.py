"""200 probes a second while ProxySQL's admin interface hangs: by a slow statement, and by SIGSTOP of the process."""
import contextlib
import threading
import time

from figures import Figure
from lab import connections_to
from lib.waiting import wait_until
from prober import Prober

RATE = 200
WARM_S = 3
WELL_WITHIN_S = 15  # waited for at most; the figure tells


def _figures(kind, name):
    return (
        Figure(f"{kind} held", f"{name}: held for", "s"),
        Figure(f"{kind} descriptors", "  descriptors: after - before", "", at_most=0, decimals=0),
        Figure(f"{kind} descriptors_most", "    most - before, probes under way included", "", decimals=0),
        Figure(f"{kind} threads", "  threads: most - before", "", at_most=0, decimals=0),
        Figure(f"{kind} connections", "  admin connections: most", "", decimals=0),
        Figure(f"{kind} rss", "  resident memory: after - before", "MB", decimals=2),
        Figure(f"{kind} rss_drift", "    most of the second half - of the first", "MB", decimals=2),
        Figure(f"{kind} their_threads", "  ProxySQL's threads: most - before", "", at_most=2, decimals=0),
        Figure(f"{kind} their_descriptors", "  ProxySQL's descriptors: most - before", "", decimals=0),
        Figure(f"{kind} probes", "  probes", "", decimals=0),
        Figure(f"{kind} silent", "  probes without an answer in 5 s", "", at_most=0, decimals=0),
        Figure(f"{kind} slowest", "  slowest probe", "ms", at_most=1000, decimals=0),
        Figure(f"{kind} p99", "  p99 of the probes", "ms", decimals=1),
        Figure(f"{kind} recovery", "  end of the wedge to first good answer", "s", at_most=2, decimals=2),
    )


FIGURES = _figures("statement", "slow statement") + _figures("stop", "SIGSTOP")


class Watch(threading.Thread):
    """What both processes hold, looked at ten times a second."""

    def __init__(self, node, agent):
        super().__init__(daemon=True)
        self._node, self._agent = node, agent
        self._end = threading.Event()
        self.before = self.now()
        self.most = dict(self.before)
        self._rss = []

    def now(self):
        ours, theirs = self._agent.process, self._node.process
        return {"descriptors": ours.descriptors(), "threads": ours.threads(), "rss": ours.resident_kib() * 1024 / 1e6,
                "connections": connections_to(ours.pid, self._node.admin_port), "their_threads": theirs.threads(),
                "their_descriptors": theirs.descriptors()}

    def run(self):
        while not self._end.wait(0.1):
            now = self.now()
            self._rss.append(now["rss"])
            for key, value in now.items():
                self.most[key] = max(self.most[key], value)

    def rss_drift(self):
        """Whether memory goes on growing once the first probes have had to wait, MB."""
        half = len(self._rss) // 2
        return max(self._rss[half:]) - max(self._rss[:half])

    def stop(self):
        self._end.set()
        self.join()


@contextlib.contextmanager
def _statement(node, seconds):
    """Yields; inside, admin is wedged; the end of the block waits for its end. The slow statement's own connection is
    there before the wedge, since it is not the agent's doing."""
    held = node.wedge(seconds)
    yield
    held.wait(timeout=120 + 10 * seconds)
    assert held.error is None, f"the slow statement did not end by itself: {held.error}"


@contextlib.contextmanager
def _stop(node, seconds):
    until = time.monotonic() + seconds
    node.process.freeze()
    yield
    time.sleep(max(0, until - time.monotonic()))
    node.process.thaw()


OWN_COST = {"statement": 1, "stop": 0}  # threads and descriptors in ProxySQL of the wedge itself


def _settled(agent, node, before):
    """What is held once the probes under way are gone."""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: agent.process.descriptors() <= before["descriptors"], 5)
    return Watch(node, agent).before


def _one(lab, binary, kind, wedge):
    with lab.pair(binary) as (node, agent):
        node.loops_per_second()
        with Prober(agent.port, RATE, probes=("ready", "live")) as prober:
            time.sleep(WARM_S)
        node.quiet_threads()
        watch = Watch(node, agent)
        with Prober(agent.port, RATE, probes=("ready", "live")) as prober:
            with wedge(node, lab.seconds(60)):
                began = time.monotonic()
                watch.start()
            ended = time.monotonic()
            good = _first_good(prober, ended)
        watch.stop()
        return _judge(kind, watch, _settled(agent, node, watch.before), prober.since(began), ended - began,
                      good and good - ended)


def _first_good(prober, ended):
    """When the first good answer to a probe sent after the wedge arrived; None: not in time."""
    def arrived():
        return min((sample.at + sample.took_s for sample in prober.since(ended) if sample.well()), default=None)

    with contextlib.suppress(AssertionError):
        wait_until(lambda: arrived() is not None, WELL_WITHIN_S)
    return arrived()


def _judge(kind, watch, after, samples, held_s, recovery_s):
    before, most = watch.before, watch.most
    took = sorted(sample.took_s * 1000 for sample in samples)
    values = {
        "held": held_s,
        "descriptors": after["descriptors"] - before["descriptors"],
        "descriptors_most": most["descriptors"] - before["descriptors"],
        "threads": most["threads"] - before["threads"],
        "connections": most["connections"],
        "rss": after["rss"] - before["rss"],
        "rss_drift": watch.rss_drift(),
        "their_threads": most["their_threads"] - before["their_threads"] - OWN_COST[kind],
        "their_descriptors": most["their_descriptors"] - before["their_descriptors"] - OWN_COST[kind],
        "probes": len(samples),
        "silent": sum(sample.status is None for sample in samples),
        "slowest": took[-1],
        "p99": took[len(took) * 99 // 100],
        "recovery": WELL_WITHIN_S if recovery_s is None else recovery_s,
    }
    return {f"{kind} {key}": value for key, value in values.items()}


def measure(lab, binary):
    return _one(lab, binary, "statement", _statement) | _one(lab, binary, "stop", _stop)
