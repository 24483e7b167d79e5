"""Free loopback ports below the range that the kernel hands out to clients."""
import itertools
import os
import socket

FIRST, LAST = 20000, 32000
# Two processes of one run (pytest-xdist) take every other port: none is given to both before it is bound.
_STEP = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_OWN = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_next = itertools.count(os.getpid() * 37 * _STEP + _OWN, _STEP)


def free_port():
    """A port that nobody listens on now; the same one is not given twice soon."""
    for offset in _next:
        port = FIRST + offset % (LAST - FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
