"""A TCP connection's way to a server that a test can cut: for one of several clients of the same server."""
import socket
import threading


class TcpGate:
    """Listens on 127.0.0.1:port and passes connections on to the server's port there, until it is cut."""

    def __init__(self, port, server_port):
        self.port, self._server_port = port, server_port
        self._cut = False
        self._lock = threading.Lock()
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Connections end, new ones are closed at once."""
        with self._lock:
            self._cut = True
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            self._end(pair)

    def mend(self):
        with self._lock:
            self._cut = False

    @staticmethod
    def _end(pair):
        for one in pair:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open(client)

    def _open(self, client):
        try:
            with self._lock:
                if self._cut:
                    raise OSError("cut")
                pair = (client, socket.create_connection(("127.0.0.1", self._server_port), 5))
                pair[1].settimeout(None)
                self._pairs.append(pair)
        except OSError:
            client.close()
            return
        for source, sink in (pair, pair[::-1]):
            threading.Thread(target=self._copy, args=(source, sink, pair), daemon=True).start()

    def _copy(self, source, sink, pair):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        self._end(pair)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
