"""Files go to an HTTP server by PUT."""
import contextlib
import json
import re
import signal

import pytest

from lib import sigv4
from lib.agent import SLOW, run, split_log
from lib.digests import HOST, dump, make_digests, start_dump
from lib.proxysql import make_certificate
from lib.put_server import PutServer
from lib.waiting import wait_until

NAME = f"{HOST}-digests.csv"
ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "wJalr/XUtnFEMI+K7MDENG", "token//with+signs=="


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "files"
    made.mkdir()
    return made


@pytest.fixture
def server():
    with contextlib.ExitStack() as stack:
        def make(*script, **options):
            made = PutServer(script, **options)
            stack.callback(made.close)
            return made
        yield make


def upload(node, tmp_path, folder, url, **settings):
    return dump(node, tmp_path, {"dump.dir": folder, "dump.upload_url": url, **settings}, timeout=60)


def keys(folder):
    for name, text in (("access", ACCESS), ("secret", SECRET), ("token", TOKEN)):
        (folder / name).write_text(text + "\n")
    return {"dump.upload.sigv4": "aws:amz:eu-west-1:s3", "dump.upload.access_key_file": folder / "access",
            "dump.upload.secret_key_file": folder / "secret"}


@pytest.mark.parametrize("form, compress, content_type", [("csv", "none", "text/csv"),
                                                          ("jsonl", "gzip", "application/x-ndjson")])
def test_a_file_is_put(node, tmp_path, folder, server, form, compress, content_type):
    make_digests(node, 2000)
    to = server()
    done = upload(node, tmp_path, folder, to.url("/in/%n/%h/%k-%t?secret=%2Fq"),
                  **{"dump.format": form, "dump.compress": compress, "dump.upload.keep_file": "true"})
    assert done.status == 0, done.records
    (put,) = to.puts
    assert re.fullmatch(rf"/in/proxysql/{HOST}/digests-\d{{8}}T\d{{6}}Z\?secret=%2Fq", put.path)
    (path,) = folder.iterdir()
    assert put.body == path.read_bytes()
    assert put.headers["content-type"] == content_type
    assert put.headers.get("content-encoding") == ("gzip" if compress == "gzip" else None)
    assert put.headers["content-length"] == str(path.stat().st_size)


def test_an_uploaded_file_is_removed(node, tmp_path, folder, server):
    make_digests(node, 10)
    to = server()
    assert upload(node, tmp_path, folder, to.url("/x")).status == 0
    assert not list(folder.iterdir())
    assert dump(node, tmp_path, {"dump.upload_url": to.url("/x")}).status == 0
    assert not list(tmp_path.glob("proxysql-agent-dump-*"))
    assert len(to.puts) == 2


def test_over_tls_with_a_ca_of_its_own(node, tmp_path, folder, server):
    make_digests(node, 10)
    cert, key = make_certificate(tmp_path)
    to = server(tls=(cert, key))
    assert upload(node, tmp_path, folder, to.url("/x"), **{"dump.upload.ca_file": cert}).status == 0
    assert len(to.puts) == 1
    refused = upload(node, tmp_path, folder, to.url("/x"))
    assert refused.status == 1
    assert "certificate" in refused.record("dump failed")["error"]
    assert len(to.puts) == 1
    assert (folder / NAME).exists()


@pytest.mark.parametrize("with_token", [False, True])
def test_the_signature_is_right(node, tmp_path, folder, server, with_token):
    make_digests(node, 100)
    to = server(503)
    settings = keys(tmp_path)
    if with_token:
        settings["dump.upload.session_token_file"] = tmp_path / "token"
    done = upload(node, tmp_path, folder, to.url("/bucket/%h/digests%20of.csv"), **settings)
    assert done.status == 0, done.records
    assert len(to.puts) == 2
    for put in to.puts:
        said = sigv4.parse(put)
        assert (said["key"], said["region"], said["service"]) == (ACCESS, "eu-west-1", "s3")
        assert put.headers["x-amz-date"].startswith(said["date"])
        payload = put.headers["x-amz-content-sha256"]
        assert payload in ("UNSIGNED-PAYLOAD", put.sha256)
        assert "x-amz-content-sha256" in said["headers"]
        assert said["signature"] == sigv4.expected_signature(put, SECRET, payload)
        assert said["signature"] != sigv4.expected_signature(put, SECRET + "x", payload)
        assert put.headers.get("x-amz-security-token") == (TOKEN if with_token else None)
        assert ("x-amz-security-token" in said["headers"]) == with_token


def test_a_key_that_is_missing(node, tmp_path, folder, server):
    make_digests(node, 10)
    settings = keys(tmp_path)
    (tmp_path / "secret").unlink()
    to = server()
    done = upload(node, tmp_path, folder, to.url("/x"), **settings)
    assert done.status == 1
    assert "dump.upload.secret_key_file" in done.record("dump failed")["error"]
    assert not to.puts
    assert (folder / NAME).exists()


