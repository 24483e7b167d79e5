"""HTTP questions to the agent: one at a time, or a storm of probes."""
import http.client
import json
import threading
import time

PROBES = ("/healthz/started", "/healthz/ready", "/healthz/live")


class Answer:
    """One answer. asked is the monotonic time of the question, seconds how long it took; names of headers are in lower
    case."""

    def __init__(self, response, body, asked):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.asked, self.seconds = asked, time.monotonic() - asked

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body!r} after {self.seconds:.3f} s>"


class Client:
    """One keep-alive connection."""

    def __init__(self, port, timeout=10.0, host="127.0.0.1", source=None):
        """source: the own address."""
        self._connection = http.client.HTTPConnection(host, port, timeout=timeout,
                                                      source_address=source and (source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._connection.close()

    def ask(self, path, method="GET", body=None, headers=None):
        asked = time.monotonic()
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        return Answer(response, response.read(), asked)


def ask(port, path, method="GET", timeout=10.0, body=None, headers=None, **connection):
    """One question on a connection of its own."""
    with Client(port, timeout, **connection) as client:
        return client.ask(path, method, body, headers)


class Storm:
    """Ask every probe in turn, per_second in all over some keep-alive connections, until stopped."""

    def __init__(self, port, per_second=200, connections=40, paths=PROBES):
        self.answers = []
        self.failures = []
        self._port, self._paths = port, paths
        self._interval = connections / per_second
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n / per_second,), daemon=True)
                         for n in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self, delay):
        due, turn = time.monotonic() + delay, 0
        with Client(self._port) as client:
            while not self._stopping.wait(max(0.0, due - time.monotonic())):
                try:
                    self.answers.append(client.ask(self._paths[turn % len(self._paths)]))
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(error)
                    return
                turn += 1
                due = max(due + self._interval, time.monotonic())

    def slowest(self):
        return max(answer.seconds for answer in self.answers)
