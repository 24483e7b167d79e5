"""Nothing is lost and nothing is counted twice."""
import pytest

from lib.digests import HOST, Traffic, answer_everything, dump, in_proxysql, make_digests, read, totals


def whole_dump(node, folder, **settings):
    folder.mkdir()
    done = dump(node, folder, {"dump.dir": folder, **settings})
    assert done.status == 0, done.records
    return totals(read(folder / f"{HOST}-digests.csv"))


def begin_traffic(node):
    make_digests(node, 0)
    if node.real:
        answer_everything(node)
    return Traffic(node)


def test_without_reset_the_statistics_stay(node, tmp_path):
    make_digests(node, 1000)
    before = totals(in_proxysql(node))
    assert before[0] == 1000
    assert whole_dump(node, tmp_path / "a") == before
    assert whole_dump(node, tmp_path / "b") == before
    assert totals(in_proxysql(node)) == before


def test_with_reset_they_are_taken_out(node, tmp_path):
    make_digests(node, 1000)
    before = totals(in_proxysql(node))
    assert whole_dump(node, tmp_path / "a", **{"dump.reset": "true"}) == before
    assert totals(in_proxysql(node)) == (0, 0)
    assert whole_dump(node, tmp_path / "b", **{"dump.reset": "true"}) == (0, 0)


def test_with_traffic_every_query_is_in_one_dump(node, tmp_path):
    traffic = begin_traffic(node)
    dumped = []
    for number in range(5):
        traffic.wait_more()
        dumped.append(whole_dump(node, tmp_path / str(number), **{"dump.reset": "true"}))
    sent = traffic.stop()
    dumped.append(whole_dump(node, tmp_path / "last", **{"dump.reset": "true"}))
    assert sum(1 for rows, _ in dumped if rows > 0) >= 5
    if node.real:
        assert sum(count for _, count in dumped) == sent
    else:
        assert [sum(column) for column in zip(*dumped)] == [sent, sum(1000 + i % 1000 for i in first(node, sent))]


def first(node, sent):
    """The made up rows' numbers: they go on where the reset before this test ended."""
    node.control("digests 1")
    after = int(node.value("SELECT digest FROM stats_mysql_query_digest_reset"), 16)
    return range(after - sent, after)


def test_with_traffic_and_without_reset_sums_only_grow(node, tmp_path):
    traffic = begin_traffic(node)
    sums = []
    for number in range(4):
        traffic.wait_more()
        low = traffic.sent
        rows, count = whole_dump(node, tmp_path / str(number))
        sums.append(count if node.real else rows)
        assert low - 1 <= sums[-1] <= traffic.sent + 10
    assert sums == sorted(sums)
    traffic.stop()


@pytest.mark.parametrize("reset", ["true", "false"])
def test_an_old_file_is_replaced_only_without_reset(node, tmp_path, reset):
    make_digests(node, 3)
    before = totals(in_proxysql(node))
    path = tmp_path / f"{HOST}-digests.csv"
    path.write_text("rows of the last dump")
    done = dump(node, tmp_path, {"dump.dir": tmp_path, "dump.reset": reset})
    if reset == "true":
        assert done.status == 1
        assert "move it away first" in done.record("dump failed")["error"]
        assert done.record("dump failed")["saved"] == "nothing was taken out of stats_mysql_query_digest_reset"
        assert path.read_text() == "rows of the last dump"
        assert totals(in_proxysql(node)) == before
    else:
        assert done.status == 0
        assert totals(read(path)) == before
