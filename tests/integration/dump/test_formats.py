"""What is written: every row, every byte, in the promised columns."""
import pytest

from lib.digests import HEADER, HOST, answer_everything, assert_same, client, dump, in_proxysql, make_digests, read, totals

TEXTS = [b'say "hi", twice', b"two\nlines", b"dos\r\nlines\r", b"nul\0inside", b"bad \xff\xfe \xc3( utf-8", b"\xed\xa0\x80",
         "käse \U0001f9c0".encode(), b"tab\tback\\slash \\.", b" blanks at the ends ", b'"', b"'", b",", b"\n", b"\x7f\x01"]

FORMATS = [(form, compress) for form in ("csv", "jsonl") for compress in ("none", "gzip")]


def odd_texts(node):
    """Rows whose texts have everything that a format could trip over. ProxySQL makes digest texts of queries."""
    make_digests(node, 3)
    if node.real:
        connection = client(node)
        for text in TEXTS:
            with connection.cursor() as cursor:
                cursor.execute(b"SELECT `" + text + b"` FROM t")
        return
    for number, text in enumerate(TEXTS):
        node.control(f"sql INSERT INTO live.mysql_query_digest VALUES ({number}, CAST(X'{text.hex()}' AS TEXT), 'u', "
                     f"'10.0.0.{number}', '0x{number}', CAST(X'{text.hex()}' AS TEXT), 7, 0, 253402300799, "
                     "9223372036854775807, 1, 2, 3, 4)")


@pytest.mark.parametrize("form, compress", FORMATS)
def test_every_row_and_byte(node, tmp_path, form, compress):
    odd_texts(node)
    done = dump(node, tmp_path, {"dump.dir": tmp_path, "dump.format": form, "dump.compress": compress})
    assert done.status == 0, done.records
    path = tmp_path / (f"{HOST}-digests.{form}" + (".gz" if compress == "gzip" else ""))
    rows = read(path)
    assert_same(rows, in_proxysql(node))
    assert len(rows) >= 3 + (0 if node.real else len(TEXTS))
    assert path.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.partial"))
    record = done.record("dump done")
    assert record["rows"] == len(rows)
    assert record["bytes"] == path.stat().st_size


def test_the_columns_are_those_of_the_agent_before(node, tmp_path):
    make_digests(node, 1)
    assert dump(node, tmp_path, {"dump.dir": tmp_path}).status == 0
    head, row = (tmp_path / f"{HOST}-digests.csv").read_bytes().decode().split("\r\n")[:2]
    assert head == ("pod_name,hostgroup,schemaname,username,digest,digest_text,count_star,first_seen,last_seen,"
                    "sum_time_us,min_time_us,max_time,sum_rows_affected,sum_rows_sent,client_address")
    assert row.startswith(f"{HOST},")
    assert len(row.split(",")) == len(HEADER)


def test_no_rows_are_a_file_too(node, tmp_path):
    make_digests(node, 0)
    assert dump(node, tmp_path, {"dump.dir": tmp_path}).status == 0
    assert read(tmp_path / f"{HOST}-digests.csv") == []


def test_without_a_folder_it_makes_one(node, tmp_path):
    make_digests(node, 5)
    done = dump(node, tmp_path)
    assert done.status == 0
    (path,) = tmp_path.glob(f"proxysql-agent-dump-*/{HOST}-digests.csv")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert str(path) in done.record("dump done")["saved"]
    assert len(read(path)) == 5


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_standard_output(node, tmp_path, form):
    make_digests(node, 500)
    done = dump(node, tmp_path, {"dump.output": "-", "dump.format": form})
    assert done.status == 0
    path = tmp_path / f"output.{form}"
    path.write_bytes(done.output.encode())
    assert_same(read(path), in_proxysql(node))
    assert done.record("dump done")["rows"] == 500


def test_a_second_kind_of_statistics_is_a_second_file(make_node, tmp_path):
    node = make_node(version="3.0.0")
    if node.real and not node.admin("SELECT name FROM pragma_table_info('stats_pgsql_query_' || 'digest')"):
        assert dump(node, tmp_path, {"dump.dir": tmp_path}).status == 0
        assert len(list(tmp_path.iterdir())) == 1
        return
    make_digests(node, 4)
    if not node.real:
        node.control("pgsql-digests 3")
    done = dump(node, tmp_path, {"dump.dir": tmp_path, "dump.reset": "true"})
    assert done.status == 0
    assert len(read(tmp_path / f"{HOST}-digests.csv")) == 4
    if node.real:  # nobody speaks PostgreSQL with it: no rows, no file
        assert not (tmp_path / f"{HOST}-pgsql-digests.csv").exists()
    else:
        assert len(read(tmp_path / f"{HOST}-pgsql-digests.csv")) == 3
    assert totals(in_proxysql(node, "stats_pgsql_query_digest")) == (0, 0)


def test_what_is_counted_of_a_query_that_fails(node, tmp_path):
    """A fact that users ask for: failing queries are in the statistics too."""
    make_digests(node, 0)
    if not node.real:
        return
    node.admin("DELETE FROM mysql_query_rules")
    node.admin("LOAD MYSQL QUERY RULES TO RUNTIME")
    try:
        client(node).cursor().execute("SELECT no_such_column FROM t")
    except Exception:
        pass
    answer_everything(node)
    assert dump(node, tmp_path, {"dump.dir": tmp_path}).status == 0
    assert any(b"no_such_column" in row[5] for row in read(tmp_path / f"{HOST}-digests.csv"))
