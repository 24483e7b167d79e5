"""Who may send commands by HTTP: by address, by token, and else nobody."""
import socket

import pytest

from lib.agent import SLOW
from lib.proxysql import Node

RELOAD = "/api/v1/reload"
REFUSED = "an HTTP request is refused"


def post(agent, path=RELOAD, token=None, **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return agent.ask(path, method="POST", headers=headers, **options)


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_without_list_and_token_nobody_may(node, make_agent):
    agent = make_agent(node)
    for token in (None, "anything"):
        answer = post(agent, token=token)
        assert answer.status == 403 and answer.json == {
            "status": "error", "message": "127.0.0.1 is not in api.shutdown_allow, and no api.token_file is set"}
    record = agent.wait_record(REFUSED)
    assert (record["path"], record["peer"], record["status"]) == (RELOAD, "127.0.0.1", 403)
    assert agent.records("configuration reloaded") == []


def test_addresses_of_the_list_may(node, make_agent):
    agent = make_agent(node, {"api.shutdown_allow": ["127.0.0.16/28", "2001:db8::/32"]})
    for source, status in (("127.0.0.15", 403), ("127.0.0.16", 200), ("127.0.0.31", 200), ("127.0.0.32", 403)):
        answer = post(agent, source=source)
        assert answer.status == status, source
        if status == 403:
            assert answer.json["message"].startswith(f"{source} is not in api.shutdown_allow")


def test_the_list_changes_in_life(node, make_agent):
    agent = make_agent(node)
    assert post(agent).status == 403
    agent.reload({"api.shutdown_allow": "127.0.0.1"})
    assert post(agent).status == 200
    agent.reload({"api.shutdown_allow": None})
    assert post(agent).status == 403


def test_one_socket_for_both_families(node, make_agent):
    """An IPv4 client of an IPv6 socket has a mapped address and is the same client."""
    agent = make_agent(node, {"api.address": "", "api.shutdown_allow": ["127.0.0.2"]})
    assert post(agent, source="127.0.0.2").status == 200
    assert post(agent, source="127.0.0.3").json["message"].startswith("127.0.0.3 is not")


def test_ipv6(node, make_agent):
    if not has_ipv6():
        pytest.skip("there is no IPv6 here")
    agent = make_agent(node, {"api.address": "", "api.shutdown_allow": ["::1"]})
    assert post(agent, host="::1").status == 200
    assert post(agent).status == 403


def test_the_token_is_read_again(node, make_agent, tmp_path):
    token = tmp_path / "token"
    token.write_text("first-token\n")
    agent = make_agent(node, {"api.token_file": str(token)})
    answer = post(agent)
    assert answer.status == 401 and answer.headers["www-authenticate"] == 'Bearer realm="proxysql-agent"'
    assert answer.json["message"] == "a bearer token is needed"
    answer = post(agent, token="second-token")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="proxysql-agent", error="invalid_token"'
    assert post(agent, token="first-token").status == 200
    token.write_text("second-token\n")
    assert post(agent, token="first-token").status == 401
    assert post(agent, token="second-token").status == 200
    for content in ("", "two words\n", "a" * 5000):
        token.write_text(content)
        answer = post(agent, token="second-token")
        assert answer.status == 401 and "api.token_file cannot be used" in answer.json["message"]
    token.unlink()
    assert post(agent, token="second-token").status == 401
    assert agent.wait_record("api.token_file cannot be used, so no token is taken")["level"] == "ERROR"
    assert "-token\"" not in agent.process.log() and "first-token" not in agent.process.log()


def test_a_client_of_the_list_needs_no_token(node, make_agent, tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret")
    agent = make_agent(node, {"api.token_file": str(token), "api.shutdown_allow": ["127.0.0.2"]})
    assert post(agent, source="127.0.0.2").status == 200
    assert post(agent).status == 401
    assert post(agent, token="s3cret").status == 200


def test_strangers_do_not_fill_the_log(node, make_agent):
    agent = make_agent(node)
    for _ in range(100):
        assert post(agent).status == 403
    assert 1 <= len(agent.records(REFUSED)) <= 10
    assert len(agent.records()) < 40


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(node, make_agent, method):
    agent = make_agent(node, {"api.shutdown_allow": ["127.0.0.1"]})
    answer = agent.ask(RELOAD, method=method)
    assert answer.status == 405 and answer.headers["allow"] == "POST"


def test_a_bad_list_is_refused_at_the_start(node, make_agent):
    agent = make_agent(node)
    agent.write({"api.shutdown_allow": ["10.0.0.0/8", "10.0.0.1/8"]})
    record = agent.reload(msg="the configuration is not reloaded, nothing changes")
    assert '"10.0.0.1/8" has bits behind its prefix' in record["error"] and "api.shutdown_allow" in record["error"]
    assert agent.ask("/healthz/live").seconds < SLOW


OPEN_AT_START = "everybody who reaches the HTTP port may use /shutdown: set api.shutdown_allow or api.token_file"
OPEN_AT_USE = "/shutdown is asked for, and everybody may: set api.shutdown_allow or api.token_file"


@pytest.fixture
def absent(tmp_path):
    """A drain of a ProxySQL that is away is over at once."""
    return Node(tmp_path / "absent")


def test_an_open_shutdown_is_warned_of(absent, make_agent):
    agent = make_agent(absent)
    assert agent.wait_record(OPEN_AT_START)["level"] == "WARN"
    assert agent.ask("/shutdown", method="HEAD").status == 405
    assert agent.records(OPEN_AT_USE) == [] and agent.process.running()
    assert agent.ask("/shutdown").status == 200
    assert agent.wait_record(OPEN_AT_USE)["peer"] == "127.0.0.1"
    assert agent.process.wait(20 * SLOW) == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_list_guards_the_shutdown(absent, make_agent, method):
    agent = make_agent(absent, {"api.shutdown_allow": ["127.0.0.2"]})
    answer = agent.ask("/shutdown", method=method)
    assert answer.status == 403 and answer.json["message"] == "127.0.0.1 is not in api.shutdown_allow"
    assert agent.process.running() and agent.records("drain asked for") == []
    assert agent.ask("/shutdown", method=method, source="127.0.0.2").status == 200
    assert agent.process.wait(20 * SLOW) == 0
    assert agent.records(OPEN_AT_START) + agent.records(OPEN_AT_USE) == []


def test_the_token_guards_the_shutdown_beside_the_list(absent, make_agent, tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret")
    agent = make_agent(absent, {"api.token_file": str(token), "api.shutdown_allow": ["127.0.0.2"]})
    assert post(agent, "/shutdown", token="s3cret").status == 403
    assert post(agent, "/shutdown", source="127.0.0.2").status == 401
    assert agent.records("drain asked for") == []
    assert post(agent, "/shutdown", token="s3cret", source="127.0.0.2").status == 200
    assert agent.process.wait(20 * SLOW) == 0
