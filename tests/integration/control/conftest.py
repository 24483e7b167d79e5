"""Agents for the tests, with their control sockets: stopped at the end of each, which checks that they end well."""
import pytest

from lib.agent import SLOW, Agent
from lib.waiting import wait_until


@pytest.fixture
def make_agent(tmp_path):
    """make_agent(node, settings): a started Agent whose control socket is there."""
    agents = []

    def make(node, settings=None, **options):
        agent = Agent(tmp_path / f"agent{len(agents)}", node, settings, **options)
        agents.append(agent)
        agent.start()
        wait_until(lambda: agent.records("control socket") or agent.records_begin("no control socket"), 5 * SLOW,
                   "the agent tells about its socket", step=0.005)
        return agent

    yield make
    for agent in agents:
        agent.close()


@pytest.fixture
def satellite(make_agent, node):
    agent = make_agent(node, {"run_mode": "satellite"})
    agent.wait_ready()
    return agent
