"""Whatever goes wrong: one clear error, nothing partial under the final name, and what reset took out is told."""
import os
import signal
import subprocess

import pytest

from lib.agent import SLOW, split_log
from lib.digests import HOST, dump, in_proxysql, make_digests, read, start_dump, totals
from lib.waiting import wait_until

NAME = f"{HOST}-digests.csv"
LONG = 200000  # rows: what is sent of them within the sockets' buffers is a small part


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "files"
    made.mkdir()
    return made


def slow_dump(node, tmp_path, folder, **settings):
    """A dump that is in the middle: its reader is stopped once rows are written."""
    process = start_dump(node, tmp_path, {"dump.dir": folder, **settings})
    partial = folder / f"{NAME}.partial"
    wait_until(lambda: partial.exists() and partial.stat().st_size > 0, 60 * SLOW, "rows are written", 0.001)
    process.freeze()
    return process


def ended(process):
    code = process.wait(60 * SLOW)
    assert "Sanitizer" not in process.log(), process.log()
    (record,) = [r for r in split_log(process.log()) if r["msg"] == "dump failed"]
    return code, record


def incomplete(folder):
    (path,) = folder.iterdir()
    assert path.name.startswith(f"{NAME}.incomplete-")
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def whole_lines(path):
    return path.read_bytes().count(b"\r\n") - 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle(node, tmp_path, folder, number):
    make_digests(node, LONG)
    process = slow_dump(node, tmp_path, folder)
    process.signal(number)
    process.thaw()
    code, record = ended(process)
    assert code == 1
    assert not list(folder.iterdir())
    assert "stopped" in record["error"] or "cancelled" in record["error"]
    assert "stats_mysql_query_digest after " in record["error"]


def test_a_signal_in_the_middle_of_a_reset(node, tmp_path, folder):
    make_digests(node, LONG)
    process = slow_dump(node, tmp_path, folder, **{"dump.reset": "true"})
    process.signal(signal.SIGTERM)
    process.thaw()
    code, record = ended(process)
    assert code == 1
    path = incomplete(folder)
    rows = int(record["saved"].split(", ")[1].split()[0])
    assert str(path) in record["saved"] and "the others are lost" in record["saved"]
    assert whole_lines(path) == rows > 0
    assert totals(in_proxysql(node)) == (0, 0)


@pytest.mark.parametrize("reset", ["false", "true"])
def test_proxysql_vanishes_in_the_middle(make_node, tmp_path, folder, reset):
    node = make_node()
    make_digests(node, LONG)
    process = slow_dump(node, tmp_path, folder, **{"dump.reset": reset})
    node.kill()
    process.thaw()
    code, record = ended(process)
    assert code == 1
    assert "Lost connection" in record["error"]
    if reset == "true":
        assert whole_lines(incomplete(folder)) > 0
        assert "the others are lost" in record["saved"]
    else:
        assert not list(folder.iterdir())


def test_nobody_is_there(node, tmp_path, folder):
    done = dump(node, tmp_path, {"dump.dir": folder, "proxysql.address": "127.0.0.1:1", "dump.reset": "true"})
    assert done.status == 1
    assert "127.0.0.1:1" in done.record("dump failed")["error"]
    assert done.record("dump failed")["saved"] == ""
    assert not list(folder.iterdir())


def test_a_wrong_password(node, tmp_path, folder):
    done = dump(node, tmp_path, {"dump.dir": folder}, env={"AGENT_PROXYSQL_PASSWORD": "wrong"})
    assert done.status == 1
    assert "denied" in done.record("dump failed")["error"]


def test_a_folder_that_is_not_there(node, tmp_path):
    done = dump(node, tmp_path, {"dump.dir": tmp_path / "no" / "such"})
    assert done.status == 1
    assert f"{tmp_path}/no/such/{NAME}.partial: No such file or directory" in done.record("dump failed")["error"]


def test_a_folder_that_cannot_be_synced(node, tmp_path, folder):
    """The file is whole and has its name: its rows are not told to be lost."""
    make_digests(node, 10)
    folder.chmod(0o300)
    without_rights = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    code, record = ended(start_dump(node, tmp_path, {"dump.dir": folder, "dump.reset": "true"},
                                    launcher=without_rights))
    folder.chmod(0o700)
    assert code == 1 and "cannot sync" in record["error"]
    rows = whole_lines(folder / NAME)
    assert rows >= 10
    assert record["saved"] == (f"stats_mysql_query_digest_reset was emptied, its {rows} rows are in "
                               f"{folder / NAME}, which a crash of the machine may lose")


