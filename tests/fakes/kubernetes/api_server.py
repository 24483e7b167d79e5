"""A stand-in for the Kubernetes API server: the pods of one namespace, listed and watched like kube-apiserver does,
its leases (leases.py) and what a user may do (access_reviews.py).

It runs in the test's own process. Faults are told to it one by one (Fault) and each is used once, by the first request
that it fits. Behaviour follows kube-apiserver 1.20: pages and continue tokens, a pod that leaves the selector is
DELETED for the watch and one that enters it is ADDED, 410 as an ERROR event on a watch and as a status on a list.
"""
import base64
import collections
import copy
import dataclasses
import http.server
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse
import uuid

import access_reviews
import leases
from leases import status

VERSIONS_START = 1000


@dataclasses.dataclass
class Fault:
    """What to do to one request. verb: list, watch, of leases get, create, update, review, or None for any; core: of the core pods, of the others, or None;
    page: of a list, the first or a later one, or None."""
    do: str  # status, hang, close, half, cut, oversize, garbage, ended, silent, bookmark
    verb: str = None
    core: bool = None
    page: int = None
    code: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = b""

    def fits(self, verb, core, page):
        return self.verb in (None, verb) and self.core in (None, core) and self.page in (None, page)


def _matches(selector, labels):
    for term in filter(None, selector.split(",")):
        key, unequal, value = term.partition("!=")
        if unequal:
            if labels.get(key) == value:
                return False
            continue
        key, _, value = term.partition("=")
        if labels.get(key) != value:
            return False
    return True


