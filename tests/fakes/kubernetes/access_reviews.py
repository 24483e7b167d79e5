"""SelfSubjectAccessReviews of the stand-in for the Kubernetes API server, as kube-apiserver 1.20 answers them: 201, the
question again with a status; 422 without attributes. What its `forbidden` verbs refuse is not allowed here either.
"""
import json

from leases import status

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
KIND = {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}


def review(api, body):
    try:
        spec = json.loads(body)["spec"]
        attributes = spec["resourceAttributes"]
    except (ValueError, KeyError, TypeError):
        return 422, status(422, "Invalid", "exactly one of nonResourceAttributes or resourceAttributes must be specified")
    with api.changed:
        allowed = attributes["verb"] not in api.forbidden
    reason = {"reason": 'RBAC: allowed by RoleBinding "agent/proxysql" of Role "agent" to User "agent"'} if allowed else {}
    return 201, {**KIND, "metadata": {"creationTimestamp": None}, "spec": spec, "status": {"allowed": allowed, **reason}}
