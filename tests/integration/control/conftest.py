"""Agents for the tests, with their control sockets: stopped at the end of each, which checks that they end well."""
import pytest

from lib.agent import SLOW, Agent
from lib.waiting import wait_until


class ControlledAgent(Agent):
    """Started when it has told about its control socket."""

    def start(self):
        super().start()
        wait_until(lambda: self.records("control socket") or self.records_begin("no control socket"), 5 * SLOW,
                   "the agent tells about its socket", step=0.005)
        return self


@pytest.fixture
def agent_class():
    return ControlledAgent


@pytest.fixture
def satellite(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite"})
    agent.wait_ready()
    return agent
