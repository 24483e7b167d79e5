"""What a core's agent makes of ProxySQL's configuration file: once in a life, and nothing is ever lost."""
import json
import signal
import time

import pytest

from lib import ctl
from lib.cluster import SLOW, stays
from lib.waiting import wait_until

MODULES = {"ADMIN VARIABLES": "admin_variables", "MYSQL VARIABLES": "mysql_variables",
           "MYSQL SERVERS": "mysql_servers_v2", "MYSQL USERS": "mysql_users",
           "MYSQL QUERY RULES": "mysql_query_rules"}
FAILED = "stamp failed; it is tried again with back-off"
LEFT_ALONE = "the configuration file leaves a module as it is"
RULES = [{"rule_id": 1, "active": 1, "match_digest": "^SELECT", "destination_hostgroup": 0, "apply": 1}]
FULL = {"mysql_query_rules": RULES,
        "mysql_replication_hostgroups": [{"writer_hostgroup": 0, "reader_hostgroup": 1}]}


def record_path(agent):
    return agent.folder / "draining.stamp"


def outcomes(agent):
    """Of each module, as the agent's record has it; {} while there is none."""
    try:
        modules = json.loads(record_path(agent).read_text())["modules"]
    except FileNotFoundError:
        return {}
    return {name: module["outcome"] for name, module in modules.items()}


def wait_stamped(agent, timeout=5.0, **others):
    """Wait until every module is done, but for others: MYSQL_USERS="left alone"."""
    wanted = {name: others.get(name.replace(" ", "_"), "done") for name in MODULES}
    try:
        wait_until(lambda: outcomes(agent) == wanted, timeout * SLOW, "the record")
    except AssertionError:
        raise AssertionError(f"{outcomes(agent)}\n{agent.process.log()[-3000:]}") from None


def versions(node):
    return {module: node.module(name)[0] for module, name in MODULES.items()}


def column(node, table, name="hostname"):
    return sorted({value for value, in node.admin(f"SELECT {name} FROM {table}")})


# --- the plain case

def test_the_file_becomes_runtime(cores):
    node = cores.add("core-0")
    agent = cores.agent("core-0", relayed=True)
    wait_stamped(agent, MYSQL_QUERY_RULES="left alone")
    changes = [text for text in cores.changes("core-0") if "proxysql_servers" not in text.lower().replace(" ", "_")]
    assert changes == ["LOAD ADMIN VARIABLES FROM CONFIG", "LOAD ADMIN VARIABLES TO RUNTIME",
                       "LOAD MYSQL VARIABLES FROM CONFIG", "LOAD MYSQL VARIABLES TO RUNTIME",
                       "LOAD MYSQL SERVERS FROM CONFIG", "DELETE FROM mysql_servers", "LOAD MYSQL SERVERS FROM CONFIG",
                       "LOAD MYSQL SERVERS TO RUNTIME", "LOAD MYSQL USERS FROM CONFIG", "DELETE FROM mysql_users",
                       "LOAD MYSQL USERS FROM CONFIG", "LOAD MYSQL USERS TO RUNTIME",
                       "LOAD MYSQL QUERY RULES FROM CONFIG"]
    assert versions(node) == {**dict.fromkeys(MODULES, 2), "MYSQL QUERY RULES": 1}
    assert record_path(agent).stat().st_mode & 0o777 == 0o600