class ApiServer:
    """The state, and the server in front of it. All methods may be called from any thread."""

    def __init__(self, port=0, certificate=None):
        self.changed = threading.Condition()
        self.pods = {}
        self.version = VERSIONS_START
        self.oldest = VERSIONS_START  # of the history
        self.history = []  # (version, type, pod, pod before)
        self.leases = {}
        self.token = None  # None: every request may
        self.forbidden = set()  # verbs; "review": to ask what one may
        self.faults = []
        self.requests = []  # (verb, query) of all, in order
        self.tokens = collections.Counter()
        self.bookmark_s = 0.0  # 0 = none
        self.page_max = 500
        self.padding = 0  # bytes that every pod is made larger
        self._connections = set()
        self._down = False
        self.server = _Server(("127.0.0.1", port), _Handler)
        self.server.api = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    # --- pods

    def _record(self, kind, pod, before):
        self.version += 1
        pod["metadata"]["resourceVersion"] = str(self.version)
        self.history.append((self.version, kind, pod, before))
        self.changed.notify_all()

    def put_pod(self, name, component="core", ip="", phase="Running", ready=None, app="proxysql", terminating=False):
        """Create or change a pod. Returns its uid."""
        with self.changed:
            before = self.pods.get(name)
            metadata = {"name": name, "namespace": "proxysql", "labels": {"app": app, "component": component},
                        "uid": before["metadata"]["uid"] if before else str(uuid.uuid4()),
                        "annotations": {"padding": "x" * self.padding}}
            if terminating:
                metadata.update(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=30)
            is_ready = phase == "Running" if ready is None else ready
            pod = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata,
                   "spec": {"terminationGracePeriodSeconds": 30},
                   "status": {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}],
                              "conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}]}}
            self.pods[name] = pod
            self._record("MODIFIED" if before else "ADDED", pod, before)
            return metadata["uid"]

    def delete_pod(self, name):
        with self.changed:
            pod = copy.deepcopy(self.pods.pop(name))
            self._record("DELETED", pod, pod)

    # --- leases

    def lease(self, name):
        """Its spec, or None."""
        with self.changed:
            return copy.deepcopy(self.leases[name]["spec"]) if name in self.leases else None

    def put_lease(self, name, spec):
        """As another client would: created or changed as a whole."""
        with self.changed:
            known = self.leases.get(name)
            metadata = {"name": name, "resourceVersion": known["metadata"]["resourceVersion"]} if known else \
                {"name": name}
            write = leases.update if known else leases.create
            code, document = write(self, "proxysql", name, {"metadata": metadata, "spec": spec})
        assert code in (200, 201), document

    def compact(self):
        """Forget the history: every older resourceVersion and continue token is 410 from now on."""
        with self.changed:
            self.history.clear()
            self.version += 1
            self.oldest = self.version

    # --- faults

    def fault(self, do, **fields):
        with self.changed:
            self.faults.append(Fault(do, **fields))

    def take_fault(self, verb, core, page):
        with self.changed:
            for fault in self.faults:
                if fault.fits(verb, core, page):
                    self.faults.remove(fault)
                    return fault
        return None

    def cut_all(self):
        """Reset every connection, as a killed server does."""
        with self.changed:
            for connection in list(self._connections):
                try:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def down(self):
        """Refuse everything until up()."""
        with self.changed:
            self._down = True
        self.cut_all()

    def up(self):
        with self.changed:
            self._down = False

    def is_down(self):
        return self._down

    def add_connection(self, connection):
        with self.changed:
            self._connections.add(connection)

    def drop_connection(self, connection):
        with self.changed:
            self._connections.discard(connection)

    def count(self, verb, core=None):
        """How many such requests there were."""
        with self.changed:
            return sum(1 for v, query in self.requests
                       if v == verb and core in (None, "!=" not in query["labelSelector"]))

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.cut_all()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients go away in the middle: that is what is tested


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536
    disable_nagle_algorithm = True

    @property
    def api(self):
        return self.server.api

    def setup(self):
        super().setup()
        self.api.add_connection(self.connection)

    def finish(self):
        self.api.drop_connection(self.connection)
        super().finish()

    def log_message(self, *_):
        pass

    # --- answers

    def _answer(self, code, document, headers=()):
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _event(self, kind, document):
        self._chunk(json.dumps({"type": kind, "object": document}).encode() + b"\n")

    # --- requests

    def do_GET(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if leases.matches(parts.path):
            self._lease("get", leases.get, None)
        else:
            self._serve("watch" if query.get("watch") == "1" else "list", query)

    def do_POST(self):
        body = self._body()
        if self.path == access_reviews.PATH:
            self._serve("review", {}, lambda: self._answer(*access_reviews.review(self.api, body)),
                        "selfsubjectaccessreviews")
        else:
            self._lease("create", leases.create, body)

    def do_PUT(self):
        self._lease("update", leases.update, self._body())

    def _body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _lease(self, verb, do, body):
        namespace, name = leases.matches(self.path) or (None, None)
        self._serve(verb, {}, lambda: self._answer(*do(self.api, namespace, name, body)), "leases")

    def _serve(self, verb, query, answer=None, resource="pods"):
        """Faults, the token and permissions, and then answer(), or what a list or a watch gives."""
        if self.api.is_down():
            self.close_connection = True
            return
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        with self.api.changed:
            self.api.requests.append((verb, query))
            self.api.tokens[token] += 1
            wanted, forbidden = self.api.token, verb in self.api.forbidden
        core = "!=" not in query["labelSelector"] if resource == "pods" else None
        fault = self.api.take_fault(verb, core, 2 if "continue" in query else 1)
        if fault:
            self._fail(fault)
        elif wanted is not None and token != wanted:
            self._answer(401, status(401, "Unauthorized", "Unauthorized"))
        elif forbidden:
            self._answer(403, status(403, "Forbidden", f"{resource} is forbidden: cannot {verb}"))
        elif answer:
            answer()
        elif verb == "watch":
            self._watch(query)
        else:
            self._list(query)

    def _fail(self, fault):
        self.close_connection = True
        if fault.do == "status":
            self._answer(fault.code, fault.body or status(fault.code, "Fault", "as asked"), fault.headers)
        elif fault.do == "hang":
            self._wait_for_client()
        elif fault.do == "close":
            pass
        else:
            self._begin_stream()
            self._misbehave(fault)

    def _misbehave(self, fault):
        if fault.do == "half":  # a clean end in the middle of an object
            self._chunk(b'{"type":"ADDED","object":{"metadata":{"na')
            self._chunk(b"")
        elif fault.do == "cut":  # no end at all
            self._chunk(b'{"type":"ADDED","object":{"metadata":{"na')
        elif fault.do == "oversize":
            self._chunk(b'{"kind":"PodList","items":[{"a":"' if fault.verb == "list" else b'{"type":"')
            for _ in range(64):
                self._chunk(b"x" * 65536)
        elif fault.do == "garbage":
            self._chunk(fault.body or b"<html>\n")
            self._chunk(b"")
        elif fault.do == "ended":
            self._chunk(b"")
        elif fault.do == "silent":
            self._wait_for_client()
        elif fault.do == "bookmark":  # and silent afterwards
            with self.api.changed:
                version = self.api.version
            self._event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})
            self._wait_for_client()

    def _wait_for_client(self):
        """Until it goes away."""
        try:
            self.connection.recv(1)
        except OSError:
            pass

    def _list(self, query):
        api = self.api
        with api.changed:
            version, after = api.version, ""
            if "continue" in query:
                version, after = json.loads(base64.urlsafe_b64decode(query["continue"]))
                if version < api.oldest:
                    self._answer(410, status(410, "Expired", "The provided continue parameter is too old"))
                    return
            pods = [api.pods[name] for name in sorted(api.pods) if name > after]
        pods = [pod for pod in pods if _matches(query["labelSelector"], pod["metadata"]["labels"])]
        limit = min(int(query.get("limit", 500)), api.page_max)
        metadata = {"resourceVersion": str(version)}
        if len(pods) > limit:
            token = [version, pods[limit - 1]["metadata"]["name"]]
            metadata["continue"] = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
            metadata["remainingItemCount"] = len(pods) - limit
        self._answer(200, {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": pods[:limit]})

    def _watch(self, query):
        api, selector = self.api, query["labelSelector"]
        end = time.monotonic() + int(query["timeoutSeconds"])
        at = int(query["resourceVersion"])
        self._begin_stream()
        next_bookmark = time.monotonic() + api.bookmark_s
        while time.monotonic() < end:
            with api.changed:
                if api.is_down():
                    break
                if at < api.oldest:
                    events = None
                else:
                    events = [entry for entry in api.history if entry[0] > at]
                if events == []:
                    wake = min(end, next_bookmark if api.bookmark_s else end)
                    api.changed.wait(max(0.0, min(wake - time.monotonic(), 0.2)))
            if events is None:
                self._event("ERROR", status(410, "Expired", f"too old resource version: {at}"))
                break
            for version, kind, pod, before in events:
                at = version
                self._send_change(selector, kind, pod, before)
            if api.bookmark_s and time.monotonic() >= next_bookmark:
                next_bookmark = time.monotonic() + api.bookmark_s
                self._event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(at)}})
        self._chunk(b"")

    def _send_change(self, selector, kind, pod, before):
        matched = before is not None and _matches(selector, before["metadata"]["labels"])
        matches = kind != "DELETED" and _matches(selector, pod["metadata"]["labels"])
        if matches:
            self._event("MODIFIED" if matched else "ADDED", pod)
        elif matched:
            self._event("DELETED", pod)
