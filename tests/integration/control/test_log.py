"""SIGUSR1 logs what status shows, a record for each subject."""
from lib import ctl


def test_a_record_for_each_subject(satellite):
    satellite.status()
    cluster = satellite.wait_record("status of the cluster")
    status = ctl.ask(satellite, "status")
    assert (cluster["known"], cluster["members"]) == (True, status["cluster"]["members_actual"])
    kinds = {record["kind"] for record in satellite.records("status of a job")}
    assert {"health", "resync", "inspect"} <= kinds
    assert satellite.wait_record("status of the drain")["step"] == status["drain"]["step"] == "none"
