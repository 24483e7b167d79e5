"""Leases of the stand-in for the Kubernetes API server, by the rules that kube-apiserver 1.20 showed: 201 and 409 on POST,
PUT with the current resourceVersion 200, with a stale one 409, without one 422; times of exactly six decimals, else 400.
"""
import copy
import json
import re
import uuid

PATH = re.compile(r"/apis/coordination\.k8s\.io/v1/namespaces/([a-z0-9-]+)/leases(?:/([a-z0-9.-]+))?$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
KIND = {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1"}


def status(code, reason, message):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code}


def matches(path):
    """(namespace, name or None), or None when it is no path of leases."""
    found = PATH.match(path)
    return found.groups() if found else None


def _refuse(code, reason, message):
    return code, status(code, reason, message)


def _read(body):
    """The document, or why it is refused."""
    try:
        lease = json.loads(body) if isinstance(body, bytes) else copy.deepcopy(body)
    except ValueError:
        return None, _refuse(400, "BadRequest", "the object provided is not JSON")
    spec = lease.setdefault("spec", {})
    for key in ("acquireTime", "renewTime"):
        if spec.get(key) is not None and not TIME.match(spec[key]):
            return None, _refuse(400, "BadRequest", f"v1.LeaseSpec.{key}: parsing time \"{spec[key]}\"")
    if (spec.get("leaseDurationSeconds") or 1) <= 0 or (spec.get("leaseTransitions") or 0) < 0:
        return None, _refuse(422, "Invalid", "spec: must be greater than 0")
    return lease, None


def _store(api, namespace, lease, uid):
    """Under the lock."""
    api.version += 1
    lease["metadata"].update(namespace=namespace, uid=uid, resourceVersion=str(api.version))
    stored = {**lease, **KIND}
    api.leases[lease["metadata"]["name"]] = stored
    return copy.deepcopy(stored)


def get(api, _namespace, name, _body):
    with api.changed:
        if name in api.leases:
            return 200, copy.deepcopy(api.leases[name])
    return _refuse(404, "NotFound", f'leases.coordination.k8s.io "{name}" not found')


def create(api, namespace, _name, body):
    lease, refusal = _read(body)
    if refusal:
        return refusal
    name = lease["metadata"]["name"]
    with api.changed:
        if name in api.leases:
            return _refuse(409, "AlreadyExists", f'leases.coordination.k8s.io "{name}" already exists')
        return 201, _store(api, namespace, lease, str(uuid.uuid4()))


def update(api, namespace, name, body):
    lease, refusal = _read(body)
    if refusal:
        return refusal
    if lease["metadata"].get("name") != name:
        return _refuse(400, "BadRequest", "the name of the object does not match the name on the URL")
    version = lease["metadata"].get("resourceVersion")
    with api.changed:
        if name not in api.leases:
            return _refuse(404, "NotFound", f'leases.coordination.k8s.io "{name}" not found')
        if not version:
            return _refuse(422, "Invalid", "metadata.resourceVersion: must be specified for an update")
        known = api.leases[name]["metadata"]
        if version != known["resourceVersion"]:
            return _refuse(409, "Conflict", f'Operation cannot be fulfilled on "{name}": the object has been modified')
        return 200, _store(api, namespace, lease, known["uid"])
