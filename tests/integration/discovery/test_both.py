"""What holds against the stand-in and against a real kube-apiserver."""
import time

from lib.agent import SLOW
from lib.waiting import wait_until

OTHER_RUNNING = 4  # of enum pod_watch_change


def test_pods_are_listed_and_watched(kube, drive):
    uid = kube.put_pod("core-0", ip="10.0.0.1")
    kube.put_pod("sat-0", "satellite", ip="10.0.1.1")
    kube.put_pod("stranger", app="other", ip="10.0.2.1")
    driver = drive(kube)
    view = driver.wait_names("core-0", "sat-0")
    core = view["pods"][0]
    assert view["confirmed"] and core["uid"] == uid and core["ip"] == "10.0.0.1" and core["phase"] == "Running"
    assert core["ready"] and core["is_core"] and not core["terminating"] and core["grace_s"] == 30
    assert not view["pods"][1]["is_core"]

    kube.put_pod("core-1", ip="", phase="Pending")
    assert driver.wait_names("core-0", "core-1", "sat-0")["core_version"] > view["core_version"]
    kube.put_pod("core-1", ip="fd00:0::2")
    driver.wait_view(lambda v: any(p["ip"] == "fd00::2" and p["running_since_ms"] > 0 for p in v["pods"]))
    before = len(driver.changes)
    kube.put_pod("sat-1", "satellite", ip="10.0.1.2")
    driver.wait_names("core-0", "core-1", "sat-0", "sat-1")
    wait_until(lambda: any(c["changes"] & OTHER_RUNNING for c in driver.changes[before:]), what="sat-1 runs")
    kube.delete_pod("core-0")
    kube.delete_pod("sat-0")
    driver.wait_names("core-1", "sat-1")
    assert driver.stats()["lists"] == 1 and driver.stats("others")["lists"] == 1


def test_pod_moves_between_core_and_others(kube, drive):
    uid = kube.put_pod("pod", ip="10.0.0.1")
    driver = drive(kube)
    driver.wait_names("pod")
    kube.put_pod("pod", "satellite", ip="10.0.0.1")
    driver.wait_view(lambda v: [p["is_core"] for p in v["pods"]] == [False])
    kube.put_pod("pod", "core", ip="10.0.0.1")
    view = driver.wait_view(lambda v: [p["is_core"] for p in v["pods"]] == [True])
    assert view["pods"][0]["uid"] == uid


def test_name_comes_back_as_another_pod(kube, drive):
    first = kube.put_pod("core-0", ip="10.0.0.1")
    driver = drive(kube)
    driver.wait_names("core-0")
    kube.delete_pod("core-0")
    second = kube.put_pod("core-0", ip="10.0.0.9")
    view = driver.wait_view(lambda v: [p["ip"] for p in v["pods"]] == ["10.0.0.9"])
    assert view["pods"][0]["uid"] == second != first


def test_own_pod_is_known(kube, drive):
    kube.put_pod("core-0", ip="10.0.0.1")
    kube.put_pod("core-1", ip="10.0.0.2")
    by_name, by_ip = drive(kube, env={"POD_NAME": "core-1"}), drive(kube, env={"POD_IP": "10.0.0.1"})
    by_name.wait_names("core-0", "core-1")
    by_ip.wait_names("core-0", "core-1")
    assert {p["name"]: p["own"] for p in by_name.view()["pods"]} == {"core-0": False, "core-1": True}
    assert {p["name"]: p["own"] for p in by_ip.view()["pods"]} == {"core-0": True, "core-1": False}


def test_confirm_lists_again(kube, drive):
    kube.put_pod("core-0", ip="10.0.0.1")
    driver = drive(kube)
    view = driver.wait_names("core-0")
    answer = driver.ask("confirm 2000")
    assert answer["confirm"] == 0 and answer["took_ms"] < 500 * SLOW
    assert driver.view()["listed_ms"] > view["listed_ms"] and driver.stats()["lists"] == 2
    driver.wait_stats(lambda stats: stats["state"] == "watching")
    kube.put_pod("core-1", ip="10.0.0.2")
    driver.wait_names("core-0", "core-1")


def test_no_access_names_the_rule(kube, drive, tmp_path):
    if kube.real:
        (tmp_path / "nobody").write_text(kube.tokens["nobody"])
        driver = drive(kube, token_file=tmp_path / "nobody")
    else:
        kube.forbidden = {"list", "watch"}
        driver = drive(kube)
    error = driver.wait_error("403")["error"]
    assert error == ('list: 403 Forbidden: may not list pods in namespace proxysql; the Role there needs apiGroups: '
                     '[""], resources: ["pods"], verbs: ["get", "list", "watch"]')
    assert not driver.view()["complete"] and driver.stats("others")["lists"] == 0
    assert len(driver.records("the API server does not show the pods, trying again")) == 1
    assert driver.ask("confirm 3000")["confirm"] < 0


def test_watch_alone_is_forbidden(kube, drive):
    kube.put_pod("core-0", ip="10.0.0.1")
    if kube.real:
        kube.allow("get", "list")
    else:
        kube.forbidden = {"watch"}
    try:
        driver = drive(kube)
        assert "may not watch pods" in driver.wait_error("403")["error"]
        kube.put_pod("core-1", ip="10.0.0.2")
        driver.wait_names("core-0", "core-1", timeout=15)  # by lists
    finally:
        if kube.real:
            kube.allow("get", "list", "watch")
        else:
            kube.forbidden = set()
    driver.wait_stats(lambda stats: stats["state"] == "watching" and not stats["error"], timeout=30)


def test_other_ca_is_refused(kube, drive):
    driver = drive(kube, ca_file=kube.other_ca_file)
    assert "certificate is not of the CA in" in driver.wait_error("CA")["error"]
    assert driver.stats()["lists"] == 0
    if not kube.real:
        assert not kube.requests  # no token has left


def test_token_is_read_again(kube, drive, tmp_path):
    kube.put_pod("core-0", ip="10.0.0.1")
    token = tmp_path / "token"
    token.write_text("no longer valid\n".replace(" ", "-"))
    driver = drive(kube, token_file=token)
    assert str(token) in driver.wait_error("401")["error"]
    token.write_text(kube.token_file.read_text())
    driver.wait_names("core-0", timeout=10)
    assert driver.wait_stats(lambda stats: stats["state"] == "watching")["error"] == ""


def test_server_goes_away_and_comes_back(kube, drive):
    kube.put_pod("core-0", ip="10.0.0.1")
    kube.put_pod("core-1", ip="10.0.0.2")
    driver = drive(kube)
    driver.wait_names("core-0", "core-1")
    kube.down()
    view = driver.wait_view(lambda v: not v["confirmed"])
    assert view["complete"] and view["count"] == 2
    answer = driver.ask("confirm 400")
    assert answer["confirm"] < 0 and answer["took_ms"] < 1000 * SLOW
    kube.up()
    kube.delete_pod("core-0")
    kube.put_pod("core-2", ip="10.0.0.3")
    view = driver.wait_view(lambda v: v["confirmed"] and {p["name"] for p in v["pods"]} == {"core-1", "core-2"}, 30)
    began = time.monotonic()
    assert driver.ask("confirm 5000")["confirm"] == 0 and time.monotonic() - began < 2 * SLOW
    assert len(driver.records("the API server shows the pods again")) >= 1