def test_rows_that_the_file_does_not_have(cores):
    """They go where the file fills the table; variables, and what the file can never fill, stay."""
    node = cores.add("core-0", tables=FULL)
    for sql in ("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (0, '127.0.0.66')",
                "INSERT INTO mysql_users (username, password) VALUES ('by_hand', 'x')",
                "INSERT INTO mysql_query_rules (rule_id, active, apply) VALUES (66, 1, 1)",
                "INSERT INTO mysql_hostgroup_attributes (hostgroup_id) VALUES (66)",
                "INSERT INTO mysql_galera_hostgroups (writer_hostgroup, backup_writer_hostgroup, reader_hostgroup,"
                " offline_hostgroup) VALUES (60, 61, 62, 63)",
                "INSERT INTO mysql_query_rules_fast_routing (username, schemaname, flagIN, destination_hostgroup,"
                " comment) VALUES ('by_hand', 's', 0, 1, '')",
                "SET mysql-wait_timeout=12345678"):
        node.admin(sql)
    for module in MODULES:
        node.admin(f"LOAD {module} TO RUNTIME")
    agent = cores.agent("core-0")
    wait_stamped(agent)
    assert column(node, "runtime_mysql_servers") == ["127.0.0.11"]
    assert column(node, "runtime_mysql_users", "username") == ["app"]
    assert column(node, "runtime_mysql_query_rules", "rule_id") == ["1"]
    assert column(node, "runtime_mysql_hostgroup_attributes", "hostgroup_id") == ["66"]
    assert column(node, "runtime_mysql_galera_hostgroups", "writer_hostgroup") == ["60"]
    assert column(node, "runtime_mysql_replication_hostgroups", "writer_hostgroup") == ["0"]
    assert column(node, "runtime_mysql_query_rules_fast_routing", "username") == ["by_hand"]
    assert node.value("SELECT variable_value FROM runtime_global_variables"
                      " WHERE variable_name = 'mysql-wait_timeout'") == "12345678"


def test_only_users_in_the_file(cores):
    """What the file does not fill stays as it is, in memory and in runtime."""
    node = cores.add("core-0", servers=[])
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (0, '127.0.0.66')")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (0, '127.0.0.67')")
    before = versions(node)
    agent = cores.agent("core-0")
    wait_stamped(agent, MYSQL_SERVERS="left alone", MYSQL_QUERY_RULES="left alone")
    assert column(node, "runtime_mysql_servers") == ["127.0.0.66"]
    assert column(node, "mysql_servers") == ["127.0.0.66", "127.0.0.67"]
    assert versions(node)["MYSQL SERVERS"] == before["MYSQL SERVERS"]


def test_a_table_that_the_file_leaves_empty_gets_its_runtime_rows_back(cores):
    node = cores.add("core-0", servers=[], tables=FULL)
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname, status, weight)"
               " VALUES (0, '127.0.0.66', 'OFFLINE_SOFT', 7)")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (0, '127.0.0.67')")
    wait_stamped(cores.agent("core-0"))
    for table in ("mysql_servers", "runtime_mysql_servers"):
        assert node.admin(f"SELECT hostname, status, weight FROM {table}") == (("127.0.0.66", "OFFLINE_SOFT", "7"),)
    assert column(node, "runtime_mysql_replication_hostgroups", "writer_hostgroup") == ["0"]


# --- once in a life

@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_an_agent_that_is_restarted_stamps_nothing(cores, end):
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    cores.wait_rows("core-0", "core-0")
    node.admin("UPDATE mysql_users SET comment = 'newer than the file'")
    node.admin("LOAD MYSQL USERS TO RUNTIME")
    before = (versions(node), node.loads())
    agent.process.signal(end)
    agent.process.wait(20 * SLOW)
    again = cores.agent_again("core-0", relayed=True)
    again.wait_record("the admin interface answers")
    stays(lambda: (versions(node), node.loads()), 2, "versions")
    assert (versions(node), node.loads()) == before
    assert cores.changes("core-0") == []
    assert column(node, "runtime_mysql_users", "comment") == ["newer than the file"]


def test_a_new_life_is_stamped(cores):
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    time.sleep(2.1)  # lives are told apart by more than two seconds
    node.accounts = ["another"]
    node.restart()
    wait_until(lambda: versions(node) == dict.fromkeys(MODULES, 2), 10 * SLOW, "every module is loaded once")
    assert column(node, "runtime_mysql_users", "username") == ["another"]
    stays(lambda: versions(node), 3, "versions")  # once, whoever noticed the new life first