def in_mounts(*commands):
    """A launcher that runs the commands as root of a mount namespace, then the program."""
    script = " && ".join([*commands, 'exec "$@"'])
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


@pytest.fixture(scope="module")
def mounts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mount")
    done = subprocess.run([*in_mounts(f"mount -t tmpfs none {folder}"), "true"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        pytest.skip(f"no mount namespace of our own: {done.stderr.strip()}")


def dump_in_mounts(node, tmp_path, folder, commands, **settings):
    process = start_dump(node, tmp_path, {"dump.dir": folder, **settings}, launcher=in_mounts(*commands))
    return ended(process)


def test_a_read_only_folder(mounts, node, tmp_path, folder):
    make_digests(node, 10)
    before = totals(in_proxysql(node))
    code, record = dump_in_mounts(node, tmp_path, folder, [f"mount -t tmpfs -o ro none {folder}"],
                                  **{"dump.reset": "true"})
    assert code == 1
    assert "Read-only file system" in record["error"]
    assert record["saved"] == "nothing was taken out of stats_mysql_query_digest_reset"
    assert totals(in_proxysql(node)) == before


def test_a_disk_that_becomes_full(mounts, node, tmp_path, folder):
    make_digests(node, 100000, 400)
    code, record = dump_in_mounts(node, tmp_path, folder, [f"mount -t tmpfs -o size=75M none {folder}"])
    assert code == 1
    assert "bytes are free" in record["error"]
    assert "stats_mysql_query_digest after " in record["error"]


def test_a_reset_does_not_begin_without_room(mounts, node, tmp_path, folder):
    make_digests(node, 100000, 400)
    code, record = dump_in_mounts(node, tmp_path, folder, [f"mount -t tmpfs -o size=75M none {folder}"],
                                  **{"dump.reset": "true"})
    assert code == 1
    assert "bytes are free, the statistics have about" in record["error"]
    assert record["saved"] == "nothing was taken out of stats_mysql_query_digest_reset"
    assert node.value("SELECT count(*) FROM stats_mysql_query_digest", timeout=30) == "100000"


def test_max_bytes(node, tmp_path, folder):
    make_digests(node, 20000)
    done = dump(node, tmp_path, {"dump.dir": folder, "dump.max_bytes": "1000000"})
    assert done.status == 1
    assert "larger than dump.max_bytes (1000000)" in done.record("dump failed")["error"]
    assert not list(folder.iterdir())
    assert dump(node, tmp_path, {"dump.dir": folder, "dump.max_bytes": "1000000", "dump.compress": "gzip"}).status == 0


def test_max_bytes_of_a_reset_keeps_what_fits(node, tmp_path, folder):
    make_digests(node, 20000)
    done = dump(node, tmp_path, {"dump.dir": folder, "dump.max_bytes": "1000000", "dump.reset": "true"})
    assert done.status == 1
    path = incomplete(folder)
    assert 0 < path.stat().st_size <= 1000000
    assert f"{whole_lines(path)} of its rows are in {path}, the others are lost" in done.record("dump failed")["saved"]


def test_two_at_once_in_one_folder(node, tmp_path, folder):
    make_digests(node, LONG)
    first = slow_dump(node, tmp_path, folder)
    done = dump(node, tmp_path, {"dump.dir": folder})
    assert done.status == 1
    assert "another dump is writing" in done.record("dump failed")["error"]
    first.thaw()
    assert first.wait(30 * SLOW) == 0
    assert totals(read(folder / NAME))[0] == LONG


def test_standard_output_that_is_closed(node, tmp_path):
    make_digests(node, LONG)
    reader, writer = os.pipe()
    process = start_dump(node, tmp_path, {"dump.output": "-"}, stdout=writer)
    os.close(writer)
    os.read(reader, 1000)
    os.close(reader)
    code, record = ended(process)
    assert code == 1
    assert "Broken pipe" in record["error"]


def test_a_column_that_is_missing_is_seen_before_anything_is_reset(make_node, tmp_path, folder):
    node = make_node()
    if node.real:
        return
    make_digests(node, 5)
    for table in ("stats_mysql_query_digest", "stats_mysql_query_digest_reset"):
        node.control(f"sql ALTER TABLE stats.{table} RENAME COLUMN sum_rows_sent TO rows_sent")
    done = dump(node, tmp_path, {"dump.dir": folder, "dump.reset": "true"})
    assert done.status == 1
    assert done.record("dump failed")["error"] == ("this ProxySQL's stats_mysql_query_digest_reset has no column "
                                                   "sum_rows_sent")
    assert not list(folder.iterdir())
