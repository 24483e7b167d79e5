#!/usr/bin/python3
"""What a drain is without an agent like ours, to compare with: PAUSE at once, wait out drain_timeout, SHUTDOWN.

Takes the bench's configuration file (AGENT_CONFIG_FILE) and serves its probes and /shutdown: a --peer for the traffic
bench, whose failures it shows.
"""
import contextlib
import http.server
import json
import os
import pathlib
import re
import signal
import threading
import time

import pymysql


class Settings:
    """The keys it needs, from lines of "key: value"; keys are unique in the bench's file."""

    def __init__(self, text):
        self._values = dict(re.findall(r"^\s*(\w+): *(\S+)$", text, re.M))

    def __getitem__(self, key):
        return self._values[key]


class Node:
    """ProxySQL's admin port."""

    def __init__(self, settings):
        self._host, _, port = settings["address"].rpartition(":")
        self._port, self._user, self._password = int(port), settings["username"], settings["password"]

    def run(self, sql):
        with contextlib.closing(pymysql.connect(host=self._host, port=self._port, user=self._user,
                                                password=self._password, autocommit=None)) as connection, \
                connection.cursor() as cursor:
            cursor.execute(sql)


class Drain:
    """Once, whoever asks."""

    def __init__(self, node, drain_timeout):
        self._node, self._drain_timeout = node, drain_timeout
        self._lock = threading.Lock()
        self.draining = False

    def run(self):
        with self._lock:
            if self.draining:
                return
            self.draining = True
            self._node.run("PROXYSQL PAUSE")
            time.sleep(self._drain_timeout)
            with contextlib.suppress(pymysql.Error):  # no answer ever comes
                self._node.run("PROXYSQL SHUTDOWN")


def handler(node, drain):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/shutdown":
                drain.run()
                self._answer(200)
            else:
                self._answer(503 if drain.draining else self._probe())

        @staticmethod
        def _probe():
            try:
                node.run("SELECT 1")
            except pymysql.Error:
                return 503
            return 200

        def _answer(self, status):
            body = json.dumps({"status": status}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *args):  # pylint: disable=redefined-builtin
            pass

    return Handler


def main():
    settings = Settings(pathlib.Path(os.environ["AGENT_CONFIG_FILE"]).read_text(encoding="ascii"))
    node = Node(settings)
    drain = Drain(node, int(settings["drain_timeout"]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(settings["port"])), handler(node, drain))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signal.sigwait({signal.SIGTERM})
    drain.run()


if __name__ == "__main__":
    main()
