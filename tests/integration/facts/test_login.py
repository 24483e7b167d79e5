"""Who may log in on admin, and how."""
import pymysql
import pytest

from lib.waiting import wait_until
from lib.wire import WireError, native_answer, sha2_answer

HASHED = "*" + "6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9"  # of "123456"


@pytest.fixture(scope="module")
def sha2_node(make_node):
    started = make_node(auth="caching_sha2", users="admin:admin;radmin:radmin;hashed:" + HASHED)
    yield started
    started.close()


def denied(node, user, password, plugin=None, tls=False):
    with node.wire() as connection:
        if tls:
            connection.start_tls()
        with pytest.raises(WireError) as caught:
            connection.login(user, password, plugin)
        return caught.value.code, caught.value.text


def steps(node, user, password, plugin=None, tls=False):
    with node.wire() as connection:
        if tls:
            connection.start_tls()
        return connection.login(user, password, plugin)


@pytest.mark.parametrize("user", ["admin", "radmin"])
def test_native_password(node, user):
    assert steps(node, user, user) == []


@pytest.mark.parametrize("auth", ["native", "caching_sha2"])
def test_an_answer_that_ends_with_a_zero_byte(node, sha2_node, auth):
    """One login in 256: a server that takes the byte for padding refuses it."""
    asked, answer = (node, native_answer) if auth == "native" else (sha2_node, sha2_answer)
    for _ in range(5000):
        with asked.wire() as connection:
            if answer("radmin", connection.scramble)[-1] == 0:
                connection.login("radmin", "radmin")
                return
    raise AssertionError("no such answer in 5000 greetings")


def test_wrong_password(node):
    assert denied(node, "admin", "wrong") == (
        1045, "ProxySQL Error: Access denied for user 'admin'@'127.0.0.1' (using password: YES)")


def test_unknown_user_looks_the_same(node):
    assert denied(node, "nobody", "x") == (
        1045, "ProxySQL Error: Access denied for user 'nobody'@'127.0.0.1' (using password: YES)")


def test_no_password(node):
    assert denied(node, "admin", "") == (
        1045, "ProxySQL Error: Access denied for user 'admin'@'127.0.0.1' (using password: NO)")


def test_a_client_of_caching_sha2_is_switched_to_native_when_that_is_offered(node):
    assert steps(node, "radmin", "radmin", "caching_sha2_password") == ["switch mysql_native_password"]


def test_a_client_of_an_unknown_plugin_is_switched_to_native(node):
    assert steps(node, "radmin", "radmin", "some_plugin") == ["switch mysql_native_password"]


def test_wrong_password_after_a_switch(node):
    assert denied(node, "radmin", "wrong", "caching_sha2_password")[0] == 1045


def test_caching_sha2_is_offered_when_set(sha2_node):
    with sha2_node.wire() as connection:
        assert connection.plugin == "caching_sha2_password"


@pytest.mark.parametrize("tls", [False, True])
def test_caching_sha2_takes_the_fast_path_for_clear_text_credentials(sha2_node, tls):
    assert steps(sha2_node, "radmin", "radmin", tls=tls) == ["fast"]


@pytest.mark.parametrize("tls", [False, True])
def test_caching_sha2_wrong_password_is_refused_at_once(sha2_node, tls):
    assert denied(sha2_node, "radmin", "wrong", tls=tls)[0] == 1045


def test_a_native_client_is_switched_to_native_when_caching_sha2_is_offered(sha2_node):
    assert steps(sha2_node, "radmin", "radmin", "mysql_native_password") == ["switch mysql_native_password"]


def test_hashed_credentials_native(sha2_node):
    assert steps(sha2_node, "hashed", "123456", "mysql_native_password") == ["switch mysql_native_password"]
    assert denied(sha2_node, "hashed", "wrong", "mysql_native_password")[0] == 1045


def test_hashed_credentials_need_the_full_exchange_which_works_over_tls_only(make_node):
    node = make_node(auth="caching_sha2", users="admin:admin;hashed:" + HASHED)
    # without TLS a client asks for a public key, which ProxySQL takes for a wrong password
    assert denied(node, "hashed", "123456")[0] == 1045
    assert denied(node, "hashed", "wrong", tls=True)[0] == 1045
    assert steps(node, "hashed", "123456", tls=True) == ["full"]
    # ProxySQL now knows the clear text
    assert steps(node, "hashed", "123456") == ["fast"]
    node.close()


def test_statements_work_over_tls(sha2_node):
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    assert sha2_node.value("SELECT 'over tls'", ssl=context) == "over tls"


def test_tls_is_offered(node):
    with node.wire() as connection:
        assert connection.capabilities & 0x800


def test_credentials_change_while_it_runs(fresh_node):
    node = fresh_node
    open_before = node.connect(user="radmin", password="radmin")
    node.admin("SET admin-admin_credentials='admin:admin;radmin:changed'")
    assert steps(node, "radmin", "radmin") == []  # not loaded yet
    node.admin("LOAD ADMIN VARIABLES TO RUNTIME")
    assert denied(node, "radmin", "radmin")[0] == 1045
    assert steps(node, "radmin", "changed") == []
    with open_before.cursor() as cursor:  # a connection that is in stays in
        cursor.execute("SELECT 1")
    open_before.close()


def test_the_offered_plugin_changes_while_it_runs(fresh_node):
    node = fresh_node
    node.admin("SET mysql-default_authentication_plugin='caching_sha2_password'")
    node.admin("LOAD MYSQL VARIABLES TO RUNTIME")

    def offered():
        with node.wire() as connection:
            return connection.plugin == "caching_sha2_password"
    wait_until(offered, what="caching_sha2_password is offered")
    assert steps(node, "radmin", "radmin") == ["fast"]


def test_stats_user_sees_no_runtime_tables_and_writes_nothing(node):
    stats = {"user": "stats", "password": "stats"}
    assert int(node.value("SELECT count(*) FROM stats_mysql_global", **stats)) > 50
    assert node.value("SELECT @@version", **stats) == node.value("SELECT @@version")
    for sql, text in (("SELECT * FROM runtime_mysql_servers", "no such table: runtime_mysql_servers"),
                      ("PROXYSQL PAUSE", 'near "PROXYSQL": syntax error'),
                      ("LOAD MYSQL SERVERS TO RUNTIME", 'near "LOAD": syntax error'),
                      ("DELETE FROM stats_mysql_global", "attempt to write a readonly database")):
        with pytest.raises(pymysql.Error) as caught:
            node.admin(sql, **stats)
        assert caught.value.args == (1045, "ProxySQL Admin Error: " + text)
