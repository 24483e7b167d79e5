"""Free loopback ports below the range that the kernel hands out to clients."""
import itertools
import os
import socket

FIRST, LAST = 20000, 32000
_next = itertools.count(os.getpid() * 37)


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