@pytest.mark.long
def test_a_life_that_ends_within_two_seconds(cores):
    """Its successor's versions start at 1 again, which tells the two apart; the agent was away meanwhile."""
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    record = record_path(agent).read_text()
    agent.stop()
    node.restart()
    uptime_s = int(node.counter("ProxySQL_Uptime"))
    made = json.loads(record)
    made["boot_ms"] = int((time.monotonic() - uptime_s) * 1000)  # as if it had been so short
    record_path(agent).write_text(json.dumps(made))
    cores.agent_again("core-0")
    wait_until(lambda: versions(node) == dict.fromkeys(MODULES, 2), 20 * SLOW, "every module is loaded once")


# --- the record

@pytest.mark.parametrize("content", ["", "{", '{"format": 2}', "link"])
def test_a_record_that_cannot_be_read(cores, content):
    """Nobody knows what was stamped: only what was never loaded in this life is."""
    node = cores.add("core-0", tables=FULL)
    node.admin("LOAD MYSQL USERS TO RUNTIME")
    path = cores.cluster.folder / "draining.stamp"
    if content == "link":
        path.symlink_to(cores.cluster.folder / "elsewhere")
    else:
        path.write_text(content)
    agent = cores.agent("core-0", settings={"shutdown.draining_file": str(path.with_suffix(""))})
    wait_until(lambda: versions(node) == dict.fromkeys(MODULES, 2), 5 * SLOW, "the others are loaded")
    agent.wait_record("a module is not stamped: it was loaded since ProxySQL started, perhaps by an earlier agent")
    assert len(agent.records("LOAD MYSQL USERS TO RUNTIME")) == 0
    wait_until(lambda: json.loads(path.read_text())["modules"]["MYSQL QUERY RULES"]["outcome"] == "done", 5 * SLOW,
               "a good record takes its place")
    assert not path.is_symlink() and not (cores.cluster.folder / "elsewhere").exists()


def test_a_record_that_cannot_be_written(cores):
    node = cores.add("core-0", tables=FULL)
    missing = {"shutdown.draining_file": str(cores.cluster.folder / "missing" / "draining")}
    agent = cores.agent("core-0", settings=missing)
    wait_until(lambda: versions(node) == dict.fromkeys(MODULES, 2), 5 * SLOW, "every module is loaded once")
    warning = "what was stamped cannot be written down, so only modules that nobody has loaded since ProxySQL started " \
              "are stamped; the folder of shutdown.draining_file must be writable and outlive the agent"
    assert "missing" in agent.wait_record(warning)["error"]
    agent.stop()
    again = cores.agent("core-0", settings=missing, relayed=True)
    again.wait_record(warning)
    stays(lambda: versions(node), 2, "versions")
    assert cores.changes("core-0") == []
    assert len(again.records(warning)) == 1


# --- faults in the middle

def test_the_file_breaks_between_the_two_reads(cores):
    node = cores.add("core-0", tables=FULL)
    node.admin("INSERT INTO mysql_users (username, password) VALUES ('by_hand', 'x')")
    node.admin("LOAD MYSQL USERS TO RUNTIME")
    before = versions(node)
    held = cores.relay("core-0").hold("DELETE FROM mysql_users")
    agent = cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    node.break_config()
    held.release.set()
    assert "FROM CONFIG" in agent.wait_record(FAILED)["error"]
    wait_stamped(agent, MYSQL_USERS="left alone", MYSQL_QUERY_RULES="left alone")
    changes = cores.changes("core-0")
    assert changes[changes.index("DELETE FROM mysql_users") + 2] == "SAVE MYSQL USERS FROM RUNTIME"
    assert column(node, "mysql_users", "username") == ["app", "by_hand"]
    assert column(node, "runtime_mysql_users", "username") == ["app", "by_hand"]
    assert column(node, "runtime_mysql_query_rules", "rule_id") == ["1"]
    assert {m: versions(node)[m] - before[m] for m in MODULES} == {
        "ADMIN VARIABLES": 1, "MYSQL VARIABLES": 1, "MYSQL SERVERS": 1, "MYSQL USERS": 0, "MYSQL QUERY RULES": 0}


