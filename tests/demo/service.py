"""The cores' service: one address that never changes, in front of whichever cores live, as a ClusterIP is."""
import contextlib
import itertools
import socket
import threading

from lib.forward import copy


class Service:
    """Passes connections on to the same port of its endpoints in turn; refuses them while it has none."""

    def __init__(self, address, port):
        self.address, self.port = address, port
        self._turns = iter(())
        self._listener = None

    def lead_to(self, *endpoints):
        """New connections go to these addresses; without any they are refused."""
        self._turns = itertools.cycle(endpoints)
        if endpoints and not self._listener:
            self._listener = socket.create_server((self.address, self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        if not endpoints and self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(client, next(self._turns)), daemon=True).start()

    def _pass_on(self, client, endpoint):
        try:
            server = socket.create_connection((endpoint, self.port), 1)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        back = threading.Thread(target=copy, args=(server, client), daemon=True)
        back.start()
        copy(client, server)
        back.join()
        client.close()
        server.close()
