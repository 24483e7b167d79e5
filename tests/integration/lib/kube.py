"""Kubernetes API servers for the tests: the stand-in, or a real kube-apiserver with etcd from KUBEBUILDER_ASSETS."""
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys

from lib.binaries import ROOT
from lib.ports import free_port
from lib.process import Process
from lib.waiting import wait_until

sys.path.insert(0, str(ROOT / "tests" / "fakes" / "kubernetes"))
from api_server import ApiServer  # noqa: E402  pylint: disable=wrong-import-position

PODS = "/api/v1/namespaces/proxysql/pods"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/proxysql/leases"
MERGE = "application/merge-patch+json"
NOW = "2026-01-01T00:00:00Z"


def real_kubernetes():
    """The folder with kube-apiserver and etcd, or None."""
    folder = os.environ.get("KUBEBUILDER_ASSETS")
    if not folder:
        return None
    path = pathlib.Path(folder)
    for name in ("kube-apiserver", "etcd"):
        if not os.access(path / name, os.X_OK):
            raise FileNotFoundError(f"KUBEBUILDER_ASSETS={folder}: no {name}")
    return path


def _openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


def make_certificates(folder):
    """ca.crt with server.crt and server.key for 127.0.0.1, and other-ca.crt, which has signed nothing."""
    for name in ("ca", "other-ca"):
        _openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out",
                 folder / f"{name}.crt", "-days", "30", "-subj", f"/CN={name}",
                 "-addext", "keyUsage=critical,keyCertSign,digitalSignature")
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "server.key", "-out",
             folder / "server.csr", "-subj", "/CN=kube-apiserver")
    _openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key",
             "-CAcreateserial", "-days", "30", "-extfile", folder / "server.ext", "-out", folder / "server.crt")


class FakeKube(ApiServer):
    """The stand-in over http or https, with the files that a client needs."""

    real = False

    def __init__(self, folder, tls=False):
        self.folder = pathlib.Path(folder)
        self.token_file, self.ca_file = self.folder / "token", self.folder / "ca.crt"
        self.other_ca_file = self.folder / "other-ca.crt"
        if tls:
            make_certificates(self.folder)
        super().__init__(certificate=(self.folder / "server.crt", self.folder / "server.key") if tls else None)
        self.token = "first-token"
        self.token_file.write_text(self.token + "\n")

    def allow(self, *verbs, leases=("get", "create", "update")):
        """What the agent may do with pods, and with leases."""
        with self.changed:
            self.forbidden = ({"list", "watch"} - set(verbs)) | ({"get", "create", "update"} - set(leases))

    def allow_reviews(self, allowed):
        """Whether it may ask what it may do."""
        with self.changed:
            self.forbidden = self.forbidden - {"review"} if allowed else self.forbidden | {"review"}

    def rotate_token(self):
        """Another token in the file; the old one is worth nothing any more."""
        self.token = "second-token"
        self.token_file.write_text(self.token)