def test_the_file_grows_between_the_two_reads(cores):
    """It is being written: what is read after that counts."""
    node = cores.add("core-0", tables=FULL)
    held = cores.relay("core-0").hold("DELETE FROM mysql_users")
    agent = cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    node.accounts = ["app", "app2"]
    node.write_config()
    held.release.set()
    assert "the file had 1 rows, now it has 2" in agent.wait_record(FAILED)["error"]
    wait_stamped(agent)
    assert column(node, "runtime_mysql_users", "username") == ["app", "app2"]
    assert versions(node) == dict.fromkeys(MODULES, 2)


def test_rows_of_a_peer_come_in_between(cores):
    """They are pulled between the second reading and the LOAD: the file is read again and its rows are what counts."""
    first, second = cores.add("core-0", "core-1", tables=FULL)
    for node in (first, second):
        node.publish([(first.address, "core-0"), (second.address, "core-1")])
    held = cores.relay("core-0").hold("LOAD MYSQL USERS FROM CONFIG", 2)
    agent = cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    second.admin("INSERT INTO mysql_users (username, password) VALUES ('of_the_peer', 'x')")
    second.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_until(lambda: "of_the_peer" in column(first, "runtime_mysql_users", "username"), 15 * SLOW, "a pull")
    held.release.set()
    wait_stamped(agent)
    assert column(first, "runtime_mysql_users", "username") == ["app"]
    assert versions(first)["MYSQL USERS"] == 3
    wait_until(lambda: column(second, "runtime_mysql_users", "username") == ["app"], 15 * SLOW, "the peer pulls")


STATEMENTS = [("LOAD MYSQL SERVERS FROM CONFIG", 1), ("DELETE FROM mysql_servers", 1),
              ("DELETE FROM mysql_replication_hostgroups", 1), ("LOAD MYSQL SERVERS FROM CONFIG", 2),
              ("LOAD MYSQL SERVERS TO RUNTIME", 1)]


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("text, nth", STATEMENTS)
def test_the_agent_is_killed_after_any_statement(cores, text, nth, broken):
    """broken: nobody can read the file any more when the next agent comes."""
    node = cores.add("core-0", tables=FULL)
    node.admin("INSERT INTO mysql_servers (hostgroup_id, hostname) VALUES (0, '127.0.0.66')")
    node.admin("LOAD MYSQL SERVERS TO RUNTIME")
    held = cores.relay("core-0").hold(text, nth)
    first = cores.agent("core-0", relayed=True)
    assert held.asked.wait(10 * SLOW)
    loaded = text.endswith("RUNTIME")
    if loaded:
        wait_until(lambda: versions(node)["MYSQL SERVERS"] == 3, 5 * SLOW, "it was executed")
    before = versions(node)["MYSQL SERVERS"]
    first.process.kill()
    if broken:
        node.break_config()
    held.release.set()
    cores.agent_again("core-0")
    left = "left alone"
    wait_stamped(first, **({"MYSQL_SERVERS": "done" if loaded else left, "MYSQL_USERS": left,
                            "MYSQL_QUERY_RULES": left} if broken else {}))
    rows = ["127.0.0.11"] if loaded or not broken else ["127.0.0.11", "127.0.0.66"]
    for table in ("mysql_servers", "runtime_mysql_servers"):
        assert column(node, table) == rows
    assert column(node, "mysql_replication_hostgroups", "writer_hostgroup") == ["0"]
    assert versions(node)["MYSQL SERVERS"] == before + (0 if loaded or broken else 1)


