"""One ProxySQL node with two backends: the stand-in, or the real one when PROXYSQL_BIN names it."""
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pymysql

from lib.binaries import built, real_proxysql
from lib.ports import free_port
from lib.process import Process
from lib.sql import rows_of
from lib.waiting import wait_until
from lib.wire import Wire

BACKENDS = (("127.0.0.11", 3306), ("127.0.0.12", 3306))
APP_USER = ("app", "app-secret")
# A real ProxySQL seldom crashes while it starts on a busy machine: it loads its servers before the thread that is to hear
# of them runs (sysown/proxysql#3233). Who supervises it starts it again, and so do the tests, once.
START_CRASH = ("Error: signal 11", "ev_async_send", "init_mysql_servers")
PLUGINS = {"native": "mysql_native_password", "caching_sha2": "caching_sha2_password"}

CONFIG = """
datadir="{data}"
admin_variables=
{{
    admin_credentials="{users}"
    mysql_ifaces="{address}:{admin_port}"{pgsql_admin}
}}
{pgsql_variables}mysql_variables=
{{
    interfaces="{address}:{traffic_port}"
    default_authentication_plugin="{plugin}"
    threads=2
    have_ssl={have_ssl}
    monitor_enabled=false
}}
mysql_servers=({servers})
mysql_users=({{ username="{app_user}", password="{app_password}", default_hostgroup=0 }})
"""


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1: (certificate file, key file)."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class Wedge:
    """A statement that holds the admin mutex for about `seconds`, running in a connection of its own."""

    def __init__(self, node, seconds):
        self.node = node
        loops = int(node.loops_per_second() * seconds)
        self.connection = node.connect(timeout=120 + 10 * seconds)
        before = node.process.cpu_s()
        self._thread = threading.Thread(target=self._run, args=(Node.slow_sql(loops),), daemon=True)
        self.error = None
        self.ended = None  # monotonic time
        self._thread.start()
        wait_until(lambda: node.process.cpu_s() - before > 0.03, what="the slow statement burns processor time")

    def _run(self, sql):
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
        except pymysql.Error as error:
            self.error = error
        self.ended = time.monotonic()

    def holds(self):
        return self._thread.is_alive()

    def wait(self, timeout=120.0):
        """Wait for the end of the statement."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the wedge did not end"
        if self.connection.open:
            self.connection.close()


class Node:
    """Start, stop and question one node. Ports stay the same over restarts."""

    def __init__(self, folder, users="admin:admin;radmin:radmin", auth="native", tls=True, backends=BACKENDS,
                 address="127.0.0.1", version=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = "the node"
        self.users, self.auth, self.tls, self.backends = users, auth, tls, backends
        self.address = address
        self.version = version  # of a stand-in; None: what it usually says
        self.admin_port, self.traffic_port = free_port(), free_port()
        self.real = real_proxysql()
        self.process = None
        self._crashed_before = False
        self._postgresql_ports = None
        self._loops_per_second = None

    # --- life

    def _postgresql(self, binary):
        """What the file says of PostgreSQL, (in admin_variables, beside them): from 3.0 on ProxySQL serves it too, by
        default on the ports of every other node."""
        version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
        if "version 3." not in version:
            return "", ""
        self._postgresql_ports = self._postgresql_ports or (free_port(), free_port())
        admin, traffic = self._postgresql_ports
        return (f'\n    pgsql_ifaces="{self.address}:{admin}"',
                f'pgsql_variables=\n{{\n    threads=1\n    interfaces="{self.address}:{traffic}"\n'
                "    monitor_enabled=false\n}\n")

    def _command_real(self):
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        servers = ",".join(f'{{ address="{host}", port={port}, hostgroup=0 }}' for host, port in self.backends)
        config = self.folder / "proxysql.cnf"
        pgsql_admin, pgsql_variables = self._postgresql(self.real)
        config.write_text(CONFIG.format(
            data=data, users=self.users, address=self.address, admin_port=self.admin_port,
            traffic_port=self.traffic_port, servers=servers, plugin=PLUGINS[self.auth],
            have_ssl=str(self.tls).lower(), app_user=APP_USER[0], app_password=APP_USER[1],
            pgsql_admin=pgsql_admin, pgsql_variables=pgsql_variables))
        return [self.real, "-f", "--no-version-check", "-c", config, "-D", data]

    def _command_stand_in(self):
        init = self.folder / "init.sql"
        init.write_text("".join(
            f"INSERT INTO mysql_servers (hostgroup_id, hostname, port) VALUES (0, '{host}', {port});\n"
            for host, port in self.backends) +
            f"INSERT INTO mysql_users (username, password) VALUES ('{APP_USER[0]}', '{APP_USER[1]}');\n")
        command = [built("fake-proxysql"), "--admin", f"{self.address}:{self.admin_port}",
                   "--traffic", f"{self.address}:{self.traffic_port}", "--control", self.control_path(),
                   "--users", self.users, "--auth", self.auth, "--init", init]
        if self.version:
            command += ["--version", self.version]
        if self.tls:
            cert, key = make_certificate(self.folder)
            command += ["--tls-cert", cert, "--tls-key", key]
        return command

    def start(self):
        """Start and wait until admin answers a statement."""
        self.launch()
        return self.wait_answers()

    def launch(self):
        """Begin to start: wait_answers() follows."""
        self.process = self._process(self._command_real() if self.real else self._command_stand_in())

    def wait_answers(self):
        wait_until(self._answers, timeout=30, what=f"{self.name} answers on admin", step=0.05)
        return self

    def _process(self, command):
        return Process(command, self.folder / "proxysql.log")

    def _answers(self):
        if not self.process.running():
            log = self.process.log()[-4000:]
            if not self.real or self._crashed_before or not all(text in log for text in START_CRASH):
                raise AssertionError(f"{self.name} ended: {log}")
            self._crashed_before = True
            self.launch()
        try:
            return bool(self.admin("SELECT 1", timeout=2))
        except pymysql.Error:
            return False

    def stop(self):
        """SIGTERM; returns the exit code."""
        return self.process.stop() if self.process else None

    def kill(self):
        return self.process.kill() if self.process else None

    def close(self):
        """Stop it for good. A stand-in must end well and its sanitizers must have been silent."""
        if not self.process:
            return
        was_running, code = self.process.running(), self.stop()
        if not self.real:
            assert code == 0 or not was_running, f"the stand-in ended with {code}: {self.process.log()[-4000:]}"
            assert "Sanitizer" not in self.process.log(), self.process.log()[:8000]

    def restart(self):
        self.kill()
        return self.start()

    def quiet_threads(self):
        """Threads of the process once those of connections that were just closed have ended."""
        seen, since = self.process.threads(), time.monotonic()
        while time.monotonic() - since < 0.3:
            time.sleep(0.02)
            if (now := self.process.threads()) != seen:
                seen, since = now, time.monotonic()
        return seen

    # --- admin

    def connect(self, user=None, password=None, timeout=10.0, **options):
        """A logged-in admin connection; it sends nothing by itself."""
        first, _, secret = self.users.partition(";")[0].partition(":")
        return pymysql.connect(host=self.address, port=self.admin_port, user=user or first,
                               password=secret if password is None else password, autocommit=None,
                               connect_timeout=timeout, read_timeout=timeout, write_timeout=timeout, **options)

    def admin(self, sql, **options):
        """Run one statement on a connection of its own and return its rows, a tuple of tuples."""
        return rows_of(self.connect(**options), sql)

    def affected(self, sql):
        """Run one statement on a connection of its own; how many rows it says it touched."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            return cursor.execute(sql)

    def error_of(self, sql):
        """Run one statement that must fail; (code, text)."""
        try:
            self.admin(sql)
        except pymysql.Error as error:
            return error.args
        raise AssertionError(f"no error: {sql}")

    def value(self, sql, **options):
        """The only value of a statement."""
        (row,), = (self.admin(sql, **options),)
        return row[0]

    def counter(self, name):
        """One row of stats_mysql_global, as text."""
        return self.value(f"SELECT Variable_Value FROM stats_mysql_global WHERE Variable_Name = '{name}'")

    def wire(self, timeout=10.0):
        """A raw connection to admin, greeting read."""
        return Wire(self.admin_port, self.address, timeout=timeout)

    # --- traffic

    def traffic(self, timeout=10.0):
        """A raw connection to the traffic port, greeting read."""
        return Wire(self.traffic_port, self.address, timeout=timeout)

    def client(self, timeout=10.0, database="test", autocommit=True):
        """A logged-in client session: a pymysql connection. It needs backends that execute statements."""
        return pymysql.connect(host=self.address, port=self.traffic_port, user=APP_USER[0], password=APP_USER[1],
                               database=database, autocommit=autocommit, connect_timeout=timeout,
                               read_timeout=timeout, write_timeout=timeout)

    def traffic_refused(self):
        try:
            socket.create_connection((self.address, self.traffic_port), 2).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:  # it was in the queue of a listener that was just closed
            pass
        return False

    # --- faults that both kinds of node have

    @staticmethod
    def slow_sql(loops):
        return f"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT {loops}) SELECT count(*) FROM c"

    def loops_per_second(self):
        """How far the slow statement counts in one second of processor time: a wedge on a busy machine is longer than
        asked for, never much shorter."""
        if self._loops_per_second is None:
            loops = 1000000
            before = self.process.cpu_s()
            self.admin(self.slow_sql(loops), timeout=60)
            self._loops_per_second = loops / max(self.process.cpu_s() - before, 0.01)
        return self._loops_per_second

    def wedge(self, seconds):
        """Hold the admin mutex for about so long with a real slow statement."""
        return Wedge(self, seconds)

    # --- the stand-in's knobs

    def control_path(self):
        return self.folder / "control.sock"

    def control(self, command):
        """Send one command to the stand-in's control socket and return its answer."""
        assert not self.real, "a real ProxySQL has no knobs: mark the test with @pytest.mark.knobs"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.control_path()))
            client.sendall(command.encode() + b"\n")
            line = client.makefile().readline()
        answer = json.loads(line)
        assert answer.pop("ok"), f"{command}: {answer}"
        return answer
