"""What a dump does to the agent that runs beside it: nothing that a probe could notice."""
import time

import pytest

from lib.agent import SLOW, Agent
from lib.digests import HOST, make_digests, read, start_dump, totals
from lib.waiting import wait_until


@pytest.fixture
def agent(fresh_node, tmp_path):
    made = Agent(tmp_path / "agent", fresh_node, {"health.wedge_tolerance": 1, "dump.dir": str(tmp_path)},
                 env={"HOSTNAME": HOST})
    made.start().wait_ready()
    yield made
    made.close()


def test_dump_mode_binds_nothing_and_leaves_the_draining_file_alone(agent, fresh_node, tmp_path):
    make_digests(fresh_node, 1000)
    began = time.monotonic()
    process = start_dump(fresh_node, tmp_path, {"dump.dir": tmp_path, "api.port": agent.port, "start_delay": 3600,
                                                "shutdown.draining_file": agent.draining_file})
    assert process.wait(10 * SLOW) == 0
    assert time.monotonic() - began < 10 * SLOW
    assert not agent.draining_file.exists()
    assert agent.statuses() == (200, 200, 200)
    assert totals(read(tmp_path / f"{HOST}-digests.csv"))[0] == 1000
