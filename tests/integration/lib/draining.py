"""What the tests of the drain share: the lines to look for, clients, and who waits for an end."""
import contextlib
import threading

import pymysql

from lib import http_client
from lib.agent import SLOW
from lib.waiting import wait_until

NOT_READY = "draining: not ready any more"
REFUSED = "draining: new clients are refused"
OPEN = "draining: no new clients come, so PROXYSQL PAUSE, which takes seconds in this version, is left out"
STILL_COME = "draining: new clients still come"
EMPTY = "draining: no client is left"
TIME_UP = "draining: time is up, clients are left"
STOPPED = "draining: ProxySQL has stopped"
FAILED = "draining failed"
NEVER_PAUSED = "draining: PROXYSQL PAUSE did not work; new clients may still come"
SERVING = "not draining any more: serving again"

QUICK = {"run_mode": "satellite", "health.sync_gate_timeout": 0, "shutdown.drain_on_signal": True,
         "shutdown.pause_delay": 1, "shutdown.maintenance_delay": 1, "shutdown.drain_timeout": 8 * SLOW,
         "shutdown.shutdown_timeout": 14 * SLOW}


def leave(connection):
    with contextlib.suppress(pymysql.Error):
        connection.close()


def run(connection, sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def make_table(node):
    """Where a client's work shows: empty."""
    with contextlib.closing(node.client()) as client:
        run(client, "DROP TABLE IF EXISTS drained")
        run(client, "CREATE TABLE drained (id INT PRIMARY KEY)")


def is_open(connection):
    """Whether the server has left it open."""
    connection._sock.settimeout(0)
    try:
        return connection._sock.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection._sock.settimeout(10)


class Shutdown(threading.Thread):
    """GET /shutdown, waited for beside the test: answer, or the error."""

    def __init__(self, agent, method="GET"):
        super().__init__(daemon=True)
        self._agent, self._method = agent, method
        self.answer = self.error = None
        self.start()

    def run(self):
        try:
            self.answer = http_client.ask(self._agent.port, "/shutdown", self._method, timeout=60)
        except OSError as error:
            self.error = error

    def result(self):
        self.join(60)
        assert not self.is_alive(), "no answer"
        return self.answer


def ended(agent, code=0):
    """Wait for the agent's end and its exit status; its sanitizers must have been silent."""
    found = agent.process.wait(40 * SLOW)
    log = agent.process.log()
    assert "Sanitizer" not in log, log[:12000]
    assert found == code, f"exit status {found}: {log[-3000:]}"


def messages(agent):
    return [record["msg"] for record in agent.records()]


def emptying(agent):
    """The records of the moment from which clients leave: new ones are refused, or do not come (ProxySQL 3)."""
    return agent.records(REFUSED) + agent.records(OPEN)


def wait_emptying(agent, count=1, timeout=6):
    wait_until(lambda: len(emptying(agent)) >= count, timeout * SLOW, "clients leave")


def wait_gone(node, timeout=15):
    wait_until(lambda: not node.process.running(), timeout * SLOW, "ProxySQL has ended")


def clients(node):
    return int(node.counter("Client_Connections_connected"))


def variable(node, name):
    return node.value(f"SELECT variable_value FROM runtime_global_variables WHERE variable_name='{name}'")