class RealKube:
    """kube-apiserver and etcd on free ports; user agent may do in namespace proxysql what deploy/role.yaml grants."""

    real = True
    tokens = {"admin": "admin-token", "agent": "agent-token", "nobody": "nobody-token"}

    def __init__(self, folder):
        self.folder, self.bin = pathlib.Path(folder), real_kubernetes()
        self.port, self.etcd_port, self.peer_port = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.token_file, self.ca_file = self.folder / "token", self.folder / "ca.crt"
        self.other_ca_file = self.folder / "other-ca.crt"
        make_certificates(self.folder)
        (self.folder / "tokens.csv").write_text("".join(
            f"{token},{user},{user},{'system:masters' if user == 'admin' else 'others'}\n"
            for user, token in self.tokens.items()))
        self.token_file.write_text(self.tokens["agent"])
        self._connection = None
        self.etcd = self.server = None
        self._start_etcd()
        self.up()
        self._make_objects()

    def _start_etcd(self):
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        self.etcd = Process(
            [self.bin / "etcd", "--name", "test", "--data-dir", self.folder / "etcd", "--listen-client-urls", client,
             "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
             "--initial-cluster", f"test={peer}", "--logger", "zap", "--log-level", "warn"], self.folder / "etcd.log")

    def up(self):
        """Start the API server and wait until it is ready."""
        self.server = Process(
            [self.bin / "kube-apiserver", "--bind-address=127.0.0.1", f"--secure-port={self.port}",
             "--insecure-port=0", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
             f"--etcd-servers=http://127.0.0.1:{self.etcd_port}", f"--tls-cert-file={self.folder}/server.crt",
             f"--tls-private-key-file={self.folder}/server.key", f"--token-auth-file={self.folder}/tokens.csv",
             "--authorization-mode=RBAC", "--service-account-issuer=https://test",
             f"--service-account-key-file={self.folder}/ca.key",
             f"--service-account-signing-key-file={self.folder}/ca.key", f"--cert-dir={self.folder}/certs",
             "--disable-admission-plugins=ServiceAccount", "--profiling=false"], self.folder / "apiserver.log")
        wait_until(self._ready, timeout=120, what="kube-apiserver is ready", step=0.2)

    def _ready(self):
        assert self.server.running(), self.server.log()[-3000:]
        try:
            return self.api("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def down(self, grace_s=2):
        """SIGTERM, upon which it waits for its watches to end; they are cut after grace_s by SIGKILL."""
        self._connection = None
        self.server.stop(grace_s)

    def api(self, method, path, body=None, content_type="application/json"):
        """(status, document)"""
        for again in (True, False):
            if self._connection is None:
                context = ssl.create_default_context(cafile=self.ca_file)
                self._connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
            try:
                self._connection.request(method, path, json.dumps(body) if body is not None else None,
                                         {"Authorization": f"Bearer {self.tokens['admin']}",
                                          "Content-Type": content_type})
                answer = self._connection.getresponse()
                data = answer.read()
                break
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                if not again:
                    raise OSError(str(error)) from error
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data

    def _must(self, method, path, body=None, accept=(200, 201, 202, 409), **options):
        code, document = self.api(method, path, body, **options)
        assert code in accept, f"{method} {path}: {code} {document}"
        return document

    def _make_objects(self):
        rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/proxysql"
        self._must("POST", "/api/v1/namespaces", {"metadata": {"name": "proxysql"}})
        self._must("POST", "/api/v1/namespaces/proxysql/serviceaccounts", {"metadata": {"name": "default"}})
        self._must("POST", "/api/v1/nodes", {"metadata": {"name": "node"}})
        self.allow("get", "list", "watch", method="POST")
        self._must("POST", f"{rbac}/rolebindings", {
            "metadata": {"name": "agent"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "agent"},
            "subjects": [{"kind": "User", "name": "agent", "apiGroup": "rbac.authorization.k8s.io"}]})

    def allow(self, *verbs, method="PUT", leases=("get", "create", "update")):
        """What the agent's Role grants on pods, and on leases."""
        path = "/apis/rbac.authorization.k8s.io/v1/namespaces/proxysql/roles"
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
        if leases:
            rules.append({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": list(leases)})
        self._must(method, path + ("/agent" if method == "PUT" else ""), {"metadata": {"name": "agent"}, "rules": rules})

    def allow_reviews(self, allowed):
        """Whether users may ask what they may do, which the API server usually lets everybody."""
        subjects = [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}]
        self._must("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:basic-user",
                   {"subjects": subjects if allowed else None}, content_type=MERGE)

    def create_pod(self, name, component="core", app="proxysql", padding=0):
        """A pod that is Pending and has no address."""
        return self._must("POST", PODS, {
            "metadata": {"name": name, "labels": {"app": app, "component": component},
                         "annotations": {"padding": "x" * padding}},
            "spec": {"nodeName": "node", "automountServiceAccountToken": False,
                     "containers": [{"name": "proxysql", "image": "proxysql"}]}})

    def put_pod(self, name, component="core", ip="", phase="Running", ready=None, app="proxysql"):
        """Create or change a pod. Returns its uid."""
        labels = {"app": app, "component": component}
        code, pod = self.api("PATCH", f"{PODS}/{name}", {"metadata": {"labels": labels}}, MERGE)
        if code == 404:
            pod = self.create_pod(name, component, app)
        is_ready = phase == "Running" if ready is None else ready
        self._must("PATCH", f"{PODS}/{name}/status", {"status": {
            "phase": phase, "podIP": ip or None, "podIPs": [{"ip": ip}] if ip else None,
            "conditions": [{"type": "Ready", "status": "True" if is_ready else "False", "lastProbeTime": None,
                            "lastTransitionTime": NOW}]}}, content_type=MERGE)
        return pod["metadata"]["uid"]

    def terminate_pod(self, name):
        """A graceful deletion: without a kubelet the pod stays, terminating."""
        self._must("DELETE", f"{PODS}/{name}", {"gracePeriodSeconds": 30})

    def delete_pod(self, name):
        self._must("DELETE", f"{PODS}/{name}", {"gracePeriodSeconds": 0})

    def lease(self, name):
        """Its spec, or None."""
        code, document = self.api("GET", f"{LEASES}/{name}")
        return document["spec"] if code == 200 else None

    def put_lease(self, name, spec):
        """As another client would: created or changed as a whole."""
        code, document = self.api("GET", f"{LEASES}/{name}")
        if code == 200:
            self._must("PUT", f"{LEASES}/{name}", {**document, "spec": spec}, accept=(200,))
        else:
            self._must("POST", LEASES, {"metadata": {"name": name}, "spec": spec}, accept=(201,))

    def delete_all(self):
        self._must("DELETE", LEASES)
        self._must("DELETE", PODS, {"gracePeriodSeconds": 0})
        wait_until(lambda: not self.api("GET", PODS)[1]["items"], what="no pod is left")

    def close(self):
        for process in (self.server, self.etcd):
            if process:
                process.kill()
