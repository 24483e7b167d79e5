"""MySQL's wire format, client side, for what a driver does not show: plugins, packet numbers, raw bytes."""
import hashlib
import socket
import ssl
import struct

LONG_PASSWORD, PROTOCOL_41, SSL, SECURE_CONNECTION, PLUGIN_AUTH = 0x1, 0x200, 0x800, 0x8000, 0x80000
CAPABILITIES = LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH
COM_QUIT, COM_INIT_DB, COM_QUERY, COM_STATISTICS, COM_PING = 1, 2, 3, 9, 14
COM_CHANGE_USER, COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_RESET_CONNECTION = 17, 22, 23, 31


def native_answer(password, scramble):
    if not password:
        return b""
    once = hashlib.sha1(password.encode()).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


def sha2_answer(password, scramble):
    if not password:
        return b""
    once = hashlib.sha256(password.encode()).digest()
    mask = hashlib.sha256(hashlib.sha256(once).digest() + scramble).digest()
    return bytes(a ^ b for a, b in zip(once, mask))


class WireError(Exception):
    """An ERR packet: code and text."""

    def __init__(self, code, text):
        super().__init__(code, text)
        self.code, self.text = code, text


class Wire:
    """One connection, greeting read. Attributes of the greeting: version, scramble, plugin, capabilities."""

    def __init__(self, port, host="127.0.0.1", timeout=10.0):
        self.socket = socket.create_connection((host, port), timeout)
        self.seq = 0
        self.log = []  # (sequence number, payload) of every packet received
        greeting = self.receive()
        if greeting[0] == 0xFF:
            raise self._error(greeting)
        self.protocol = greeting[0]
        end = greeting.index(b"\0", 1)
        self.version = greeting[1:end].decode()
        self.session_id, = struct.unpack_from("<I", greeting, end + 1)
        low, self.charset, _, high = struct.unpack_from("<HBHH", greeting, end + 14)
        self.capabilities = low | high << 16
        self.scramble = greeting[end + 5:end + 13] + greeting[end + 32:end + 44]
        self.plugin = greeting[end + 45:].rstrip(b"\0").decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def _read(self, length):
        data = b""
        while len(data) < length:
            chunk = self.socket.recv(length - len(data))
            if not chunk:
                raise ConnectionResetError("the server closed the connection")
            data += chunk
        return data

    def receive(self):
        header = self._read(4)
        payload = self._read(int.from_bytes(header[:3], "little"))
        self.log.append((header[3], payload))
        self.seq = header[3] + 1
        return payload

    def send(self, payload):
        self.socket.sendall(len(payload).to_bytes(3, "little") + bytes([self.seq % 256]) + payload)
        self.seq += 1

    @staticmethod
    def _error(payload):
        text = payload[9:] if payload[3:4] == b"#" else payload[3:]
        return WireError(int.from_bytes(payload[1:3], "little"), text.decode(errors="replace"))

    def start_tls(self):
        self.send(struct.pack("<IIB23x", CAPABILITIES | SSL, 1 << 24, self.charset))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.tls = True

    tls = False

    def login(self, user, password, plugin=None):
        """Log in with this plugin (the offered one by default). Returns the steps the server asked for, a list of
        "switch <plugin>", "fast" and "full". Raises WireError when refused."""
        plugin = plugin or self.plugin
        answer = (sha2_answer if plugin == "caching_sha2_password" else native_answer)(password, self.scramble)
        self.send(struct.pack("<IIB23x", CAPABILITIES | (SSL if self.tls else 0), 1 << 24, self.charset) +
                  user.encode() + b"\0" + bytes([len(answer)]) + answer + plugin.encode() + b"\0")
        steps = []
        while True:
            packet = self.receive()
            if packet[0] == 0xFF:
                raise self._error(packet)
            if packet[0] == 0x00:
                return steps
            if packet[0] == 0xFE:
                name, _, scramble = packet[1:].partition(b"\0")
                steps.append("switch " + name.decode())
                self.send(native_answer(password, scramble[:20]))
            elif packet[:2] == b"\x01\x03":
                steps.append("fast")
            elif packet[:2] == b"\x01\x04":
                steps.append("full")
                self.send(password.encode() + b"\0" if self.tls else b"\x02")
            else:
                raise AssertionError(f"unexpected packet {packet!r}")

    def command(self, number, payload=b""):
        """Send a command and return the first packet of its answer."""
        self.seq = 0
        self.send(bytes([number]) + payload)
        packet = self.receive()
        if packet[0] == 0xFF:
            raise self._error(packet)
        return packet
