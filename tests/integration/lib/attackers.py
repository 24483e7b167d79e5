"""Clients that misbehave, and what another one with an address of its own sees of the agent meanwhile."""
import contextlib
import json
import os
import pathlib
import subprocess
import threading
import time

from lib.agent import SLOW
from lib.http_client import ask
from lib.waiting import wait_until

ATTACKS = pathlib.Path(__file__).resolve().parents[1] / "http" / "attacks.py"
FULL_S = 60
SECONDS = float(os.environ.get("HTTP_ATTACK_SECONDS", "3"))
# At full length, on a machine of one's own, the project's bound; else the time that the kubelet gives a probe.
P99_S = 0.1 if SECONDS >= FULL_S else 1.0
PROBE_SOURCE = "127.0.0.200"


class Prober(threading.Thread):
    """Ask /healthz/ready 50 times a second, each time on a new connection, as the kubelet does."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.took, self.failures = [], []
        self._port, self._stopping = port, threading.Event()

    def run(self):
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            try:
                answer = ask(self._port, "/healthz/ready", timeout=5 * SLOW, source=PROBE_SOURCE)
                assert answer.status == 200, answer
                self.took.append(time.monotonic() - began)
            except (OSError, AssertionError) as error:
                self.failures.append(error)
            due = max(due + 0.02, time.monotonic())

    def stop(self):
        self._stopping.set()
        self.join(20)

    def p99(self):
        return sorted(self.took)[len(self.took) * 99 // 100]


class Attackers:
    """Processes of attacks.py against one agent."""

    def __init__(self, agent):
        self.agent, self._running = agent, []

    def start(self, name, seconds=SECONDS, source=None):
        command = ["/usr/bin/python3", ATTACKS, name, str(self.agent.port), str(seconds)]
        self._running.append(subprocess.Popen(command + ([source] if source else []), stdout=subprocess.PIPE,
                                              stderr=subprocess.PIPE, text=True))

    def wait(self):
        """What each of them counted, in the order of their start."""
        counts = []
        for process in self._running:
            out, err = process.communicate(timeout=(SECONDS + 60) * SLOW)
            assert process.returncode == 0, err[-3000:]
            counts.append(json.loads(out))
        self._running.clear()
        return counts

    def kill(self):
        for process in self._running:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def attacked(agent):
    """Yields Attackers; when the block and they have ended, probes must have been answered in time all along and
    descriptors are as before."""
    agent.wait_ready()
    before = agent.process.descriptors()
    attackers, prober = Attackers(agent), Prober(agent.port)
    prober.start()
    try:
        yield attackers
        attackers.counts = attackers.wait()
    finally:
        attackers.kill()
        prober.stop()
    assert not prober.failures, prober.failures[:3]
    assert prober.p99() < P99_S * SLOW, f"p99 {prober.p99():.3f} s of {len(prober.took)}"
    attackers.prober = prober
    wait_until(lambda: agent.process.descriptors() <= before + 2, 15 * SLOW, "descriptors are as before", 0.1)
