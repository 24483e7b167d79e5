"""HTTPS: which versions and protocols, certificates that change, clients that never finish their handshake."""
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from lib.agent import SLOW, Agent, clean_environment, run
from lib.attackers import Attackers
from lib.metrics import Metrics
from lib.proxysql import make_certificate
from lib.waiting import wait_until


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "tls"
    folder.mkdir()
    return make_certificate(folder)


class TlsAgent:
    """The agent's answers over TLS; its own questions are in clear text."""

    def __init__(self, agent, cert):
        self.agent, self.cert, self.port = agent, cert, agent.port

    def curl(self, path, *flags):
        return subprocess.run(["curl", "-sS", "--max-time", str(10 * SLOW), "--cacert", str(self.cert), *flags,
                               f"https://127.0.0.1:{self.port}{path}"], capture_output=True, text=True, check=False)

    def connect(self, alpn=(), **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(list(alpn))
        for name, value in options.items():
            setattr(context, name, value)
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 5 * SLOW))

    def serial(self):
        with self.connect() as client:
            return client.getpeercert(binary_form=True)

    def metrics(self):
        return Metrics(self.curl("/metrics").stdout)


@pytest.fixture
def make_tls_agent(node, make_agent, files):
    def make(settings=None):
        cert, key = files
        agent = make_agent(node, {"run_mode": "satellite", "api.tls.cert_file": str(cert),
                                  "api.tls.key_file": str(key), **(settings or {})})
        tls = TlsAgent(agent, cert)
        wait_until(lambda: tls.curl("/healthz/ready", "-f").returncode == 0, 5 * SLOW, "ready over TLS")
        return tls
    return make


@pytest.mark.parametrize("http2, flag, version", [(True, "--http2", "2"), (True, "--http1.1", "1.1"),
                                                  (False, "--http2", "1.1")])
def test_alpn(make_tls_agent, http2, flag, version):
    agent = make_tls_agent({"api.http2": http2})
    for path, code in (("/healthz/ready", "200"), ("/nothing", "404")):
        done = agent.curl(path, flag, "-o", os.devnull, "-w", "%{http_code} %{http_version}")
        assert done.stdout == f"{code} {version}", done.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_versions_and_protocols(make_tls_agent):
    agent = make_tls_agent()
    with agent.connect() as client:
        assert client.version() == "TLSv1.3"
    with agent.connect(maximum_version=ssl.TLSVersion.TLSv1_2) as client:
        assert client.version() == "TLSv1.2"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        agent.connect(maximum_version=ssl.TLSVersion.TLSv1_1, minimum_version=ssl.TLSVersion.TLSv1)
    with agent.connect(alpn=["spdy/3", "h2"]) as client:
        assert client.selected_alpn_protocol() == "h2"
    with agent.connect(alpn=["http/1.1", "h2"]) as client:
        assert client.selected_alpn_protocol() == "h2"  # ours to choose
    with agent.connect(alpn=["gopher"]) as client:
        assert client.selected_alpn_protocol() is None
        client.sendall(b"GET /healthz/live HTTP/1.0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
    assert agent.metrics().value("http_handshake_failures_total") >= 1


def test_clear_text_is_not_answered(make_tls_agent):
    agent = make_tls_agent()
    with socket.create_connection(("127.0.0.1", agent.port), 5 * SLOW) as client:
        client.sendall(b"GET /healthz/ready HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"200" not in client.recv(4096)
    assert agent.curl("/healthz/ready", "-f").returncode == 0


def test_certificates_are_read_again(make_tls_agent, files, tmp_path):
    agent = make_tls_agent()
    before = agent.serial()
    open_before = agent.connect()
    other = tmp_path / "other"
    other.mkdir()
    cert, key = make_certificate(other)
    shutil.move(cert, files[0])  # the key does not belong to it yet
    warning = "the new TLS certificate cannot be used, the one before stays"
    agent.agent.wait_record(warning, timeout=5)
    assert agent.serial() == before
    shutil.move(key, files[1])
    wait_until(lambda: agent.serial() != before, 5 * SLOW, "the new certificate")
    open_before.sendall(b"GET /healthz/live HTTP/1.0\r\n\r\n")  # who is there stays
    assert open_before.recv(12) == b"HTTP/1.1 200"
    open_before.close()
    metrics = agent.metrics()
    assert metrics.value("http_certificate_loads_total") == 2
    assert metrics.value("http_certificate_load_failures_total") == 1
    assert metrics.value("http_certificate_expiry_timestamp_seconds") - time.time() == pytest.approx(2 * 86400, abs=600)


def test_handshakes_that_never_end(make_tls_agent):
    agent = make_tls_agent()
    before = agent.agent.process.descriptors()
    attackers = Attackers(agent.agent)
    attackers.start("handshakes", 12.5, "127.0.0.100")
    attackers.start("tls_floods", 3, "127.0.0.101")
    assert agent.curl("/healthz/ready", "-f").returncode == 0
    handshakes, floods = attackers.wait()
    assert handshakes["ended"] >= 5 and floods["sent"] > 0
    assert agent.metrics().limit("handshake_time") >= 5
    wait_until(lambda: agent.agent.process.descriptors() <= before + 2, 15 * SLOW, "descriptors are as before", 0.1)


@pytest.mark.parametrize("cert, key, said", [
    ("absent", "key", "api.tls.cert_file: read"), ("key", "key", "holds no certificate"),
    ("cert", "cert", "holds no private key"), ("cert", "", "needs api.tls.key_file"),
    ("cert", "pipe", "is no regular file"),
])
def test_bad_files_are_named_at_start(node, tmp_path, files, cert, key, said):
    names = {"cert": files[0], "key": files[1], "absent": tmp_path / "absent.pem", "pipe": tmp_path / "pipe", "": ""}
    os.mkfifo(names["pipe"])
    agent = Agent(tmp_path / "agent", node)
    done = run("--run_mode=core", f"--api.port={agent.port}", f"--api.tls.cert_file={names[cert]}",
               f"--api.tls.key_file={names[key]}", cwd=tmp_path, env=clean_environment())
    agent.close()
    assert done.returncode == 1 and said in done.stdout + done.stderr


def test_a_key_with_a_passphrase_is_not_asked_for(node, tmp_path, files):
    """OpenSSL would ask at the terminal and wait there."""
    locked = tmp_path / "locked.pem"
    subprocess.run(["openssl", "pkey", "-in", files[1], "-aes256", "-passout", "pass:secret", "-out", locked], check=True)
    agent = Agent(tmp_path / "agent", node)
    done = run("--run_mode=core", f"--api.port={agent.port}", f"--api.tls.cert_file={files[0]}",
               f"--api.tls.key_file={locked}", cwd=tmp_path, env=clean_environment())
    agent.close()
    assert done.returncode == 1 and f"{locked} needs a passphrase; give a key without one" in done.stdout + done.stderr
