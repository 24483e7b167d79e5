"""Every way in which an API server can fail, told to the stand-in."""
import time

import pytest

from lib.agent import SLOW

PATIENCE = {"list_ms": 400 * SLOW + 3000, "open_ms": 400 * SLOW, "silent_ms": 400 * SLOW, "watch_s": 2, "slack_ms": 300 * SLOW}


@pytest.fixture
def server(fake_kube):
    """The stand-in with two core pods and one other."""
    fake_kube.put_pod("core-0", ip="10.0.0.1")
    fake_kube.put_pod("core-1", ip="10.0.0.2")
    fake_kube.put_pod("sat-0", "satellite", ip="10.0.1.1")
    return fake_kube


ALL = ("core-0", "core-1", "sat-0")


def still_works(server, driver):
    """A change arrives, so the watch is what it should be; nothing was seen twice or lost."""
    server.put_pod("core-2", ip="10.0.0.3")
    driver.wait_names(*ALL, "core-2", timeout=10)
    server.delete_pod("core-0")
    driver.wait_names("core-1", "core-2", "sat-0", timeout=10)


@pytest.mark.parametrize("fault", [
    {"do": "status", "code": 500}, {"do": "status", "code": 503}, {"do": "status", "code": 504},
    {"do": "status", "code": 429}, {"do": "status", "code": 401}, {"do": "status", "code": 404},
    {"do": "status", "code": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
    {"do": "status", "code": 500, "body": b"<html>" * 5000}, {"do": "status", "code": 500, "body": b"[" * 8000},
    {"do": "status", "code": 500, "body": b'{"a":' * 1600}, {"do": "close"}, {"do": "hang"}, {"do": "cut"},
    {"do": "garbage"}, {"do": "garbage", "body": b'{"type":"ADDED"}\n'}, {"do": "garbage", "body": b"{" * 200},
    {"do": "half"}, {"do": "ended"}, {"do": "oversize"},
], ids=lambda fault: fault["do"] + str(fault.get("code", "")) + str(len(fault.get("body", ""))))
@pytest.mark.parametrize("verb", ["list", "watch"])
def test_one_request_fails(server, drive, verb, fault):
    server.fault(verb=verb, core=True, **fault)
    driver = drive(server, settings=PATIENCE)
    driver.wait_names(*ALL, timeout=10)
    # libcurl itself repeats a request on whose reused connection nothing came
    failures = 0 if (verb, fault["do"]) == ("watch", "close") else 1
    stats = driver.wait_stats(lambda s: s["state"] == "watching" and s["failures"] == failures)
    assert stats["error"] == ""
    assert stats["limits"] == (1 if fault["do"] == "oversize" or fault.get("body") == b"{" * 200 else 0)
    assert len(driver.records("the API server does not show the pods, trying again")) == failures
    still_works(server, driver)


def test_errors_name_their_cause(server, drive):
    server.forbidden = {"list"}
    server.fault("status", verb="list", code=503)
    driver = drive(server, settings=PATIENCE)
    driver.wait_error("403")
    first = driver.records("the API server does not show the pods, trying again")[0]
    assert first["error"] == "list: 503: as asked"


def test_expired_watch_lists_again(server, drive):
    driver = drive(server)
    driver.wait_names(*ALL)
    driver.wait_stats(lambda s: s["state"] == "watching")
    server.down()
    server.delete_pod("core-0")
    server.compact()
    server.up()
    driver.wait_names("core-1", "sat-0", timeout=10)
    stats = driver.wait_stats(lambda s: s["state"] == "watching")
    assert stats["expired"] == 1 and stats["lists"] == 2


def test_expired_as_status_lists_again(server, drive):
    server.fault("status", verb="watch", core=True, code=410)
    driver = drive(server)
    driver.wait_names(*ALL)
    stats = driver.wait_stats(lambda s: s["state"] == "watching")
    assert stats["expired"] == 1 and stats["lists"] == 2 and stats["failures"] == 0


def test_expired_for_ever_backs_off(server, drive):
    for _ in range(40):
        server.fault("status", verb="watch", core=True, code=410)
    driver = drive(server)
    driver.wait_stats(lambda s: s["expired"] >= 2)
    time.sleep(1)
    assert driver.stats()["expired"] < 6


def test_expired_continue_token_lists_anew(server, drive):
    server.page_max = 1
    server.fault("status", verb="list", core=True, code=410, page=2)
    driver = drive(server)
    driver.wait_names(*ALL)
    assert server.count("list", core=True) == 4
    assert driver.stats()["expired"] == 1 and driver.stats()["failures"] == 0


def test_many_pages(fake_kube, drive):
    fake_kube.page_max = 7
    for i in range(50):
        fake_kube.put_pod(f"core-{i}", ip=f"10.0.0.{i}")
    driver = drive(fake_kube)
    driver.wait_view(lambda v: v["complete"] and v["count"] == 50)
    assert fake_kube.count("list", core=True) == 8


def test_cut_watch_goes_on_where_it_was(server, drive):
    driver = drive(server)
    driver.wait_names(*ALL)
    driver.wait_stats(lambda s: s["state"] == "watching")
    time.sleep(1.1)  # a watch that lived so long did not fail at once
    server.cut_all()
    server.put_pod("core-2", ip="10.0.0.3")
    driver.wait_names(*ALL, "core-2")
    assert driver.stats()["lists"] == 1


def test_watch_that_ends_is_no_failure(server, drive):
    driver = drive(server, settings={"watch_s": 1})
    driver.wait_names(*ALL)
    server.put_pod("core-2", ip="10.0.0.3")
    driver.wait_stats(lambda s: s["watches"] >= 3, timeout=15)
    assert driver.stats()["failures"] < 2, "each of the two that ended would be one; a busy server may cause another"
    assert all(view["confirmed"] for view in [driver.ask("counts")])
    still = driver.wait_names(*ALL, "core-2")
    assert still["core_version"] == driver.view()["core_version"]


def test_bookmarks_are_resumed_from(server, drive):
    server.bookmark_s = 0.05
    driver = drive(server, settings={"watch_s": 1})
    driver.wait_names(*ALL)
    driver.wait_stats(lambda s: s["bookmarks"] >= 2)
    driver.wait_stats(lambda s: s["watches"] >= 2, timeout=10)
    assert driver.stats()["lists"] == 1


def test_silence_after_a_bookmark_ends_the_watch(server, drive):
    server.fault("bookmark", verb="watch", core=True)
    driver = drive(server, settings={**PATIENCE, "watch_s": 60})
    driver.wait_names(*ALL)
    driver.wait_stats(lambda s: s["failures"] == 1 and s["state"] == "watching", timeout=5)
    still_works(server, driver)


def test_watch_that_outlives_its_end_is_cut(server, drive):
    server.fault("silent", verb="watch", core=True)
    driver = drive(server, settings={**PATIENCE, "watch_s": 1})
    driver.wait_names(*ALL)
    driver.wait_stats(lambda s: s["failures"] == 1, timeout=5)
    driver.wait_stats(lambda s: s["lists"] == 2)  # nothing ever came: the resourceVersion may not be known there
    still_works(server, driver)


def test_retry_after_is_kept(server, drive):
    server.fault("status", verb="list", core=True, code=429, headers={"Retry-After": "1"})
    began = time.monotonic()
    driver = drive(server)
    driver.wait_names(*ALL)
    assert time.monotonic() - began >= 1.0


def test_view_stays_while_a_list_fails(server, drive):
    driver = drive(server, settings=PATIENCE)
    driver.wait_names(*ALL)
    server.fault("cut", verb="list", core=True)
    answer = driver.ask("confirm 3000")
    assert answer["confirm"] < 0 and answer["error"].startswith("core pods: list: ")
    assert driver.view()["count"] == 3
    still_works(server, driver)
    assert driver.stats()["lists"] == 1  # the watch went on from where it was


def test_confirm_is_bounded(server, drive):
    driver = drive(server)
    driver.wait_names(*ALL)
    server.fault("hang", verb="list", core=True)
    answer = driver.ask("confirm 300")
    assert answer["confirm"] < 0 and 300 <= answer["took_ms"] < 400 * SLOW


def test_bad_pods_are_left_out(server, drive):
    server.put_pod("bad", ip="10.0.0.1'); DROP")
    server.put_pod("Worse", ip="10.0.0.9")
    driver = drive(server)
    driver.wait_names(*ALL)
    assert driver.ask("confirm 3000")["confirm"] == 0
    records = driver.records("a pod is left out")
    assert len(records) == 2 and {r["error"].split('"')[1] for r in records} == {"bad", "Worse"}
    assert driver.stats()["skipped"] == 4
    driver.wait_stats(lambda s: s["state"] == "watching")
    server.put_pod("core-0", ip="nonsense")
    driver.wait_names("core-1", "sat-0")
    server.put_pod("core-0", ip="10.0.0.1")
    driver.wait_names(*ALL)


def test_terminating_pod_says_so(server, drive):
    driver = drive(server)
    driver.wait_names(*ALL)
    server.put_pod("core-0", ip="10.0.0.1", terminating=True)
    driver.wait_view(lambda v: [p["name"] for p in v["pods"] if p["terminating"]] == ["core-0"])


def test_proxies_are_not_used(server, drive):
    proxy = "http://127.0.0.1:1"
    driver = drive(server, env={"http_proxy": proxy, "HTTPS_PROXY": proxy, "ALL_PROXY": proxy})
    driver.wait_names(*ALL)


def test_token_is_read_before_every_request(server, drive):
    driver = drive(server)
    driver.wait_names(*ALL)
    server.rotate_token()
    assert driver.ask("confirm 3000")["confirm"] == 0
    assert set(server.tokens) == {"first-token", "second-token"} and driver.stats()["failures"] == 0


def test_core_pods_come_first(server, drive):
    server.fault("hang", verb="list", core=False)
    driver = drive(server)
    view = driver.wait_view(lambda v: v["complete"] and v["confirmed"])
    assert not view["others_complete"] and view["count"] == 2
    assert server.requests[0][1]["labelSelector"] == "app=proxysql,component=core"


@pytest.mark.parametrize("state", ["listing", "waiting", "opening", "watching"])
def test_stop_is_quick_in_every_state(server, drive, state):
    faults = {"listing": {"do": "hang", "verb": "list"}, "opening": {"do": "hang", "verb": "watch"},
              "waiting": {"do": "status", "verb": "list", "code": 429, "headers": {"Retry-After": "60"}}}
    took = []
    while len(took) < 3 and min(took, default=1.0) >= 0.1:  # a busy machine may hold one up
        if state in faults:
            server.fault(**faults[state])
        driver = drive(server)
        driver.wait_stats(lambda s: s["state"] == state)
        took.append(driver.close())
    assert min(took) < 0.1 * SLOW