@pytest.mark.parametrize("failure", [500, 503, 429, 408, "cut", "reset"])
def test_what_may_pass_is_tried_again(node, tmp_path, folder, server, failure):
    make_digests(node, 20000)
    to = server(failure, failure)
    done = upload(node, tmp_path, folder, to.url("/x"), **{"dump.upload.keep_file": "true"})
    assert done.status == 0, done.records
    assert len(to.puts) == 3
    assert to.puts[-1].body == (folder / NAME).read_bytes()
    assert [record["attempt"] for record in done.records if record["msg"] == "upload failed, trying again"] == [1, 2]
    assert done.record("uploaded")["attempts"] == 3


def test_pauses_grow_and_the_servers_wish_counts(node, tmp_path, folder, server):
    make_digests(node, 10)
    to = server((503, {"Retry-After": "1"}, b""), 503, 503)
    done = upload(node, tmp_path, folder, to.url("/x"))
    assert done.status == 0
    waits = [record["in_ms"] for record in done.records if record["msg"] == "upload failed, trying again"]
    assert waits[0] == 1000
    assert 250 <= waits[1] <= 500 and 500 <= waits[2] <= 1000
    assert to.puts[1].at - to.puts[0].at >= 1.0


def test_it_gives_up(node, tmp_path, folder, server):
    make_digests(node, 10)
    to = server(503, (503, {"Retry-After": str(2**63 - 1)}, b""), 503)
    done = upload(node, tmp_path, folder, to.url("/x"), **{"dump.upload.attempts": "2"})
    assert done.status == 1
    assert "the server answers 503 (attempt 2 of 2)" in done.record("dump failed")["error"]
    assert done.record("dump failed")["saved"].endswith(f"not uploaded, {folder / NAME} is kept")
    assert (folder / NAME).exists()
    assert len(to.puts) == 2


def test_a_refusal_is_final_and_names_the_servers_code(node, tmp_path, folder, server):
    make_digests(node, 10)
    body = (b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4 very secret"
            b"</StringToSign></Error>")
    to = server((403, {}, body), 200)
    done = upload(node, tmp_path, folder, to.url("/x?X-Amz-Signature=verysecret"))
    assert done.status == 1
    assert "the server answers 403 SignatureDoesNotMatch" in done.record("dump failed")["error"]
    assert len(to.puts) == 1


def test_a_redirect_is_not_followed(node, tmp_path, folder, server):
    make_digests(node, 10)
    other = server()
    to = server((307, {"Location": other.url("/elsewhere")}, b""))
    done = upload(node, tmp_path, folder, to.url("/x"))
    assert done.status == 1
    assert "307" in done.record("dump failed")["error"]
    assert not other.puts


def test_no_secret_is_in_any_line(node, tmp_path, folder, server):
    make_digests(node, 10)
    to = server(503, "reset", (403, {}, b"verysecret"))
    done = upload(node, tmp_path, folder, to.url("/x?X-Amz-Signature=verysecret"), **keys(tmp_path))
    text = json.dumps(done.records)
    assert done.status == 1
    for secret in ("verysecret", SECRET, ACCESS):
        assert secret not in text
    assert to.url("/x") in text
    shown = run("--show-config", f"--dump.upload_url={to.url('/x?sig=verysecret')}", cwd=tmp_path)
    assert "verysecret" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("url, why", [
    ("ftp://host/x", "it is not an https URL"), ("http://example.com/x", "is http and its host \"example.com\" is not"),
    ("https://user:verysecret@host/x", "it holds a user name"), ("https://host/%q", '"%q" in it stands for nothing'),
    ("https://host/100%", '"%" in it stands for nothing'), ("/x", "it is not an https URL"), ("https://", "not an")])
def test_a_url_that_will_not_do_is_refused_at_the_start(tmp_path, url, why):
    done = run("--run_mode=dump", f"--dump.upload_url={url}", cwd=tmp_path)
    assert done.returncode == 1
    assert "dump.upload_url: " in done.stderr and why in done.stderr
    assert "verysecret" not in done.stderr


def test_a_stop_while_it_uploads(node, tmp_path, folder, server):
    make_digests(node, 10)
    to = server("stall")
    process = start_dump(node, tmp_path, {"dump.dir": folder, "dump.upload_url": to.url("/x?secret=verysecret")})
    wait_until(lambda: to.puts, 10 * SLOW, "the upload begins")
    process.signal(signal.SIGTERM)
    assert process.wait(10 * SLOW) == 1
    (record,) = [r for r in split_log(process.log()) if r["msg"] == "dump failed"]
    assert "stopped" in record["error"]
    assert record["saved"].endswith(f"not uploaded, {folder / NAME} is kept")
    assert (folder / NAME).exists()


def test_two_kinds_need_two_urls(make_node, tmp_path, folder, server):
    node = make_node(version="3.0.0")
    make_digests(node, 2)
    if node.real:  # without clients of PostgreSQL there is one kind only
        return
    node.control("pgsql-digests 1")
    to = server()
    done = upload(node, tmp_path, folder, to.url("/%h"))
    assert done.status == 1
    assert "put %k into it" in done.record("dump failed")["error"]
    assert not to.puts and len(list(folder.iterdir())) == 2
    assert upload(node, tmp_path, folder, to.url("/%k")).status == 0
    assert sorted(put.path for put in to.puts) == ["/digests", "/pgsql-digests"]
