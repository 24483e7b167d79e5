"""Settings that change in life: by signal, as a whole or not at all."""
import json
import signal
import threading

import pytest

from lib.agent import NEW_LIFE, SANITIZED, SLOW
from lib.http_client import Client, Storm
from lib.relay import Relay
from lib.waiting import wait_until

REFUSED = "the configuration is not reloaded, nothing changes"
LEVELS = ("DEBUG", "WARN", "ERROR", "INFO")
PENDING = "settings that differ from the running ones wait for a restart"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_reloads(node, make_agent, number):
    agent = make_agent(node, {"log.level": "INFO"})
    agent.wait_ready()
    record = agent.reload({"log.level": "DEBUG", "health.max_age_ms": 0}, number=number)
    assert record["changed"] == 2 and record["keys"] == "log.level, health.max_age_ms"
    assert agent.records(PENDING) == []
    record = agent.reload()
    assert record["changed"] == 0 and record["keys"] == ""


def test_the_log_changes_its_form(node, make_agent):
    agent = make_agent(node, {"log.probes": False, "log.source": False})
    agent.wait_ready()
    assert agent.records("probe") == []
    agent.reload({"log.probes": True, "log.source": True})
    agent.ready()
    assert agent.wait_record("probe")["source"].startswith("daemon/")
    agent.write({"log.level": "ERROR"})
    agent.process.signal(signal.SIGHUP)
    wait_until(lambda: not answered_with_a_line(agent), 3 * SLOW, "probes are not logged any more")


def answered_with_a_line(agent):
    before = len(agent.records("probe"))
    agent.ready()
    return len(agent.records("probe")) > before


def test_a_bad_file_changes_nothing(node, make_agent):
    agent = make_agent(node, {"health.max_age_ms": 500})
    agent.wait_ready()
    record = agent.reload({"log.probes": True, "health.max_age_ms": "80x"}, msg=REFUSED)
    assert record["level"] == "ERROR"
    for part in ("agent.yaml:", "health.max_age_ms", '"80x"', "0 to 10000"):
        assert part in record["error"]
    agent.ready()
    assert agent.records("probe") == []
    agent.config_path.write_text("log:\n  level: [\n")
    assert "agent.yaml" in agent.reload(msg=REFUSED)["error"]
    agent.config_path.unlink()
    assert "agent.yaml" in agent.reload(msg=REFUSED)["error"]
    assert agent.reload({"log.probes": True})["keys"] == "log.probes"
    agent.ready()
    agent.wait_record("probe")


