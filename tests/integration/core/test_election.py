"""Leader election: who leads, who takes over and when, judged from the statements that ProxySQL received."""
import datetime
import re
import signal
import time

import pytest

from lib import ctl
from lib.cluster import SLOW, stays
from lib.forward import Forward
from lib.waiting import wait_until

LEASE = "proxysql-agent"
LEASE_S, RENEW_S, RETRY_S = (4, 3, 1) if SLOW == 1 else (8, 6, 2)
LEADING = "leading: this core writes the members and accepts satellites"
NOT_LEADING = "not leading any more"
LOST = "the lease cannot be had, trying again"
SPARE_S = 2 * SLOW  # for a machine that has other things to do; what was seen is printed
NAMES = ("core-0", "core-1", "core-2")
WRITES = re.compile(r"(REPLACE INTO|DELETE FROM) proxysql_servers|LOAD PROXYSQL SERVERS", re.I)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


class Election:
    """Cores that elect: each agent behind a relay that sees its statements, and a gate to the API server."""

    def __init__(self, cores):
        self.cores, self.gates = cores, {}

    def start(self, *names, **settings):
        for name in names:
            if name not in self.gates:
                self.gates[name] = Forward(self.cores.kube.port)
            url = self.cores.kube.url.replace(str(self.cores.kube.port), str(self.gates[name].port))
            self.cores.agent(name, {
                "kubernetes.api_server": url, "core.leader_election.enabled": True,
                "core.leader_election.lease_duration": LEASE_S, "core.leader_election.renew_deadline": RENEW_S,
                "core.leader_election.retry_period": RETRY_S, **settings}, relayed=True)

    def holder(self):
        """The name of the core that holds the lease, or None."""
        spec = self.cores.kube.lease(LEASE)
        return (spec or {}).get("holderIdentity", "").rpartition("_")[0] or None

    def wait_leader(self, *candidates, timeout=10.0):
        """Wait until one of them leads, by its own word, and return its name."""
        def leads():
            name = self.holder()
            agent = self.cores.agents.get(name) if name in candidates else None
            return name if agent and self.leads(agent) else None
        return wait_until(leads, timeout * SLOW, f"one of {candidates} leads")

    @staticmethod
    def leads(agent):
        said = [r["msg"] for r in agent.records() if r["msg"] in (LEADING, NOT_LEADING)]
        return bool(said) and said[-1] == LEADING

    def writes(self, name, since=0.0):
        """The statements that change the members, from then on."""
        return [text for when, text in list(self.cores.relays[name].timed) if when >= since and WRITES.match(text)]

    def settle(self, *names, **others):
        for name in names:
            self.cores.wait_rows(name, *names, timeout=15, **others)

    def elect(self):
        """Start all agents and wait until one leads and all agree: its name, and those of the others."""
        self.start(*NAMES)
        leader = self.wait_leader(*NAMES)
        self.settle(*NAMES)
        return leader, [name for name in NAMES if name != leader]

    def quiet(self, *names, for_s=2.0):
        stays(lambda: [len(self.writes(name)) for name in names], for_s, "statements")

    def close(self):
        for gate in self.gates.values():
            gate.close()


def as_seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def electing(made):
    election = Election(made)
    made.add(*NAMES)
    return election


@pytest.fixture
def election(cores):
    made = electing(cores)
    yield made
    made.close()


@pytest.fixture
def fake_election(fake_cores):
    made = electing(fake_cores)
    yield made
    made.close()


