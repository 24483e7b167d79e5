"""/healthz/ready as h2load asks: HTTP/1.1, h2c and TLS, over 8 connections, and over 100 at 1,000 requests a second."""
import pathlib
import statistics
import subprocess

from agent import PROBES
from figures import Figure
from lab import processor_ms
from lib.proxysql import make_certificate

KINDS = {"h1": ("HTTP/1.1", "http", ["--h1"]), "h2c": ("h2c", "http", []),
         "tls1": ("HTTPS, HTTP/1.1", "https", ["--h1"]), "tls2": ("HTTPS, h2", "https", [])}
PACED, PACED_RPS = 100, 1000
RUNS = 3
WARM_S = 1  # connecting and TLS handshakes are not what is measured


def _figures(kind):
    name = KINDS[kind][0]
    return (
        Figure(f"{kind} rate", f"{name}, 8 connections", "1/s", at_least=12000, decimals=0),
        Figure(f"{kind} p99", "  p99", "ms", at_most=5, decimals=2),
        Figure(f"{kind} processor", "  processor", "us each"),
        Figure(f"{kind} paced rate", f"{name}, 100 connections, 1,000/s wanted", "1/s", decimals=0),
        Figure(f"{kind} paced p99", "  p99", "ms", at_most=5, decimals=2),
        Figure(f"{kind} paced processor", "  processor", "us each"),
    )


FIGURES = sum((_figures(kind) for kind in KINDS), ()) + (
    Figure("bad", "answers other than 200, and requests that failed", "", at_most=0, decimals=0),)


def _h2load(log, url, *flags):
    """(answers with 200, other answers and failures, p99 in ms); None when not one was answered."""
    log.unlink(missing_ok=True)
    subprocess.run(["h2load", f"--log-file={log}", *flags, url], check=False, capture_output=True)
    # start in us, status or -1, duration in us
    lines = [line.split("\t") for line in log.read_text().splitlines()] if log.exists() else []
    good = sorted(int(took) for _, status, took in lines if status == "200")
    return (len(good), len(lines) - len(good), good[len(good) * 99 // 100] / 1000) if good else None


def _measure_one(log, pid, url, seconds, flags):
    """The median of three runs: rate, p99, processor of each, and the sum of what was bad; None: not served."""
    runs = []
    for _ in range(RUNS):
        before = processor_ms(pid)
        run = _h2load(log, url, "-D", str(seconds), f"--warm-up-time={WARM_S}", *flags)
        if run is None:
            return None
        good, bad, p99 = run
        share = seconds / (seconds + WARM_S)
        runs.append((good / seconds, p99, (processor_ms(pid) - before) * 1000 * share / good, bad))
    rate, p99, processor, bad = zip(*runs)
    return *(statistics.median(values) for values in (rate, p99, processor)), sum(bad)


def _measure_kind(values, kind, agent, seconds, log):
    _, scheme, flags = KINDS[kind]
    url = f"{scheme}://127.0.0.1:{agent.port}{PROBES['ready']}"
    loads = {kind: ["-c", "8"], f"{kind} paced": ["-c", str(PACED), f"--rps={PACED_RPS // PACED}"]}
    for key, load in loads.items():
        found = _measure_one(log, agent.process.pid, url, seconds, flags + load)
        if found:
            values[f"{key} rate"], values[f"{key} p99"], values[f"{key} processor"], bad = found
            values["bad"] = values.get("bad", 0) + bad


def measure(lab, binary):
    values, seconds = {}, max(1, lab.seconds(9) // RUNS)
    log = pathlib.Path(lab.folder()) / "log"
    with lab.pair(binary) as (_, agent):
        for kind in ("h1", "h2c"):
            _measure_kind(values, kind, agent, seconds, log)
    cert, key = make_certificate(lab.folder())
    tls = {"AGENT_API_TLS_CERT_FILE": str(cert), "AGENT_API_TLS_KEY_FILE": str(key)}
    with lab.node() as node, lab.agent(binary, node, env=tls, scheme="https") as agent:  # the one before drained its own
        for kind in ("tls1", "tls2"):
            _measure_kind(values, kind, agent, seconds, log)
    return values
