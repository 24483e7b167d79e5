"""One dump of the digest statistics beside `mysql --quick --batch` of the same rows, and an upload of 1 GB."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from figures import Figure
from lib.agent import clean_environment
from lib.digests import TABLE_COLUMNS, make_digests
from lib.put_server import PutServer

ROWS = {"stand-in": 1000000, "real": 100000}
UPLOAD_ROWS, UPLOAD_TEXT = 2000000, 420  # about 1 GB
RUNS = 3

FIGURES = (
    Figure("rows", "rows", "", decimals=0),
    Figure("bytes", "written as csv", "MB", decimals=0),
    Figure("speed", "written, ProxySQL's time included", "MB/s", at_least=200, decimals=0),
    Figure("real_speed", "written, ProxySQL's time included", "MB/s", decimals=0),
    Figure("cpu", "our processor time", "s/million rows", decimals=2),
    Figure("ratio", "  of mysql --quick --batch > file", "", at_most=0.7, decimals=2),
    Figure("memory", "peak memory", "MB", at_most=15, decimals=1),
    Figure("jsonl", "jsonl: of mysql's processor time", "", decimals=2),
    Figure("gzip", "csv, gzip: of mysql's processor time", "", decimals=2),
    Figure("gzip_memory", "csv, gzip: peak memory", "MB", at_most=15, decimals=1),
    Figure("upload_bytes", "uploaded", "MB", decimals=0),
    Figure("upload_memory", "upload: peak memory", "MB", decimals=1),
    Figure("upload_growth", "  more than of a small upload", "MB", at_most=1, decimals=1),
)


def _peak_mb(pid):
    """VmHWM; None: it has ended."""
    with contextlib.suppress(OSError, StopIteration):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6
    return None


def _run(argv, **options):
    """(processor seconds, wall seconds, peak MB) of a program that must end well."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, **options)
    peak = 0.0
    while True:
        seen = _peak_mb(process.pid)
        peak = seen or peak
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.005)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{argv[0]} ended with {process.returncode}"
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, peak


def _dump(binary, node, folder, **settings):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    flags = [f"--{key.replace('__', '.')}={value}" for key, value in settings.items()]
    env = clean_environment(AGENT_PROXYSQL_PASSWORD="radmin", AGENT_RUN_MODE="dump", AGENT_CONTROL_SOCKET="/nowhere",
                            AGENT_PROXYSQL_ADDRESS=f"127.0.0.1:{node.admin_port}", AGENT_DUMP_DIR=str(folder))
    with open(folder.parent / "dump.log", "ab") as log:
        return _run([binary, *flags], env=env, stdout=log, cwd=folder.parent)


def _mysql(node, folder):
    """What the client of MariaDB needs for the same rows, or None where it is not installed."""
    if not shutil.which("mysql"):
        return None
    with open(folder / "rows.tsv", "wb") as out:
        used = _run(["mysql", "--no-defaults", "--quick", "--batch", "--skip-ssl", "-h", "127.0.0.1", "-P",
                     node.admin_port, "-u", "radmin", "-pradmin",
                     "-e", f"SELECT {TABLE_COLUMNS} FROM stats_mysql_query_digest"], stdout=out)
    (folder / "rows.tsv").unlink()
    return used


def _least(function, *args, **options):
    """The run with the least processor time: others share the machine."""
    return min((function(*args, **options) for _ in range(RUNS)), key=lambda used: used[0])


def _upload(lab, binary, node, rows, text_bytes):
    """(peak MB, bytes) of a dump that is uploaded."""
    make_digests(node, rows, text_bytes)
    server = PutServer(keep=False)
    try:
        folder = lab.folder() / "files"
        _, _, peak = _dump(binary, node, folder, dump__upload_url=server.url("/%h"))
        return peak, sum(put.size for put in server.puts)
    finally:
        server.close()


def measure(lab, binary):
    with lab.node() as node:
        rows = ROWS["real" if node.real else "stand-in"]
        make_digests(node, rows)
        folder = lab.folder() / "files"
        cpu, wall, memory = _least(_dump, binary, node, folder)
        size = sum(path.stat().st_size for path in folder.iterdir())
        mysql = _least(_mysql, node, folder.parent) if shutil.which("mysql") else None
        jsonl, gzip = _least(_dump, binary, node, folder, dump__format="jsonl"), _dump(
            binary, node, folder, dump__compress="gzip")
        result = {"rows": rows, "bytes": size / 1e6, ("real_speed" if node.real else "speed"): size / 1e6 / wall, "cpu": cpu * 1e6 / rows,
                  "memory": memory, "gzip_memory": gzip[2]}
        if mysql:
            result |= {"ratio": cpu / mysql[0], "jsonl": jsonl[0] / mysql[0], "gzip": gzip[0] / mysql[0]}
        if not node.real:
            small, _ = _upload(lab, binary, node, 1000, UPLOAD_TEXT)
            peak, sent = _upload(lab, binary, node, UPLOAD_ROWS, UPLOAD_TEXT)
            result |= {"upload_bytes": sent / 1e6, "upload_memory": peak, "upload_growth": peak - small}
        return result
