"""/healthz/ready as fast as wrk asks, beside an unknown path (no work) and bench-floor (no HTTP server at all)."""
import contextlib
import re
import socket
import statistics
import subprocess

from agent import PROBES
from figures import Figure
from lab import memory_mb, processor_ms
from lib.binaries import built
from lib.process import Process
from lib.waiting import wait_until

CONNECTIONS = (8, 100)
RUNS = 3
UNITS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}

FIGURES = (
    Figure("rate 8", "ready, 8 connections (limit: bench-floor)", "1/s", at_least=12000, decimals=0),
    Figure("p99 8", "  p99", "ms", at_most=5, decimals=2),
    Figure("processor 8", "  processor", "us each"),
    Figure("404 8", "  unknown path", "1/s", decimals=0),
    Figure("rate 100", "ready, 100 connections (limit: bench-floor)", "1/s", at_least=12000, decimals=0),
    Figure("p99 100", "  p99", "ms", at_most=25, decimals=2),
    Figure("processor 100", "  processor", "us each"),
    Figure("404 100", "  unknown path", "1/s", decimals=0),
    Figure("rss", "resident memory afterwards", "MB"),
    Figure("bad", "answers other than 200, and socket errors", "", at_most=0, decimals=0),
)


def _wrk(url, connections, seconds):
    """(requests/s, p99 in ms, requests, answers that are not 2xx plus socket errors)"""
    text = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url], check=True,
                          capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", text)
    requests = int(re.search(r"(\d+) requests in", text)[1])
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    bad = (int(other[1]) if other else 0) + (sum(map(int, errors.groups())) if errors else 0)
    return rate, float(p99[1]) * UNITS[p99[2]], requests, bad


def _median_wrk(url, connections, seconds):
    """Of three runs, each figure's median: a burst of other work on the machine spoils one. Bad answers are summed."""
    runs = [_wrk(url, connections, max(1, seconds // RUNS)) for _ in range(RUNS)]
    rates, p99s, requests, bad = zip(*runs)
    return statistics.median(rates), statistics.median(p99s), sum(requests), sum(bad)


def measure(lab, binary):
    values = {"bad": 0}
    with lab.pair(binary) as (_, agent):
        pid, base, seconds = agent.process.pid, f"http://127.0.0.1:{agent.port}", lab.seconds(10)
        _wrk(base + PROBES["ready"], 8, 1)
        for count in CONNECTIONS:
            before = processor_ms(pid)
            rate, p99, requests, bad = _median_wrk(base + PROBES["ready"], count, seconds)
            values[f"processor {count}"] = (processor_ms(pid) - before) * 1000 / requests
            values[f"rate {count}"], values[f"p99 {count}"] = rate, p99
            values["bad"] += bad
            values[f"404 {count}"] = _median_wrk(base + "/nothing-here", count, seconds)[0]
        values["rss"] = memory_mb(pid)[0]
    return values


@contextlib.contextmanager
def _floor(lab, answer):
    folder = lab.folder()
    (folder / "answer").write_bytes(answer)
    process = Process([built("bench-floor"), folder / "answer"], folder / "log")
    try:
        wait_until(lambda: process.log().endswith("\n"), what="bench-floor says its port")
        yield int(process.log())
    finally:
        process.kill()


def _whole_answer(port):
    """The bytes of one answer to ready."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.sendall(f"GET {PROBES['ready']} HTTP/1.1\r\nHost: agent\r\n\r\n".encode())
        answer = b""
        while True:
            answer += client.recv(65536)
            head, found, body = answer.partition(b"\r\n\r\n")
            if found and len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head)[1]):
                return answer


def limits(lab, binary):
    with lab.pair(binary) as (_, agent):
        answer = _whole_answer(agent.port)
    values = {}
    with _floor(lab, answer) as port:
        for count in CONNECTIONS:
            rate, p99, _, _ = _median_wrk(f"http://127.0.0.1:{port}/", count, lab.seconds(10))
            values[f"rate {count}"], values[f"p99 {count}"] = rate, p99
            values[f"404 {count}"] = values[f"rate {count}"]
    return values
