"""The statistics of queries: what builds them, what empties them."""
import pymysql
import pytest

from lib.digests import DIGESTS_LOOK, make_digests

COUNT = "SELECT count(*) FROM stats_mysql_query_digest"


def test_looking_at_the_columns_by_a_name_in_two_parts_builds_and_empties_nothing(node):
    make_digests(node, 20)
    names = [name for name, in node.admin(DIGESTS_LOOK)]
    assert names[:4] == ["hostgroup", "schemaname", "username", "client_address"] and len(names) == 14
    assert node.value(COUNT) == "20"


def test_a_statement_that_names_the_reset_table_empties_them_even_when_it_fails(node):
    make_digests(node, 20)
    with pytest.raises(pymysql.Error, match="no such column"):
        node.admin("SELECT nonsense FROM stats_mysql_query_digest_reset")
    assert node.value(COUNT) == "0"


def test_after_a_reset_nothing_is_kept(node):
    make_digests(node, 20)
    assert len(node.admin("SELECT digest FROM stats_mysql_query_digest_reset")) == 20
    assert node.admin("SELECT digest FROM stats_mysql_query_digest_reset") == ()
    assert node.value(COUNT) == "0"


def test_their_size_is_told(node):
    make_digests(node, 200)
    size = int(node.value("SELECT CAST(SUM(Variable_Value) AS INTEGER) FROM stats_memory_metrics WHERE Variable_Name "
                          "IN ('query_digest_memory', 'mysql_query_digest_memory', 'pgsql_query_digest_memory')"))
    assert 200 * 100 < size < 200 * 1000
