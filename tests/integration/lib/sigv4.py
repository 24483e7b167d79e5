"""AWS signature version 4 as its public description has it, to check what the agent sends."""
import hashlib
import hmac
import re
import urllib.parse

_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/"
                            r"(?P<service>[^/]+)/aws4_request, ?SignedHeaders=(?P<headers>[^,]+), ?"
                            r"Signature=(?P<signature>[0-9a-f]{64})")


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def parse(put):
    match = _AUTHORIZATION.fullmatch(put.headers["authorization"])
    assert match, put.headers["authorization"]
    return match.groupdict()


def expected_signature(put, secret, payload_hash):
    """The signature that this request should carry."""
    said = parse(put)
    path, _, query = put.path.partition("?")
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    names = said["headers"].split(";")
    assert names == sorted(names) and {"host", "x-amz-date"} <= set(names)
    canonical = "\n".join([
        "PUT", path,
        "&".join(f"{urllib.parse.quote(k, safe='-_.~')}={urllib.parse.quote(v, safe='-_.~')}" for k, v in pairs),
        *(f"{name}:{' '.join(put.headers[name].split())}" for name in names), "", said["headers"], payload_hash])
    scope = f"{said['date']}/{said['region']}/{said['service']}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", put.headers["x-amz-date"], scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = _hmac(_hmac(_hmac(_hmac(b"AWS4" + secret.encode(), said["date"]), said["region"]), said["service"]),
                "aws4_request")
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
