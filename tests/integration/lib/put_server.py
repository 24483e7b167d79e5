"""An HTTP server that takes PUTs, says what it is told to say and remembers what came."""
import hashlib
import http.server
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

CHUNK = 256 * 1024


@dataclass
class Put:
    """One request: its body is kept as a digest and, unless keep is off, as bytes."""
    path: str
    headers: dict
    size: int = 0
    sha256: str = ""
    body: bytes = b""
    at: float = field(default_factory=time.monotonic)


class PutServer:
    """script: what the next requests are answered with, then 200: a status; (status, headers, body); "cut", closed in
    the middle of the body; "reset", after it, without an answer; "stall", never read on."""

    def __init__(self, script=(), tls=None, keep=True, pace_s=0.0):
        self.script, self.keep, self.pace_s = list(script), keep, pace_s
        self.puts = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self):
                outer._serve(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.scheme = "https" if tls else "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def url(self, path=""):
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def _serve(self, request):
        put = Put(request.path, {name.lower(): value for name, value in request.headers.items()})
        self.puts.append(put)
        step = self.script.pop(0) if self.script else 200
        self._read(request, put, half=step == "cut", none=step == "stall")
        if step in ("cut", "reset"):
            request.close_connection = True
            linger = struct.pack("ii", 1, 0)
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            request.connection.close()
            return
        if step == "stall":
            time.sleep(60)
            return
        status, headers, body = step if isinstance(step, tuple) else (step, {}, b"")
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def _read(self, request, put, half, none):
        total = int(put.headers["content-length"])
        left = 0 if none else total // 2 if half else total
        digest, parts = hashlib.sha256(), []
        while left > 0:
            data = request.rfile.read(min(left, CHUNK))
            if not data:
                return
            left -= len(data)
            put.size += len(data)
            digest.update(data)
            if self.keep:
                parts.append(data)
            if self.pace_s:
                time.sleep(self.pace_s)
        put.sha256, put.body = digest.hexdigest(), b"".join(parts)
