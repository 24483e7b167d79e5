"""The rules of ProxySQL's own cluster sync that the agent relies on, and its statements about the cluster."""
import re
import time

import pymysql
import pytest

from lib.binaries import ROOT
from lib.cluster import CHECK_INTERVAL_MS, Cluster, stays
from lib.waiting import wait_until

CHECKS_S = 5 * CHECK_INTERVAL_MS / 1000  # more than diffs_before_sync
OURS, NOBODY = "127.0.9.1", "127.0.9.2"


@pytest.fixture(scope="module")
def pair(namespace, tmp_path_factory):
    """A core, and a satellite that names its address."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    core, = cluster.add_cores(1, peers=[])
    satellite, = cluster.add_satellites(1, peers=[(core.address, "the core")])
    yield core, satellite
    cluster.close()


def reload(core, satellite, comment):
    """The core LOADs a list of one row, itself; the satellite ends with it, whatever it had before."""
    core.publish([(core.address, comment)])
    satellite.publish([(core.address, "of the satellite")])
    time.sleep(1.1)  # epochs are whole seconds
    core.publish([(core.address, comment + ", again")])
    wait_until(lambda: satellite.agrees_with(core), what="the satellite pulled the list")


def updated_at(node, peer):
    return node.seen(peer)["updated_at"]


def begin_of_a_second():
    """Time enough for two LOADs with one epoch."""
    time.sleep(1.05 - time.time() % 1)


# --- who pulls from whom

def test_nobody_pulls_version_1(pair):
    """First in the file: nothing was loaded yet. The satellite has no users and no servers, and gets none."""
    core, satellite = pair
    wait_until(lambda: satellite.seen(core.address, "mysql_users")["diff_check"] >= 4, what="four checks")
    for module in ("mysql_users", "mysql_servers_v2"):
        assert core.module(module)[0] == satellite.module(module)[0] == 1
        assert satellite.seen(core.address, module)["checksum"] == core.module(module)[2]
        assert satellite.module(module)[2] != core.module(module)[2]
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_until(lambda: satellite.module("mysql_users")[2] == core.module("mysql_users")[2], what="users are pulled")
    assert satellite.module("mysql_users")[:2] == (2, core.module("mysql_users")[1])  # the epoch is pulled too
    assert satellite.module("mysql_servers_v2")[0] == 1


def test_a_newer_epoch_is_pulled(pair):
    core, satellite = pair
    reload(core, satellite, "newer")
    before = satellite.module()
    time.sleep(1.1)
    core.publish([(core.address, "newer still")])
    wait_until(lambda: satellite.agrees_with(core), what="the list is pulled")
    assert satellite.module()[1] == core.module()[1] > before[1]
    assert satellite.members("proxysql_servers") == satellite.members()  # memory too


def test_the_same_checksum_is_not_pulled_again(pair):
    core, satellite = pair
    reload(core, satellite, "same")
    loads = satellite.loads()
    time.sleep(1.1)
    core.admin("LOAD PROXYSQL SERVERS TO RUNTIME")
    wait_until(lambda: satellite.seen(core.address)["epoch"] == core.module()[1], what="the new epoch is seen")
    stays(satellite.loads, CHECKS_S, "LOADs")
    assert satellite.loads() == loads


def test_a_load_of_its_own_makes_it_deaf_until_the_peer_loads_later(pair):
    """Equal epochs do: whoever LOADed in the same second is not heard either."""
    core, satellite = pair
    reload(core, satellite, "deaf")
    begin_of_a_second()
    core.publish([(core.address, "not heard")])
    satellite.publish([(core.address, "of the deaf one")])
    assert core.module()[1] == satellite.module()[1]
    wait_until(lambda: satellite.seen(core.address)["diff_check"] >= 5, what="checks that differ")
    assert satellite.members() != core.members()
    time.sleep(1.1)
    core.publish([(core.address, "heard")])
    wait_until(lambda: satellite.agrees_with(core), what="it hears again")


# --- what it knows of its peers

def test_updated_at_moves_while_the_peer_lives(pair):
    core, satellite = pair
    first = updated_at(satellite, core.address)
    wait_until(lambda: updated_at(satellite, core.address) >= first + 2, 5, "updated_at moves")
    assert satellite.clock_s() - updated_at(satellite, core.address) <= 1


def test_a_frozen_peer_is_seen_by_updated_at_and_accepts_tcp(pair):
    core, satellite = pair
    core.process.freeze()
    try:
        time.sleep(1.5)
        stays(lambda: updated_at(satellite, core.address), 2, "updated_at")
        with pytest.raises(TimeoutError):
            core.wire(timeout=0.5)  # accepted by the kernel, never greeted
    finally:
        core.process.thaw()
    wait_until(lambda: satellite.clock_s() - updated_at(satellite, core.address) <= 1, what="it is checked again")


def test_a_peer_that_was_never_reached_has_updated_at_0(pair):
    core, satellite = pair
    satellite.publish([(core.address, "reached"), (NOBODY, "never reached")])
    wait_until(lambda: satellite.seen(NOBODY), what="the new row is there")
    time.sleep(CHECKS_S)
    for name in ("proxysql_servers", "mysql_users", "mysql_servers_v2"):
        assert satellite.seen(NOBODY, name)["updated_at"] == 0


def test_diff_check_counts_from_a_change_of_the_peer(pair):
    core, satellite = pair
    reload(core, satellite, "counted")
    assert satellite.seen(core.address)["diff_check"] == 0
    begin_of_a_second()
    core.publish([(core.address, "theirs")])
    satellite.publish([(core.address, "ours")])
    counted = wait_until(lambda: satellite.seen(core.address)["diff_check"], what="a check that differs")
    wait_until(lambda: satellite.seen(core.address)["diff_check"] >= counted + 3, what="each is counted")


def test_diff_check_stays_0_when_it_is_our_side_that_changes(pair):
    """The lists were equal; then ours is loaded. They differ and ProxySQL does not count it."""
    core, satellite = pair
    reload(core, satellite, "equal")
    wait_until(lambda: satellite.seen(core.address)["diff_check"] == 0, what="in sync")
    satellite.publish([(core.address, "ours alone")])
    assert satellite.module()[2] != satellite.seen(core.address)["checksum"]
    assert stays(lambda: satellite.seen(core.address)["diff_check"], 2 * CHECKS_S, "diff_check") == 0


def test_an_empty_cluster_username_means_no_checking(cluster):
    core, = cluster.add_cores(1, peers=[])
    blind, = cluster.add_satellites(1, peers=[(core.address, "")], variables={"cluster_username": ""})
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    time.sleep(2 * CHECKS_S)
    seen = blind.seen(core.address)
    assert seen is None or seen["updated_at"] == 0
    assert blind.value("SELECT count(*) FROM runtime_mysql_users") == "0"
    assert blind.value("SELECT variable_value FROM runtime_global_variables"
                       " WHERE variable_name = 'admin-cluster_username'") == ""


def pollers(node):
    return node.admin("SELECT uuid, hostname, port, admin_mysql_ifaces, last_seen_at "
                      "FROM stats_proxysql_servers_clients_status ORDER BY last_seen_at")


def test_a_core_knows_who_polls_it_and_since_when_nobody_does(cluster):
    core, = cluster.add_cores(1, peers=[])
    assert pollers(core) == ()
    satellite, = cluster.add_satellites(1, peers=[(core.address, "")])
    wait_until(lambda: pollers(core), what="the satellite polls")
    uuid, _, _, interfaces, first = pollers(core)[-1]
    assert len(uuid) == 36 and interfaces == f"{satellite.address}:{satellite.admin_port}"
    wait_until(lambda: int(pollers(core)[-1][4]) >= int(first) + 2, 5, "last_seen_at moves")
    assert pollers(satellite) == ()
    satellite.kill()
    time.sleep(1.5)
    last = stays(lambda: pollers(core)[-1][4], 2, "last_seen_at")
    assert core.clock_s() - int(last) >= 2


def test_a_satellites_own_wait_timeout_stays_until_a_core_loads_mysql_variables(cluster):
    variables = {"cluster_mysql_variables_diffs_before_sync": 2}
    core, = cluster.add_cores(1, peers=[], variables=variables)
    satellite, = cluster.add_satellites(1, peers=[(core.address, "")], variables=variables)

    def wait_timeout():
        return satellite.value("SELECT variable_value FROM runtime_global_variables"
                               " WHERE variable_name = 'mysql-wait_timeout'")

    default = wait_timeout()
    core.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    time.sleep(1.1)
    satellite.admin("SET mysql-wait_timeout=1")
    satellite.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    assert stays(wait_timeout, 2 * CHECKS_S, "the low value") == "1"
    core.admin("LOAD MYSQL VARIABLES TO RUNTIME")
    wait_until(lambda: wait_timeout() == default, what="the core's value is pulled")
    assert satellite.module("mysql_variables")[1:] == core.module("mysql_variables")[1:]


# --- the configuration file

def test_from_config_merges_and_tells_how_many_rows_it_read(pair):
    core, satellite = pair
    satellite.write_members([(OURS, "not in the file")])
    assert satellite.affected("LOAD PROXYSQL SERVERS FROM CONFIG") == 1
    assert satellite.members("proxysql_servers") == sorted(
        [(OURS, str(satellite.admin_port), "0", "not in the file"),
         (core.address, str(satellite.admin_port), "0", "the core")])
    runtime = satellite.members()
    assert (OURS, str(satellite.admin_port), "0", "not in the file") not in runtime
    satellite.admin("SAVE PROXYSQL SERVERS FROM RUNTIME")
    assert satellite.members("proxysql_servers") == runtime


def test_from_config_of_a_file_without_rows_reads_0(pair):
    core, _ = pair
    core.write_members([(OURS, "")])
    assert core.affected("LOAD PROXYSQL SERVERS FROM CONFIG") == 0
    assert [host for host, *_ in core.members("proxysql_servers")] == [OURS]
    core.admin("SAVE PROXYSQL SERVERS FROM RUNTIME")


def test_from_config_without_a_file_is_an_error(pair):
    _, satellite = pair
    before = satellite.members("proxysql_servers")
    (satellite.folder / "proxysql.cnf").rename(satellite.folder / "away")
    try:
        with pytest.raises(pymysql.Error):
            satellite.admin("LOAD PROXYSQL SERVERS FROM CONFIG")
    finally:
        (satellite.folder / "away").rename(satellite.folder / "proxysql.cnf")
    assert satellite.members("proxysql_servers") == before


# --- the agent's own statements

def defined():
    """The SQL_ macros of admin_cluster.c, their texts put together."""
    source = (ROOT / "daemon/proxysql/admin_cluster.c").read_text().replace("\\\n", "")
    macros = {}
    for name, body in re.findall(r"#define (SQL_\w+)\s+(.*)", source):
        parts = re.findall(r'"((?:[^"\\]|\\.)*)"|(SQL_\w+)', body)
        macros[name] = "".join(text or macros[other] for text, other in parts if text or other in macros)
    return macros


def test_one_statement_refreshes_every_table_that_it_names(pair):
    """admin_read_cluster() after a LOAD and some checks, when nobody else asked for these tables."""
    core, satellite = pair
    sql = defined()["SQL_CLUSTER"] + defined()["SQL_PEERS"]
    reload(core, satellite, "before")
    satellite.admin(sql)
    time.sleep(1.1)
    core.publish([(core.address, "refreshed")])
    time.sleep(1 + CHECKS_S)
    rows = satellite.admin(sql)
    assert {len(row) for row in rows} == {9}
    members = [row[1:5] for row in rows if row[0] == "member"]
    assert members == core.members()
    own, = [row for row in rows if row[:2] == ("own", "proxysql_servers")]
    peer, = [row for row in rows if row[0] == "peer" and row[3] == "proxysql_servers"]
    assert own[4] == peer[6] == core.module()[2]
    assert abs(int(rows[0][1]) - time.time()) <= 2 and int(rows[0][1]) - int(peer[7]) <= 2
    assert {row[1]: row[2] for row in rows if row[0] == "variable"} == {
        "admin-cluster_username": "cluster", "admin-cluster_check_interval_ms": str(CHECK_INTERVAL_MS),
        "admin-cluster_check_status_frequency": "10", "admin-cluster_proxysql_servers_diffs_before_sync": "2"}


def test_the_metrics_form_of_it(pair):
    core, satellite = pair
    rows = satellite.admin(defined()["SQL_CLUSTER"] + defined()["SQL_METRICS"])
    wait_until(lambda: [row for row in satellite.admin(defined()["SQL_CLUSTER"] + defined()["SQL_METRICS"])
                        if row[:2] == ("metrics", core.address) and int(row[4]) > 0], what="the core's metrics")
    assert {len(row) for row in rows} == {9}


def test_the_gates_statement(pair):
    core, satellite = pair
    sql = defined()["SQL_GATE"] + defined()["SQL_PEERS"] + defined()["SQL_GATE_MODULES"]
    core.admin("INSERT OR REPLACE INTO mysql_users (username, password) VALUES ('gate', 'gate')")
    time.sleep(1.1)
    core.admin("LOAD MYSQL USERS TO RUNTIME")
    wait_until(lambda: satellite.module("mysql_users")[2] == core.module("mysql_users")[2], what="users are pulled")
    rows = satellite.admin(sql)
    users, = [row for row in rows if row[0] == "users"]
    assert int(users[1]) >= 2
    assert {row[1] for row in rows if row[0] == "own"} == {"mysql_users", "mysql_servers_v2"}
    assert {row[3] for row in rows if row[0] == "peer"} == {"mysql_users", "mysql_servers_v2"}


def test_replace_and_delete_not_in_bring_memory_to_a_list(pair):
    """admin_put_members() and admin_keep_members(): a quote in the comment, a new row, a changed one, one to go."""
    core, satellite = pair
    port = satellite.admin_port
    satellite.write_members([(OURS, "old"), (NOBODY, "to go")])
    satellite.admin("REPLACE INTO proxysql_servers (hostname, port, weight, comment) VALUES"
                    f" ('{OURS}', {port}, 3, 'it''s \\ new'), ('{core.address}', {port}, 0, '')")
    satellite.admin("DELETE FROM proxysql_servers WHERE hostname || ':' || port NOT IN"
                    f" ('{OURS}:{port}', '{core.address}:{port}')")
    assert satellite.members("proxysql_servers") == sorted(
        [(OURS, str(port), "3", "it's \\ new"), (core.address, str(port), "0", "")])
    satellite.admin("SAVE PROXYSQL SERVERS FROM RUNTIME")
    assert satellite.members("proxysql_servers") == satellite.members()


def test_updated_at_stops_when_the_peer_dies(pair):
    """Last in the file."""
    core, satellite = pair
    core.kill()
    time.sleep(1.5)
    stays(lambda: updated_at(satellite, core.address), 2, "updated_at")
    assert satellite.clock_s() - updated_at(satellite, core.address) >= 2
