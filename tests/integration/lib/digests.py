"""Statistics of queries: making some, dumping them, reading what was dumped."""
import csv
import datetime
import gzip
import json
import pathlib
import threading
from dataclasses import dataclass

import pymysql

from lib.agent import SLOW, clean_environment, run, split_log
from lib.binaries import built
from lib.process import Process
from lib.proxysql import APP_USER
from lib.waiting import wait_until

HEADER = ["pod_name", "hostgroup", "schemaname", "username", "digest", "digest_text", "count_star", "first_seen",
          "last_seen", "sum_time_us", "min_time_us", "max_time", "sum_rows_affected", "sum_rows_sent",
          "client_address"]
NUMBERS = {"hostgroup", "count_star", "sum_time_us", "min_time_us", "max_time", "sum_rows_affected", "sum_rows_sent"}
TABLE_COLUMNS = ("hostgroup, schemaname, username, digest, digest_text, count_star, first_seen, last_seen, sum_time, "
                 "min_time, max_time, sum_rows_affected, sum_rows_sent, client_address")
HOST = "pod-1"
DIGESTS_LOOK = "SELECT name FROM pragma_table_info('stats_mysql_query_' || 'digest_reset')"


def as_time(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_proxysql(node, table="stats_mysql_query_digest"):
    """The table's rows as a dump should have them, each value as bytes, sorted."""
    columns = TABLE_COLUMNS.replace("schemaname", "database") if "pgsql" in table else TABLE_COLUMNS
    connection = node.connect(timeout=60 * SLOW, use_unicode=False)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {table}")
        rows = cursor.fetchall()
    connection.close()
    result = []
    for row in rows:
        values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
        values[6:8] = [as_time(value).encode() for value in values[6:8]]
        result.append((HOST.encode(), *values))
    return sorted(result)


def _without_times(row):
    return row[:7] + row[9:]


def assert_same(rows, others):
    """The same rows; ProxySQL makes times of two clocks at each read, so that they may differ by a second."""
    assert [_without_times(row) for row in rows] == [_without_times(row) for row in others]
    for row, other in zip(rows, others):
        for mine, its in zip(row[7:9], other[7:9]):
            assert abs(_seconds(mine) - _seconds(its)) <= 1, (row, other)


def _seconds(text):
    return datetime.datetime.strptime(text.decode(), "%Y-%m-%dT%H:%M:%SZ").timestamp()


def totals(rows):
    """(how many rows, sum of count_star)."""
    return len(rows), sum(int(row[HEADER.index("count_star")]) for row in rows)


def _open(path):
    return gzip.open(path, "rb") if path.name.endswith(".gz") else open(path, "rb")


def read_csv(path):
    with _open(path) as file:
        text = file.read().decode("utf-8", "surrogateescape")
    rows = list(csv.reader(_lines(text)))
    assert rows[0] == HEADER
    return sorted(tuple(value.encode("utf-8", "surrogateescape") for value in row) for row in rows[1:])


def _lines(text):
    """As a file that was opened with newline="" gives them to the csv module."""
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def read_jsonl(path):
    result = []
    with _open(path) as file:
        for line in file:
            row = json.loads(line)
            assert list(row) == HEADER
            assert all(isinstance(row[name], int) for name in NUMBERS)
            result.append(tuple(str(value).encode("utf-8", "surrogateescape") for value in row.values()))
    return sorted(result)


def read(path):
    return (read_jsonl if ".jsonl" in path.name else read_csv)(path)


@dataclass
class Dumped:
    """One run of the dump mode that has ended."""
    status: int
    records: list
    output: bytes

    def record(self, msg):
        (found,) = [record for record in self.records if record["msg"] == msg]
        return found


def _flags(node, settings):
    usual = {"run_mode": "dump", "log.format": "JSON", "proxysql.address": f"{node.address}:{node.admin_port}",
             "control.socket": "/nowhere"}
    return [f"--{key}={value}" for key, value in {**usual, **settings}.items()]


def _environment(env):
    return clean_environment(**{"AGENT_PROXYSQL_PASSWORD": "radmin", "HOSTNAME": HOST, **(env or {})})


def dump(node, folder, settings=None, env=None, timeout=30.0):
    """Run the agent in dump mode to its end; its temporary files go below folder."""
    settings = {**(settings or {})}
    done = run(*_flags(node, settings), cwd=folder, env=_environment({"TMPDIR": str(folder), **(env or {})}),
               timeout=timeout)
    assert "Sanitizer" not in done.stdout + done.stderr, done.stdout + done.stderr
    log = done.stderr if settings.get("dump.output") == "-" else done.stdout
    return Dumped(done.returncode, split_log(log), done.stdout)


def start_dump(node, folder, settings=None, env=None, launcher=(), stdout=None):
    """The same as a Process, not waited for; its log is dump.log in folder. stdout: a descriptor for its output."""
    folder = pathlib.Path(folder)
    return Process([*launcher, built("proxysql-agent"), *_flags(node, settings or {})], folder / "dump.log",
                   _environment({"TMPDIR": str(folder), **(env or {})}), folder, stdout=stdout)


class Traffic:
    """Clients that go on sending queries of few different kinds until stop(); how many were answered is in .sent. A
    stand-in's statistics are moved on by its knob."""

    def __init__(self, node):
        self.node = node
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        if not self.node.real:
            while not self._stop.wait(0.002):
                self.node.control("digests +10")
                self.sent += 10
            return
        with client(self.node).cursor() as cursor:
            while not self._stop.is_set():
                cursor.execute(f"SELECT c{self.sent % 500} FROM t WHERE id = {self.sent}")
                self.sent += 1

    def wait_more(self):
        seen = self.sent
        wait_until(lambda: self.sent > seen + 20, what="queries go on")

    def stop(self):
        self._stop.set()
        self._thread.join(10 * SLOW)
        assert not self._thread.is_alive()
        return self.sent


def client(node):
    return pymysql.connect(host="127.0.0.1", port=node.traffic_port, user=APP_USER[0], password=APP_USER[1],
                           autocommit=None)


def answer_everything(node):
    """A real node answers queries by itself; they are counted like others."""
    node.admin("INSERT OR REPLACE INTO mysql_query_rules (rule_id, active, match_pattern, OK_msg, apply) "
               "VALUES (1, 1, '.', 'answered', 1)")
    node.admin("LOAD MYSQL QUERY RULES TO RUNTIME")


def make_digests(node, count, text_bytes=None):
    """So many different digests and no others."""
    if not node.real:
        node.control("digests 0")
    node.admin("SELECT count(*) FROM stats_mysql_query_digest_reset", timeout=60 * SLOW)
    if not node.real:
        node.control(f"digests {count}" + (f" {text_bytes}" if text_bytes else ""))
        return
    answer_everything(node)
    padding = "" if text_bytes is None else " AND a = b" * (text_bytes // 10)
    with client(node).cursor() as cursor:
        for i in range(count):
            cursor.execute(f"SELECT c{i} FROM t WHERE id = 1{padding}")