@pytest.mark.parametrize("text, nth", STATEMENTS)
def test_draining_between_two_statements(cores, text, nth):
    """The statement that is under way gets its answer; none that changes anything begins any more."""
    cores.add("core-0", tables=FULL)
    held = cores.relay("core-0").hold(text, nth)
    agent = cores.agent("core-0", {"shutdown.drain_on_signal": True, "shutdown.pause_delay": 0}, relayed=True)
    assert held.asked.wait(10 * SLOW)
    before = [change for change in cores.changes("core-0") if "MYSQL" in change.upper()]
    agent.process.signal(signal.SIGTERM)
    agent.wait_record("draining: not ready any more")
    held.release.set()
    assert agent.process.wait(20 * SLOW) == 0, agent.process.log()[-3000:]
    stamping = [change for change in cores.changes("core-0") if change.startswith(("LOAD MYSQL", "DELETE FROM mysql"))]
    assert stamping == before


# --- other cores

def begin_of_a_second():
    """Time enough for several LOADs with one epoch."""
    time.sleep(1.05 - time.time() % 1)


def test_two_cores_stamp_other_content_in_the_same_second(cores):
    """Neither is newer, so neither would ever pull: after 1 to 3 seconds one of them loads again."""
    first = cores.add("core-0")
    second = cores.add("core-1", accounts=["other"])
    for node in (first, second):
        node.publish([(first.address, "core-0"), (second.address, "core-1")])
    begin_of_a_second()
    agents = [cores.agent(name) for name in ("core-0", "core-1")]
    for agent in agents:
        wait_stamped(agent, MYSQL_QUERY_RULES="left alone")
    if first.module("mysql_users")[1] != second.module("mysql_users")[1]:  # a slow machine: then by hand
        for node, comment in ((first, "one"), (second, "two")):
            node.admin(f"UPDATE mysql_users SET comment = '{comment}'")
        begin_of_a_second()
        for node in (first, second):
            node.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_until(lambda: first.module("mysql_users")[2] == second.module("mysql_users")[2], 15 * SLOW, "one content")
    stays(lambda: [node.module("mysql_users") for node in (first, second)], 3, "users")
    loads = [len(agent.records("LOAD MYSQL USERS TO RUNTIME")) for agent in agents]
    assert 3 <= sum(loads) <= 2 + 2 * 3, loads  # both may choose the same second again, which is seen and repeated
    assert all(len(agent.records("LOAD MYSQL SERVERS TO RUNTIME")) == 1 for agent in agents)


CLUSTER = {"core.config_authority": "cluster"}
FOLLOWS = "a module is left to cluster sync: a core has loaded it (core.config_authority is cluster)"


def test_the_cluster_is_the_authority(cores):
    """A core that comes later takes what the cluster has, though its own file says otherwise."""
    first = cores.add("core-0", tables=FULL)
    wait_stamped(cores.agent("core-0", settings=CLUSTER))
    second = cores.add("core-1", accounts=["other"], servers=["127.0.0.66"])
    agent = cores.agent("core-1", settings=CLUSTER, relayed=True)
    wait_stamped(agent, **dict.fromkeys((name.replace(" ", "_") for name in MODULES), "follows"))
    cores.wait_rows("core-1", "core-0", "core-1", timeout=15)
    wait_until(lambda: column(second, "runtime_mysql_users", "username") == ["app"], 15 * SLOW, "users are pulled")
    wait_until(lambda: column(second, "runtime_mysql_servers") == ["127.0.0.11"], 15 * SLOW, "servers are pulled")
    assert not [text for text in cores.changes("core-1") if " CONFIG" in text]
    assert len(agent.records(FOLLOWS)) == len(MODULES)
    assert versions(first) == dict.fromkeys(MODULES, 2)


def test_the_cluster_is_the_authority_and_there_is_none_yet(cores):
    """All start together: whoever finds nobody past version 1 stamps, the others have it already or pull it."""
    nodes = [cores.add(f"core-{i}", accounts=[f"app-{i}"]) for i in range(3)]
    for name in cores.nodes:
        cores.agent(name, settings=CLUSTER)
    for name in cores.nodes:
        cores.wait_rows(name, "core-0", "core-1", "core-2", timeout=15)
    wait_until(lambda: all(outcomes(agent).get("MYSQL USERS") in ("done", "follows")
                           for agent in cores.agents.values()), 15 * SLOW, "every agent has decided")
    assert "done" in [outcomes(agent)["MYSQL USERS"] for agent in cores.agents.values()]
    wait_until(lambda: len({node.module("mysql_users")[2] for node in nodes}) == 1, 15 * SLOW, "one content")
    assert all(versions(node)["MYSQL USERS"] > 1 for node in nodes)


