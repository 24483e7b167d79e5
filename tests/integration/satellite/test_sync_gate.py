"""When a satellite may become ready: with backends and users, and with a core's ones while a core is there."""
import time

import pytest

from lib.cluster import SLOW, stays
from lib.waiting import wait_until

NO_BACKENDS = "sync gate: no backend in runtime_mysql_servers yet"
NO_USERS = "sync gate: no user in runtime_mysql_users yet"
NOT_SYNCED = "sync gate: users or servers are not yet those of a reachable core"
ALWAYS_ASK = {"health.max_age_ms": 0}


def reason(agent):
    """"" when ready; else what readiness says, or what is not said by the gate."""
    answer = agent.ready()
    return "" if answer.status == 200 else answer.json["reason"]


def wait_reason(agent, wanted, timeout=5.0):
    wait_until(lambda: reason(agent) == wanted, timeout * SLOW, f"readiness says {wanted!r}", step=0.05)


def add_satellite(cluster, gate_timeout=60, **options):
    satellite, = cluster.add_satellites(1, **options)
    return satellite, cluster.add_agent(satellite, {"health.sync_gate_timeout": gate_timeout, **ALWAYS_ASK})


def test_servers_first_and_then_users(cluster):
    core, = cluster.add_cores(1)
    satellite, agent = add_satellite(cluster)
    wait_reason(agent, NO_BACKENDS)
    core.admin("LOAD MYSQL SERVERS TO RUNTIME")
    wait_reason(agent, NO_USERS)
    stays(lambda: reason(agent), 1, "the reason")
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_reason(agent, "")
    assert satellite.value("SELECT count(*) FROM runtime_mysql_users WHERE username = 'app'") != "0"


def test_users_before_servers(cluster):
    core, = cluster.add_cores(1)
    _, agent = add_satellite(cluster)
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_reason(agent, NO_BACKENDS)
    stays(lambda: reason(agent), 1.5, "the reason")
    core.admin("LOAD MYSQL SERVERS TO RUNTIME")
    wait_reason(agent, "")


def test_own_users_and_servers_are_not_enough_while_a_core_is_there(cluster):
    core, = cluster.add_cores(1)
    satellite, agent = add_satellite(cluster, servers=["127.0.0.13"], accounts=["own"])
    wait_reason(agent, NOT_SYNCED)
    core.admin("LOAD MYSQL SERVERS TO RUNTIME")
    wait_until(lambda: satellite.value("SELECT hostname FROM runtime_mysql_servers") == "127.0.0.11",
               10 * SLOW, "the core's servers are pulled")
    wait_reason(agent, NOT_SYNCED)
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_reason(agent, "")
    core.admin("INSERT INTO mysql_users (username, password) VALUES ('later', 'later')")
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    stays(lambda: reason(agent), 1, "ready")  # opened once, it stays open


def test_own_users_and_servers_are_enough_when_all_cores_are_away(cluster):
    began = time.monotonic()
    _, agent = add_satellite(cluster, servers=["127.0.0.13"], accounts=["own"])
    wait_reason(agent, "", timeout=10)
    assert time.monotonic() - began < 15 * SLOW


def test_nothing_opens_an_empty_satellite(cluster):
    """All cores away, the timeout long past: there is nothing to serve."""
    satellite, agent = add_satellite(cluster, gate_timeout=1)
    wait_until(lambda: int(satellite.counter("ProxySQL_Uptime")) > 2, 10 * SLOW, "the timeout has passed")
    stays(lambda: reason(agent), 1.5, "the reason")
    assert reason(agent) == NO_BACKENDS


def test_the_timeout_opens_it(cluster):
    cluster.add_cores(1)
    satellite, agent = add_satellite(cluster, gate_timeout=6, servers=["127.0.0.13"], accounts=["own"])
    wait_reason(agent, NOT_SYNCED)
    wait_reason(agent, "", timeout=10)
    assert int(satellite.counter("ProxySQL_Uptime")) >= 6


@pytest.mark.parametrize("accounts", [[], ["own"]])
def test_zero_is_no_gate(cluster, accounts):
    cluster.add_cores(1)
    _, agent = add_satellite(cluster, gate_timeout=0, accounts=accounts)
    wait_reason(agent, "")


def test_an_agent_that_restarts_beside_a_serving_node_does_not_take_it_away(cluster):
    """Also within the timeout, and while a core changes its users."""
    core, = cluster.add_cores(1)
    satellite, agent = add_satellite(cluster)
    cluster.load_traffic_modules()
    wait_reason(agent, "")
    agent.process.kill()
    again = cluster.add_agent(satellite, {"health.sync_gate_timeout": 60, **ALWAYS_ASK})
    wait_reason(again, "")
    assert not again.records("the sync gate is closed: this satellite is not ready")
    core.admin("INSERT INTO mysql_users (username, password) VALUES ('later', 'later')")
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    stays(lambda: again.ready().status, 1, "readiness")
    assert again.ready().status == 200
