"""Between an agent and its node: sees every statement, and can hold the answer to one of them."""
import socket
import threading
import time

COM_QUERY = 3


class Held:
    """The answer to the nth statement that contains text, and all that follows on its connection."""

    def __init__(self, text, nth):
        self.text, self.left = text, nth
        self.asked = threading.Event()  # the statement was passed on
        self.release = threading.Event()


class Relay:
    """Listens on address:port for clear-text MySQL connections and passes them on to the node's admin interface."""

    def __init__(self, address, port, node):
        self.address, self.admin_port, self.traffic_port = address, port, node.traffic_port
        self.statements = []
        self.timed = []  # the same, each with when it came
        self._node, self._held = node, None
        self._listener = socket.create_server((address, port))
        self._sockets = [self._listener]
        self._start(self._accept)

    def hold(self, text, nth=1):
        self._held = Held(text, nth)
        return self._held

    def close(self):
        if self._held:
            self._held.release.set()
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    @staticmethod
    def _start(target, *args):
        threading.Thread(target=target, args=args, daemon=True).start()

    def _connect(self, client):
        """To the node; when it has gone nobody listens here either from now on."""
        try:
            server = socket.create_connection((self._node.address, self._node.admin_port), 5)
        except OSError:
            client.close()
            self._listener.close()
            raise
        server.settimeout(None)
        return server

    def _accept(self):
        try:
            while True:
                client, _ = self._listener.accept()
                server = self._connect(client)
                self._sockets += [client, server]
                gate = []
                self._start(self._ask, client, server, gate)
                self._start(self._answer, client, server, gate)
        except OSError:
            return

    def _note(self, packet, gate):
        if packet[:1] != bytes([COM_QUERY]):
            return
        text = packet[1:].decode(errors="replace")
        self.statements.append(text)
        self.timed.append((time.monotonic(), text))
        if self._held and not self._held.asked.is_set() and self._held.text in text:
            self._held.left -= 1
            if self._held.left == 0:
                gate.append(self._held)

    def _ask(self, client, server, gate):
        """Packets of the client, one at a time."""
        rest = b""
        try:
            while chunk := client.recv(65536):
                rest += chunk
                while len(rest) >= 4 and len(rest) >= (size := 4 + int.from_bytes(rest[:3], "little")):
                    packet, rest = rest[:size], rest[size:]
                    self._note(packet[4:], gate)
                    server.sendall(packet)
                    if gate:
                        gate[0].asked.set()
            server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    @staticmethod
    def _answer(client, server, gate):
        try:
            while chunk := server.recv(65536):
                if gate:
                    gate[0].release.wait(60)
                client.sendall(chunk)
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
