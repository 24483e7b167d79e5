"""Probes at a steady rate, each on a connection of its own as the kubelet's are, whatever the earlier ones do."""
import asyncio
import itertools
import threading
import time
from dataclasses import dataclass

from agent import PROBES

TIMEOUT_S = 5.0


@dataclass
class Sample:
    """One probe: when it was due (monotonic), how long it took from then, and its status line's number (None: no
    answer)."""
    probe: str
    at: float
    took_s: float
    status: int
    body: bytes

    def degraded(self):
        return b'"degraded":true' in self.body

    def well(self):
        """Answered 200 and from an admin interface that answers."""
        return self.status == 200 and not self.degraded()


class Prober:
    """Use as a context: probes while inside. samples may be read at any time."""

    def __init__(self, port, rate, probes=tuple(PROBES)):
        self.samples = []
        self._port, self._rate, self._probes = port, rate, probes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="prober", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Wait for the probes under way and end."""
        self._stop.set()
        self._thread.join()

    def since(self, moment):
        """The samples of probes that were due after a monotonic moment."""
        return [sample for sample in list(self.samples) if sample.at >= moment]

    async def _run(self):
        began, under_way = time.monotonic(), set()
        for number, probe in enumerate(itertools.cycle(self._probes)):
            if self._stop.is_set():
                break
            due = began + number / self._rate
            await asyncio.sleep(due - time.monotonic())
            task = asyncio.create_task(self._probe(probe, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)

    async def _probe(self, probe, due):
        status, body = None, b""
        try:
            answer = await asyncio.wait_for(self._exchange(PROBES[probe]), TIMEOUT_S)
            head, _, body = answer.partition(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
        except (OSError, asyncio.TimeoutError, IndexError, ValueError) as error:
            body = repr(error).encode()
        self.samples.append(Sample(probe, due, time.monotonic() - due, status, body))

    async def _exchange(self, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n".encode())
            return await reader.read()
        finally:
            writer.close()
