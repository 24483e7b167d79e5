"""The pod watch's driver, and API servers for it."""
import json
import os
import queue
import re
import subprocess
import threading

import pytest

from lib.agent import SLOW
from lib.binaries import built
from lib.kube import FakeKube, RealKube
from lib.waiting import wait_until


# every token that a test lets the watch send
SECRETS = ("first-token", "second-token", "no-longer-valid", *RealKube.tokens.values())


class Driver:
    """pod-watch-driver: see its head for what it says."""

    def __init__(self, kube, log, token_file=None, ca_file=None, settings=None, env=None):
        argv = [built("pod-watch-driver"), kube.url, token_file or kube.token_file, ca_file or kube.ca_file]
        argv += [f"{key}={value}" for key, value in (settings or {}).items()]
        self.log_path = log
        with open(log, "wb") as errors:
            self._popen = subprocess.Popen(list(map(str, argv)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           stderr=errors, text=True, env={**os.environ, **(env or {})})
        self.pid = self._popen.pid
        self.changes = []
        self._answers = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._popen.stdout:
            record = json.loads(line)
            (self.changes.append if "changes" in record else self._answers.put)(record)

    def ask(self, command):
        self._popen.stdin.write(command + "\n")
        self._popen.stdin.flush()
        return self._answers.get(timeout=60)

    def view(self):
        return self.ask("view")

    def stats(self, stream="core"):
        return self.ask("stats")[stream]

    def pods(self):
        """{name: pod}"""
        return {pod["name"]: pod for pod in self.view()["pods"]}

    def wait_view(self, accept, timeout=5.0, what="the view"):
        def look():
            view = self.view()
            return view if accept(view) else None

        try:
            return wait_until(look, timeout * SLOW, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()[-3000:]}") from None

    def wait_names(self, *names, timeout=5.0):
        """Wait until exactly these pods are seen, and return the view."""
        return self.wait_view(lambda view: view["complete"] and view["others_complete"] and
                              {pod["name"] for pod in view["pods"]} == set(names), timeout, f"pods {names}")

    def wait_stats(self, accept, stream="core", timeout=5.0, what="the numbers"):
        last = []

        def look():
            last[:] = [self.stats(stream)]
            return last[0] if accept(last[0]) else None

        try:
            return wait_until(look, timeout * SLOW, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{last}\n{self.log()[-3000:]}") from None

    def wait_error(self, text, stream="core", timeout=5.0):
        return self.wait_stats(lambda stats: text in stats["error"], stream, timeout, f"the error {text!r}")

    def log(self):
        return self.log_path.read_text()

    def records(self, msg):
        return [record for record in map(json.loads, self.log().splitlines()) if record["msg"] == msg]

    def resident_kib(self):
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as smaps:
            return int(re.search(r"^Rss:\s+(\d+)", smaps.read(), re.M)[1])

    def cpu_s(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        """Stop it: it must end well. Returns how long it took, in seconds."""
        if self._popen.poll() is not None:
            return None
        self._popen.stdin.close()
        code = self._popen.wait(20 * SLOW)
        self._reader.join()
        self._popen.stdout.close()
        assert code == 0, self.log()[-8000:]
        return self._answers.queue[-1]["stopped_us"] / 1e6


@pytest.fixture
def drive(tmp_path):
    """drive(kube, **options): a started Driver; all are stopped at the test's end, which looks at how they end."""
    drivers = []

    def start(kube, **options):
        drivers.append(Driver(kube, tmp_path / f"driver{len(drivers)}.log", **options))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.close()
        assert not [secret for secret in SECRETS if secret in driver.log()]


@pytest.fixture
def fake_kube_tls(tmp_path_factory):
    kube = FakeKube(tmp_path_factory.mktemp("kube"), tls=True)
    yield kube
    kube.close()


@pytest.fixture(params=["stand-in", "real"])
def kube(request):
    """Either one, over https."""
    return request.getfixturevalue("fake_kube_tls" if request.param == "stand-in" else "real_kube")