def test_a_secret_is_named_but_not_told(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    record = agent.reload({"proxysql.password": "another-secret"})
    assert record["keys"] == "proxysql.password"
    agent.wait_probe("/healthz/ready", lambda a: "login denied" in a.json["reason"])
    agent.reload({})
    agent.wait_ready()
    assert "another-secret" not in agent.process.log()


def test_a_password_is_rotated_in_life(fresh_node, make_agent):
    agent = make_agent(fresh_node, {"health.max_age_ms": 0, "run_mode": "satellite"})  # a core would stamp the old one
    agent.wait_probe("/healthz/live", lambda a: a.status == 200 and not a.json["degraded"])
    fresh_node.admin("SET admin-admin_credentials='admin:admin;radmin:rotated'")
    fresh_node.admin("LOAD ADMIN VARIABLES TO RUNTIME")
    assert agent.reload({"proxysql.password": "rotated"})["keys"] == "proxysql.password"
    agent.wait_probe("/healthz/live", lambda a: a.status == 200 and not a.json["degraded"])
    status = agent.ask("/api/v1/status").json
    assert status["pool"]["connect_failures"] == 0 and status["pool"]["connects"] >= 2
    assert "rotated" not in agent.process.log()


def test_what_needs_a_restart_is_named_and_stays(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    agent.reload({"api.port": 1, "proxysql.pool_size": 5, "log.probes": True})
    pending = agent.wait_record(PENDING)
    assert pending["keys"] == "proxysql.pool_size, api.port" and pending["level"] == "WARN"
    agent.ready()
    agent.wait_record("probe")
    agent.reload({})
    assert len(agent.records(PENDING)) == 1


def test_the_environment_and_flags_go_before_the_file(node, make_agent):
    agent = make_agent(node, flags=["--health.max_age_ms=400"], env={"AGENT_CORE_INTERVAL": "7"})
    agent.wait_ready()
    assert agent.reload({"health.max_age_ms": 300, "core.interval": 8})["keys"] == ""


def test_an_interval_changes_in_life(node, make_agent):
    """A satellite that looks every hour, then every second."""
    relay = Relay("127.0.4.1", node.admin_port, node)
    try:
        agent = make_agent(relay, {"run_mode": "satellite", "satellite.interval": 3600})
        agent.wait_record(NEW_LIFE)

        def looks():
            return sum("SELECT 'member', hostname" in sql for sql in relay.statements)

        wait_until(lambda: looks() >= 1, 5 * SLOW, "the first look at the cluster")
        agent.reload({"satellite.interval": 1})
        wait_until(lambda: looks() >= 3, 10 * SLOW, "looks every second")
    finally:
        agent.close()
        relay.close()


def test_probes_are_undisturbed_by_a_storm_of_reloads(node, make_agent):
    agent = make_agent(node)
    agent.wait_ready()
    turns = iter(range(100000))

    def reload_again():
        turn = next(turns)
        agent.write({"health.max_age_ms": 100 + turn % 400, "proxysql.query_timeout_ms": 1000 + turn % 1000})
        agent.process.signal(signal.SIGHUP if turn % 2 else signal.SIGUSR2)
        return turn > 300 and len(storm.answers) > 300

    with Storm(agent.port, per_second=200) as storm:
        wait_until(reload_again, 30 * SLOW, "300 reloads beside 300 probes", step=0.002)
    assert not storm.failures
    assert {answer.status for answer in storm.answers} == {200}
    assert storm.slowest() < 1.0 * SLOW
    assert len(agent.records("configuration reloaded")) > 20
    assert agent.records(REFUSED) == []


def test_many_change_the_settings_at_once(node, make_agent):
    """Reloads, levels and signals side by side: each is answered, and the last file is what counts in the end."""
    agent = make_agent(node, {"api.shutdown_allow": ["127.0.0.1"]})
    agent.wait_ready()
    statuses = []

    def work(number):
        with Client(agent.port, timeout=20 * SLOW) as client:
            for turn in range(40):
                if number % 2:
                    path, body = "/api/v1/log-level", json.dumps({"level": LEVELS[turn % len(LEVELS)]})
                else:
                    path, body = "/api/v1/reload", None
                headers = {"Content-Type": "application/json"}
                statuses.append(client.ask(path, method="POST", body=body, headers=headers).status)
                agent.process.signal(signal.SIGHUP)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        agent.write({"health.max_age_ms": turn, "interfaces": ["a"] * (turn + 1)})
    for thread in threads:
        thread.join(60 * SLOW)
    assert statuses == [200] * (8 * 40)
    assert agent.ask("/api/v1/reload", method="POST").status == 200
    answer = agent.ask("/api/v1/log-level", method="POST", body='{"level": "ERROR"}',
                       headers={"Content-Type": "application/json"})
    assert answer.json["before"] == "INFO"


def test_ten_thousand_reloads_leave_nothing_behind(node, make_agent):
    """Memory and descriptors after the last eight tenths of them are what they were before."""
    agent = make_agent(node, {"api.shutdown_allow": ["127.0.0.1"], "log.level": "ERROR"})
    agent.wait_ready()
    rounds = 10000 if not SANITIZED else 500
    with Client(agent.port, timeout=10 * SLOW) as client:
        for turn in range(rounds):
            if turn % 100 == 0:
                agent.write({"health.max_age_ms": turn // 100, "interfaces": [f"eth{turn}"] * 50})
            assert client.ask("/api/v1/reload", method="POST").status == 200
            if turn == rounds // 5:
                before = agent.process.resident_kib(), agent.process.descriptors(), agent.process.threads()
    after = agent.process.resident_kib(), agent.process.descriptors(), agent.process.threads()
    assert after[1] <= before[1] and after[2] == before[2]
    if not SANITIZED:
        assert after[0] <= before[0] + 512, f"{before[0]} KiB before, {after[0]} KiB after"
