"""The admin port's protocol: text only, values as text, errors with one code."""
import re
import socket

import pymysql
import pytest

from lib import wire
from lib.wire import WireError


def test_greeting_is_protocol_10_and_says_mysqls_version_not_proxysqls(node):
    with node.wire() as connection:
        assert connection.protocol == 10
        assert connection.version == "8.0.11"
        assert connection.plugin == "mysql_native_password"
        assert len(connection.scramble) == 20


def test_admin_never_offers_deprecate_eof(node):
    with node.wire() as connection:
        assert not connection.capabilities & 0x01000000


def test_version(node):
    assert re.match(r"[23]\.\d+\.\d+", node.value("SELECT @@version"))
    assert node.value("SELECT @@version") == node.value("SELECT version()")


def test_version_comment_is_asked_by_the_mysql_client(node):
    assert node.value("select @@version_comment limit 1") == "(ProxySQL Admin Module)"


def test_every_value_comes_as_text(node):
    assert node.admin("SELECT 1, 1.5, 'x', NULL") == (("1", "1.5", "x", None),)


def test_every_column_is_declared_a_var_string(node):
    connection = node.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT hostgroup_id, hostname FROM mysql_servers")
        assert {column[1] for column in cursor.description} == {253}
    connection.close()


def test_double_quotes_are_texts_too(node):
    assert node.value('SELECT "x"') == "x"


def test_syntax_error(node):
    assert node.error_of("BOGUS") == (1045, 'ProxySQL Admin Error: near "BOGUS": syntax error')


def test_unknown_table(node):
    assert node.error_of("SELECT * FROM nope") == (1045, "ProxySQL Admin Error: no such table: nope")


def test_constraint(node):
    code, text = node.error_of("INSERT INTO mysql_servers (hostname, status) VALUES ('x', 'BOGUS')")
    assert code == 1045 and text.startswith("ProxySQL Admin Error: CHECK constraint failed")


def test_empty_statement(node):
    text = "not an error" if node.value("SELECT @@version").startswith("2.") else "Empty query"
    assert node.error_of("") == (1045, "ProxySQL Admin Error: " + text)


def test_an_error_leaves_the_connection_usable(node):
    connection = node.connect()
    with connection.cursor() as cursor:
        with pytest.raises(pymysql.Error):
            cursor.execute("BOGUS")
        cursor.execute("SELECT 'alive'")
        assert cursor.fetchall() == (("alive",),)
    connection.close()


def test_only_the_first_of_several_statements_is_run(node):
    assert node.admin("SELECT 1; DELETE FROM mysql_servers") == (("1",),)
    assert node.value("SELECT count(*) FROM mysql_servers") == "2"


def test_a_semicolon_at_the_end_is_fine(node):
    assert node.value("SELECT 1;") == "1"


def test_prepared_statements_are_refused(node):
    with node.wire() as connection:
        connection.login("admin", "admin")
        with pytest.raises(WireError) as caught:
            connection.command(wire.COM_STMT_PREPARE, b"SELECT 1")
        assert (caught.value.code, caught.value.text) == (1045, "Command not supported")
        assert connection.command(wire.COM_PING)[0] == 0


def test_ping_and_init_db(node):
    with node.wire() as connection:
        connection.login("admin", "admin")
        assert connection.command(wire.COM_PING)[0] == 0
        assert connection.command(wire.COM_INIT_DB, b"whatever")[0] == 0


def test_reset_connection_is_refused_with_a_wrong_packet_number(node):
    """Drivers call this a protocol error: a pooled connection must not be reset."""
    with node.wire() as connection:
        connection.login("admin", "admin")
        with pytest.raises(WireError) as caught:
            connection.command(wire.COM_RESET_CONNECTION)
        assert caught.value.code == 1047
        assert connection.log[-1][0] == 2


def test_change_user_is_never_answered(node):
    with node.wire(timeout=0.5) as connection:
        connection.login("admin", "admin")
        with pytest.raises(socket.timeout):
            connection.command(wire.COM_CHANGE_USER, b"admin\0\0")


def test_answers_say_that_a_backslash_escapes_nothing(node):
    """Drivers then quote a text by doubling its quotes, which is what SQLite understands."""
    with node.wire() as connection:
        connection.login("admin", "admin")
        ok = connection.command(wire.COM_PING)
        assert int.from_bytes(ok[3:5], "little") & 0x200
    assert node.value("SELECT 'a\\''b'") == "a\\'b"


def test_statements_sent_without_waiting_are_answered_in_order(node):
    with node.wire() as connection:
        connection.login("admin", "admin")
        for sql in (b"SELECT 'first'", b"SELECT 'second'"):
            connection.seq = 0
            connection.send(bytes([wire.COM_QUERY]) + sql)
        answers = [connection.receive() for _ in range(10)]
        assert answers[3] == b"\x05first" and answers[8] == b"\x06second"


def test_quit_closes(node):
    with node.wire() as connection:
        connection.login("admin", "admin")
        with pytest.raises(ConnectionResetError):
            connection.command(wire.COM_QUIT)


def test_transactions_are_accepted_and_do_nothing(node):
    connection = node.connect()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO proxysql_servers (hostname) VALUES ('10.0.0.1')")
        assert node.value("SELECT count(*) FROM proxysql_servers") == "1"
        cursor.execute("ROLLBACK")
    assert node.value("SELECT count(*) FROM proxysql_servers") == "1"
    node.admin("DELETE FROM proxysql_servers")
    connection.close()


@pytest.mark.parametrize("sql", ["SET NAMES utf8mb4", "SET AUTOCOMMIT=0", "COMMIT", "START TRANSACTION",
                                 "SET character_set_results = NULL", "USE main"])
def test_statements_of_mysql_clients_are_accepted(node, sql):
    assert node.admin(sql) == ()


def test_a_statement_of_blanks_and_semicolons_only_crashes_proxysql_2(fresh_node):
    crashes = fresh_node.value("SELECT @@version").startswith("2.")
    with pytest.raises(pymysql.Error):
        fresh_node.admin("  ;")
    if crashes:
        assert fresh_node.process.wait() != 0
    else:
        assert fresh_node.value("SELECT 1") == "1"
