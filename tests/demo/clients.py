"""Clients of a node that log in one after the other, whatever happens around it."""
import threading
import time

from lib.wire import WireError

TIMEOUT_S = 2.0


class Clients:
    """Use as a context: logs in while inside. took_s and failures may be read at any time."""

    def __init__(self, node, user, password, per_second):
        self.took_s = []  # of the log-ins that succeeded
        self.failures = []
        self._node, self._account, self._pause_s = node, (user, password), 1 / per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clients", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(self._pause_s):
            began = time.monotonic()
            try:
                with self._node.traffic(timeout=TIMEOUT_S) as client:
                    client.login(*self._account)
            except (OSError, WireError) as error:
                self.failures.append(error)
            else:
                self.took_s.append(time.monotonic() - began)
