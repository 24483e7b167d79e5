"""A DNS server for one name, over UDP: its addresses, or one of the ways in which DNS gives none."""
import ipaddress
import socket
import struct
import threading

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
TYPE_A, TYPE_AAAA = 1, 28


class NameServer:
    """Listens on address:53. says: "addresses", "nodata", "nxdomain", "servfail", "refused" or "silence"."""

    def __init__(self, address):
        self.address, self.says, self.addresses = address, "addresses", []
        self.queries = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def resolve_to(self, *addresses):
        self.addresses, self.says = list(addresses), "addresses"

    def _serve(self):
        while True:
            try:
                query, client = self._socket.recvfrom(4096)
            except OSError:
                return
            self.queries += 1
            answer = self._answer(query)
            if answer:
                self._socket.sendto(answer, client)

    def _answer(self, query):
        if self.says == "silence" or len(query) < 17:
            return None
        code = {"nxdomain": NXDOMAIN, "servfail": SERVFAIL, "refused": REFUSED}.get(self.says, NOERROR)
        end = query.index(b"\0", 12) + 5  # one question: its name, type and class
        kind, = struct.unpack("!H", query[end - 4:end - 2])
        records = []
        if self.says == "addresses":
            raw = [ipaddress.ip_address(text).packed for text in self.addresses]
            records = [one for one in raw if kind == {4: TYPE_A, 16: TYPE_AAAA}[len(one)]]
        head = query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(records), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, len(one)) + one for one in records)
        return head + query[12:end] + body

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        self._thread.join(5)
