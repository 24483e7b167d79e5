"""HTTP/2 with nghttp2's own client and load generator, and what a peer may do wrong (RFC 9113)."""
import re
import shutil
import socket
import struct
import subprocess

import pytest

from lib.agent import SLOW

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.fixture
def agent(node, make_agent):
    started = make_agent(node, {"run_mode": "satellite"})
    started.wait_ready()
    return started


def tool(*arguments):
    assert shutil.which(arguments[0]), f"{arguments[0]}: install nghttp2-client"
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("upgrade", [[], ["-u"]], ids=["prior-knowledge", "upgrade"])
def test_nghttp(agent, upgrade):
    out = tool("nghttp", "-v", *upgrade, f"http://127.0.0.1:{agent.port}/healthz/ready")
    assert ":status: 200" in out and '"probe":"readiness"' in out and "server: proxysql-agent" in out


def test_nghttp_many(agent):
    """A hundred at once on one connection, among them some that are not found."""
    out = tool("nghttp", "-s", "-n", "-m", "100", f"http://127.0.0.1:{agent.port}/healthz/ready")
    assert len(re.findall(r"\b200\b", out)) >= 100


@pytest.mark.parametrize("streams", [1, 10, 100])
def test_h2load(agent, streams):
    out = tool("h2load", "-n", "20000", "-c", "8", "-m", str(streams), f"http://127.0.0.1:{agent.port}/healthz/ready")
    assert "20000 succeeded, 0 failed, 0 errored, 0 timeout" in out and "status codes: 20000 2xx" in out


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def frames(client):
    """(type, flags, stream, payload) until the end."""
    buffer = b""
    while True:
        try:
            data = client.recv(65536)
        except ConnectionError:
            data = b""
        buffer += data
        while len(buffer) >= 9 and len(buffer) >= 9 + int.from_bytes(buffer[:3], "big"):
            length = int.from_bytes(buffer[:3], "big")
            yield buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big"), buffer[9:9 + length]
            buffer = buffer[9 + length:]
        if not data:
            return


GET = b"\x82\x86\x04\x0e/healthz/ready\x01\x05agent"  # HPACK without Huffman
WRONG = {
    # name: (frames after the preface and SETTINGS, error code of the GOAWAY or None: the connection just ends)
    "data on stream 0": (frame(0, 0, 0, b"x"), 1),
    "headers on stream 0": (frame(1, 5, 0, GET), 1),
    "settings with a length that is no multiple of 6": (frame(4, 0, 0, b"12345"), 6),
    "settings ack with a payload": (frame(4, 1, 0, b"123456"), 6),
    "settings on a stream": (frame(4, 0, 1, b""), 1),
    "ping of 4 bytes": (frame(6, 0, 0, b"1234"), 6),
    "window update by 0": (frame(8, 0, 0, struct.pack(">I", 0)), 1),
    "window that overflows": (frame(8, 0, 0, struct.pack(">I", 2**31 - 1)), 3),
    "push promise from a client": (frame(5, 4, 1, struct.pack(">I", 2) + GET), 1),
    "continuation without headers": (frame(9, 4, 1, GET), 1),
    "a frame larger than allowed": (struct.pack(">I", 20000)[1:] + b"\0\0" + struct.pack(">I", 1) + b"x" * 20000, 6),
    "an even stream": (frame(1, 5, 2, GET), 1),
    "nonsense in place of HPACK": (frame(1, 5, 1, b"\xff" * 16), 9),
}


def converse(agent, data):
    with socket.create_connection(("127.0.0.1", agent.port), 5 * SLOW) as client:
        client.sendall(PREFACE + frame(4) + data)
        return list(frames(client))


@pytest.mark.parametrize("what", WRONG)
def test_errors_of_the_connection(agent, what):
    data, code = WRONG[what]
    goaways = [payload for kind, _, _, payload in converse(agent, data) if kind == 7]
    assert goaways and int.from_bytes(goaways[-1][4:8], "big") == code, goaways
    assert agent.ready().status == 200


def test_an_unknown_frame_is_ignored(agent):
    with socket.create_connection(("127.0.0.1", agent.port), 5 * SLOW) as client:
        client.sendall(PREFACE + frame(4) + frame(0x77, 0xff, 0, b"anything") + frame(1, 5, 1, GET))
        for kind, flags, stream, _ in frames(client):
            if kind == 0 and stream == 1 and flags & 1:
                break
        else:
            pytest.fail("no answer")
    assert "skipping frame" not in agent.process.log()


def test_http1_only(node, make_agent):
    agent = make_agent(node, {"run_mode": "satellite", "api.http2": False})
    agent.wait_ready()
    with socket.create_connection(("127.0.0.1", agent.port), 5 * SLOW) as client:
        client.sendall(PREFACE + frame(4) + frame(1, 5, 1, GET))
        answer = client.recv(4096)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    done = subprocess.run(["curl", "-sS", "--http2", "-w", "%{http_version}", "-o", "/dev/null",
                           f"http://127.0.0.1:{agent.port}/healthz/ready"], capture_output=True, text=True, check=True)
    assert done.stdout == "1.1"
