"""What doctor tells of a core's permissions: the API server itself is asked."""
import json
import re
import time

import pytest

from lib import ctl
from lib.cluster import SLOW
from lib.waiting import wait_until

PODS, LEASES = "access to pods", "access to leases"
ROLE = "in namespace proxysql; the Role there needs apiGroups: "
POD_RULE = ROLE + '[""], resources: ["pods"], verbs: ["get", "list", "watch"]'
LEASE_RULE = ROLE + '["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"]'


@pytest.fixture(name="sound")
def sound_fixture(cores):
    """A core that elects, with everything that it needs."""
    yield start(cores)
    cores.kube.allow("get", "list", "watch")
    cores.kube.allow_reviews(True)


def start(cores):
    cores.add("core-0")
    agent = cores.agent("core-0", {"core.leader_election.enabled": True})
    agent.wait_record("control socket")
    wait_until(lambda: found(agent, "Kubernetes API")["verdict"] == "ok" and
               found(agent, "leader election")["verdict"] == "ok", 20 * SLOW, "pods and lease are there", step=0.2)
    return cores, agent


def findings(agent):
    done = ctl.run("doctor", "--output", "json", agent=agent)
    return done.returncode, {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}


def found(agent, check):
    return findings(agent)[1][check]


def wait_found(agent, check, verdict):
    """What a Role says reaches the API server's authorizer a moment later."""
    wait_until(lambda: found(agent, check)["verdict"] == verdict, 10 * SLOW, f"{check} is {verdict}", step=0.1)
    return findings(agent)


def test_what_the_api_server_allows(sound):
    _, all_found = findings(sound[1])
    for check, verbs in ((PODS, "list, watch"), (LEASES, "get, create, update")):
        assert all_found[check]["verdict"] == "ok" and all_found[check]["remedy"] == ""
        assert all_found[check]["evidence"] == f"{verbs} allowed in namespace proxysql"


def test_a_verb_that_is_missing_is_told_before_it_is_missed(sound):
    cores, agent = sound
    cores.kube.allow("get", "list")
    status, all_found = wait_found(agent, PODS, "broken")
    assert status == 2 and all_found[PODS]["evidence"] == "may not watch pods " + POD_RULE
    assert "deploy/role.yaml" in all_found[PODS]["remedy"]
    assert all_found["Kubernetes API"]["verdict"] == "ok"  # the watch that is open goes on
    assert all_found[LEASES]["verdict"] == "ok"
    cores.kube.allow("get", "list", "watch", leases=("get",))
    _, all_found = wait_found(agent, LEASES, "broken")
    assert all_found[LEASES]["evidence"] == "may not create, update leases " + LEASE_RULE
    assert all_found[PODS]["verdict"] == "ok"


def test_without_election_nobody_asks_for_leases(cores):
    cores.add("core-0")
    agent = cores.agent("core-0")
    agent.wait_record("control socket")
    _, all_found = findings(agent)
    assert all_found[PODS]["verdict"] == "ok" and LEASES not in all_found


def test_asking_is_refused(sound):
    cores, agent = sound
    cores.kube.allow_reviews(False)
    wait_until(lambda: "403" in found(agent, PODS)["evidence"], 10 * SLOW, "the refusal is told", step=0.1)
    for check in (PODS, LEASES):
        finding = found(agent, check)
        assert finding["verdict"] == "ok"
        assert finding["evidence"].startswith("nothing was refused so far; the API server could not be asked: 403 ")


def test_what_was_refused_counts_when_nobody_can_be_asked(fake_cores):
    cores, agent = start(fake_cores)
    cores.kube.allow("get")
    cores.kube.allow_reviews(False)
    cores.kube.cut_all()
    _, all_found = wait_found(agent, PODS, "broken")
    assert re.match("(list|watch): 403 Forbidden: may not (list|watch) pods", all_found[PODS]["evidence"])
    assert "could not be asked" in all_found[PODS]["evidence"] and all_found[LEASES]["verdict"] == "ok"


def test_an_api_server_that_does_not_tell(fake_cores):
    cores, agent = start(fake_cores)
    for fault, why in (("hang", "imed out"), ("garbage", "access review: "), ("oversize", "more than 65536 bytes"),
                       ("cut", ""), ("close", "")):
        cores.kube.fault(fault, verb="review")
        began = time.monotonic()
        finding = found(agent, PODS)
        assert time.monotonic() - began < 6 * SLOW
        assert finding["verdict"] == "ok" and "could not be asked: " in finding["evidence"], finding
        assert why in finding["evidence"]
        assert found(agent, PODS)["evidence"].startswith("list, watch allowed")


def test_an_api_server_that_is_away(fake_cores):
    cores, agent = start(fake_cores)
    cores.kube.down()
    wait_until(lambda: "could not be asked" in found(agent, PODS)["evidence"], 10 * SLOW, "it is away", step=0.1)
    cores.kube.up()
    wait_until(lambda: found(agent, PODS)["evidence"].startswith("list, watch allowed"), 30 * SLOW, "it is back",
               step=0.2)