def test_a_core_that_cannot_be_asked(cores):
    """The cluster is the authority, and a core is frozen: what it has is not known, so nothing is stamped."""
    first, second = cores.add("core-0", "core-1")
    first.process.freeze()
    try:
        agent = cores.agent("core-1", settings=CLUSTER, relayed=True)
        agent.wait_record("pods listed")
        stays(lambda: [text for text in cores.changes("core-1") if " CONFIG" in text], 4, "statements")
        assert set(outcomes(agent).values()) == {"waiting"}
    finally:
        first.process.thaw()
    wait_stamped(agent, timeout=15, MYSQL_QUERY_RULES="left alone")
    assert column(second, "runtime_mysql_users", "username") == ["app"]


# --- when somebody asks for it

def test_a_dry_run_shows_what_would_change_and_changes_nothing(cores):
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    cores.wait_rows("core-0", "core-0")
    for sql in ("UPDATE mysql_servers SET weight = 7", "INSERT INTO mysql_users (username, password) VALUES ('more', 'x')",
                "DELETE FROM mysql_query_rules", "SET mysql-wait_timeout=12345678"):
        node.admin(sql)
    for module in ("MYSQL SERVERS", "MYSQL USERS", "MYSQL QUERY RULES", "MYSQL VARIABLES"):
        node.admin(f"LOAD {module} TO RUNTIME")
    node.admin("INSERT INTO mysql_users (username, password, active) VALUES ('only_in_memory', 'x', 0)")
    node.tables = {**FULL, "mysql_query_rules": [*RULES, {**RULES[0], "rule_id": 2}]}
    node.write_config()
    tables = ("mysql_servers", "mysql_users", "mysql_query_rules", "global_variables", "mysql_replication_hostgroups")

    def memory():
        return {table: sorted(map(str, node.admin(f"SELECT * FROM {table}"))) for table in tables}

    before = (versions(node), memory(), outcomes(agent))
    done = ctl.run("stamp", "--dry-run", agent=agent)
    assert done.returncode == 0, done
    lines = (done.stdout + done.stderr).splitlines()
    shown = [line for line in lines if line.startswith("  ") or ": " in line]
    assert "MYSQL VARIABLES: nothing would change (4 rows in the file)" in shown, done
    assert "MYSQL SERVERS: would change (2 rows in the file)" in shown
    assert "  ~ mysql_servers 0 127.0.0.11:3306" in shown
    assert "  - mysql_users more" in shown
    assert "  + mysql_query_rules 1" in shown and "  + mysql_query_rules 2" in shown
    assert (versions(node), memory(), outcomes(agent)) == before
    assert "x" not in [line.rpartition(" ")[2] for line in shown]


def test_a_dry_run_of_a_file_that_cannot_be_read(cores):
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    node.break_config()
    done = ctl.run("stamp", "--dry-run", agent=agent)
    assert done.returncode == 0, done
    assert "MYSQL USERS: left alone, the file cannot be read" in done.stdout + done.stderr
    assert versions(node) == dict.fromkeys(MODULES, 2)


def test_it_is_asked_for_again(cores):
    node = cores.add("core-0", tables=FULL)
    agent = cores.agent("core-0")
    wait_stamped(agent)
    node.accounts = ["app", "new"]
    node.write_config()
    assert ctl.run("stamp", agent=agent).returncode == 0
    assert column(node, "runtime_mysql_users", "username") == ["app", "new"]
    assert versions(node) == dict.fromkeys(MODULES, 3)
    wait_stamped(agent)