def test_one_core_leads(election):
    """The leader alone writes what pods do; a follower introduces itself once, with the leader's own list."""
    cores = election.cores
    leader, followers = election.elect()
    election.quiet(*NAMES)
    for name in followers:
        assert len(election.writes(name)) in (0, 3), election.writes(name)
    spec = cores.kube.lease(LEASE)
    assert TIME.match(spec["renewTime"]) and TIME.match(spec["acquireTime"])
    assert (spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (LEASE_S, 0)
    assert len({node.module()[2] for node in cores.nodes.values()}) == 1

    for name in NAMES:
        cores.agents[name].process.signal(signal.SIGUSR1)
        status = cores.agents[name].wait_record("status of the election")
        assert status["leading"] == (name == leader) and status["held"]
        assert status["holder"].startswith(leader + "_") and status["identity"].startswith(name + "_")
        assert (status["terms"], status["transitions"]) == (1 if name == leader else 0, 0)
        assert 0 <= status["seen_age_ms"] <= 1000 * (RETRY_S + SLOW)

    at = time.monotonic()
    cores.pod("core-9", "127.9.0.9")
    election.settle(*NAMES, core_9="127.9.0.9")
    before = cores.loads(leader)
    cores.pod("satellite-0", "127.9.0.10", component="satellite")
    wait_until(lambda: cores.loads(leader) == before + 1, 10 * SLOW, "the satellite is accepted")
    cores.kube.delete_pod("core-9")
    election.settle(*NAMES)
    assert [election.writes(name, at) for name in followers] == [[], []]
    later = cores.kube.lease(LEASE)
    assert later["acquireTime"] == spec["acquireTime"] and later["renewTime"] > spec["renewTime"]


def test_another_takes_over_from_a_killed_leader(election):
    cores = election.cores
    leader, others = election.elect()
    at = time.time()
    cores.kill(leader)
    successor = election.wait_leader(*others, timeout=LEASE_S + RETRY_S + 10)
    took = as_seconds(cores.kube.lease(LEASE)["acquireTime"]) - at  # of one machine's clock
    assert LEASE_S - RETRY_S - 0.5 <= took <= LEASE_S + RETRY_S + SPARE_S, took
    assert cores.kube.lease(LEASE)["leaseTransitions"] == 1
    at = time.monotonic()
    cores.pod("core-9", "127.9.0.9")
    election.settle(*NAMES, core_9="127.9.0.9")
    assert election.writes(successor, at)
    election.start(leader)
    stays(election.holder, 2 * RETRY_S + 1, "the holder")
    assert not election.writes(leader, at)
    print(f"\ntaken over after {took:.2f} s, lease duration + retry period {LEASE_S + RETRY_S} s")


@pytest.mark.parametrize("text", ["REPLACE INTO", pytest.param("NOT IN", marks=pytest.mark.long), None])
def test_a_leader_that_slept_writes_no_more(election, text):
    """Stopped between two statements of a pass, or between passes: by the time it wakes another has the lease."""
    cores = election.cores
    leader, others = election.elect()
    agent = cores.agents[leader]
    held = cores.relays[leader].hold(text) if text else None
    if held:
        cores.pod("core-9", "127.9.0.9")
        assert held.asked.wait(10 * SLOW)
    agent.process.signal(signal.SIGSTOP)
    if held:
        held.release.set()
    election.wait_leader(*others, timeout=LEASE_S + RETRY_S + 10)
    cores.pod("core-9", "127.9.0.8")
    election.settle(*NAMES, core_9="127.9.0.8")
    at = time.monotonic()
    agent.process.signal(signal.SIGCONT)
    agent.wait_record(NOT_LEADING, timeout=5)
    stays(lambda: [node.loads() for node in cores.nodes.values()], 3, "LOADs")
    late = election.writes(leader, at)
    assert len(late) <= 1, late
    print(f"\nlate statements after SIGCONT: {len(late)}")


def test_a_leader_that_is_cut_from_the_api(election):
    """It stops before its lease can be another's, and follows when the API server is there again."""
    cores = election.cores
    leader, others = election.elect()
    at = time.monotonic()
    election.gates[leader].cut()
    ended = cores.agents[leader].wait_record(NOT_LEADING, timeout=RENEW_S + 5)
    assert time.monotonic() - at <= RENEW_S + SPARE_S
    assert "not renewed in time" in ended["reason"]
    election.wait_leader(*others, timeout=LEASE_S + RETRY_S + 10)
    cores.pod("core-9", "127.9.0.9")
    election.settle(*NAMES, core_9="127.9.0.9")
    cores.nodes[leader].publish([(cores.nodes[leader].address, "by hand")])
    stays(lambda: election.writes(leader, at), 3, "statements of the one that is cut")
    election.gates[leader].mend()
    election.settle(*NAMES, core_9="127.9.0.9")
    assert election.holder() != leader


def test_the_lease_is_given_up_on_a_clean_stop(election):
    cores = election.cores
    leader, others = election.elect()
    cores.agents[leader].process.signal(signal.SIGTERM)
    at = time.monotonic()
    election.wait_leader(*others, timeout=2 * RETRY_S + 5)
    took = time.monotonic() - at
    assert took <= RETRY_S + SPARE_S, took
    print(f"\ngiven up and taken after {took:.2f} s, retry period {RETRY_S} s")


def test_the_lease_is_given_up_for_a_maintenance(election):
    """And the core stands again once it is over."""
    cores = election.cores
    election.start("core-0", "core-1", **{"shutdown.maintenance_delay": 0, "shutdown.pause_delay": 0})
    leader = election.wait_leader("core-0", "core-1")
    other, = {"core-0", "core-1"} - {leader}
    election.settle("core-0", "core-1", core_2=cores.nodes["core-2"].address)
    ctl.ask(cores.agents[leader], "drain", "--maintenance")
    election.wait_leader(other, timeout=2 * RETRY_S + 10)
    ctl.ask(cores.agents[leader], "undrain")
    wait_until(lambda: cores.agents[leader].ready().status == 200, 10 * SLOW, "ready again")
    cores.agents[other].process.signal(signal.SIGTERM)
    election.wait_leader(leader, timeout=2 * RETRY_S + 10)
    spec = cores.kube.lease(LEASE)
    assert spec["leaseTransitions"] == 2 and spec["holderIdentity"].startswith(leader)


def test_a_leader_whose_proxysql_takes_nothing(election):
    cores = election.cores
    leader, others = election.elect()
    cores.nodes[leader].process.freeze()
    try:
        successor = election.wait_leader(*others, timeout=RENEW_S + 15)
        assert cores.kube.lease(LEASE)["leaseTransitions"] == 1
    finally:
        cores.nodes[leader].process.thaw()
    stays(election.holder, 2 * RETRY_S + 1, "the holder")
    assert election.holder() == successor


def test_a_role_without_leases(election):
    cores = election.cores
    if cores.kube.real:
        cores.kube.allow("get", "list", "watch", leases=())
    else:
        cores.kube.forbidden |= {"get", "create", "update"}
    try:
        election.start("core-0")
        error = cores.agents["core-0"].wait_record(LOST)["error"]
        assert "403" in error and 'apiGroups: ["coordination.k8s.io"]' in error and "Role" in error
        assert 'resources: ["leases"], verbs: ["get", "create", "update"]' in error
        election.quiet("core-0")
        assert election.writes("core-0") == [] and cores.agents["core-0"].ready().status == 200
    finally:
        if cores.kube.real:
            cores.kube.allow("get", "list", "watch")
        else:
            cores.kube.forbidden.clear()
    election.wait_leader("core-0", timeout=30)


def test_a_lease_that_others_change(election):
    """By hand: a label, another holder for a moment, no lease at all."""
    cores = election.cores
    election.start("core-0", "core-1")
    leader = election.wait_leader("core-0", "core-1")
    spec = cores.kube.lease(LEASE)
    cores.kube.put_lease(LEASE, {**spec, "holderIdentity": "somebody-else"})
    cores.agents[leader].wait_record(NOT_LEADING, timeout=10)
    election.wait_leader("core-0", "core-1", timeout=LEASE_S + RETRY_S + 10)
    assert cores.kube.lease(LEASE)["leaseTransitions"] == spec["leaseTransitions"] + 1


@pytest.mark.parametrize("code, headers", [(500, {}), (429, {"Retry-After": "1"}), (401, {}), (409, {})])
def test_answers_that_fail_do_not_end_a_leadership(fake_election, code, headers):
    cores = fake_election.cores
    fake_election.start("core-0")
    fake_election.wait_leader("core-0")
    agent = cores.agents["core-0"]
    cores.kube.fault("status", verb="update", code=code, headers=headers)
    wait_until(lambda: not cores.kube.faults, 5 * SLOW, "the fault is used")
    before = cores.kube.lease(LEASE)["renewTime"]
    wait_until(lambda: cores.kube.lease(LEASE)["renewTime"] > before, 5 * SLOW, "the lease is renewed again")
    assert len(agent.records(LEADING)) == 1 and not agent.records(NOT_LEADING)
    assert len(agent.records(LOST)) == (0 if code == 409 else 1)
