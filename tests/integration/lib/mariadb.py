"""A MariaDB server behind a real ProxySQL: in memory of its folder only, everybody may log in as anybody."""
import os
import pathlib
import shutil

import pymysql

from lib.ports import free_port
from lib.process import Process
from lib.sql import rows_of
from lib.waiting import wait_until

DATABASE = "test"


def mariadbd():
    """The server program; None: not installed."""
    return shutil.which("mariadbd", path=os.environ.get("PATH", "") + ":/usr/sbin")


class MariaDb:
    """Started, with an empty database DATABASE."""

    def __init__(self, folder):
        program = mariadbd()
        assert program, "sessions on a real ProxySQL need mariadbd (Debian package mariadb-server-core)"
        folder = pathlib.Path(folder)
        (folder / "data").mkdir(parents=True)
        self.port = free_port()
        self.process = Process(
            [program, "--no-defaults", f"--user={os.environ.get('USER') or 'root'}", f"--datadir={folder / 'data'}",
             "--skip-grant-tables", f"--port={self.port}", "--bind-address=127.0.0.1",
             f"--socket={folder / 'socket'}", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size=8M",
             "--max-connections=2000", "--skip-log-bin"], folder / "mariadb.log")
        wait_until(self._answers, timeout=30, what="MariaDB answers", step=0.05)
        self.run(f"CREATE DATABASE {DATABASE}")

    @property
    def backends(self):
        return (("127.0.0.1", self.port),)

    def _connect(self, **options):
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", autocommit=True, **options)

    def _answers(self):
        assert self.process.running(), self.process.log()[-2000:]
        try:
            self._connect().close()
        except pymysql.Error:
            return False
        return True

    def run(self, sql):
        """Run one statement beside ProxySQL; its rows."""
        return rows_of(self._connect(), sql)

    def stop(self):
        self.process.stop()
