"""A relay in front of a node's admin port that counts the statements which pass (without TLS)."""
import contextlib
import socket
import threading

COM_QUERY = 3


class Relay:
    """Listens from the start; count(text) tells how many statements contained text. Use as a context."""

    def __init__(self, port):
        self._target = port
        self._statements = []
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def count(self, text):
        return sum(text in statement for statement in list(self._statements))

    def clear(self):
        self._statements.clear()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target), 5)
                server.settimeout(None)
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open |= {client, server}
                threading.Thread(target=self._copy, args=(client, server, self._count), daemon=True).start()
                threading.Thread(target=self._copy, args=(server, client, bytes), daemon=True).start()

    def _copy(self, source, sink, look):
        """look(bytes not consumed yet) returns what it leaves over."""
        rest = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
                rest = look(rest + data) if look is not bytes else b""
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)

    def _count(self, data):
        """Take whole packets: 3 bytes of length, their number (0 begins a command), the payload."""
        while len(data) >= 4:
            end = 4 + int.from_bytes(data[:3], "little")
            if len(data) < end:
                break
            if data[3] == 0 and data[4:5] == bytes([COM_QUERY]):
                self._statements.append(data[5:end].decode(errors="replace"))
            data = data[end:]
        return data
