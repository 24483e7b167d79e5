"""A way to a TCP port that can be cut: for a client that is to lose its server while others do not."""
import contextlib
import socket
import threading


def copy(source, sink):
    """Pass on what comes from one connection to the other until either ends; then both have ended."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Forward:
    """Listens on 127.0.0.1:port and passes everything on to the target's port."""

    def __init__(self, target_port):
        self.target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock, self._sockets, self._cut = threading.Lock(), [], False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """What is open is lost, and new connections are as well."""
        with self._lock:
            self._cut = True
            for one in self._sockets:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def mend(self):
        with self._lock:
            self._cut = False

    def close(self):
        self._listener.close()
        self.cut()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._connect(client)

    def _connect(self, client):
        with self._lock:
            if self._cut:
                client.close()
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port), 5)
            except OSError:
                client.close()
                return
            server.settimeout(None)
            self._sockets += [client, server]
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=copy, args=(source, sink), daemon=True).start()
