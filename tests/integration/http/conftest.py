"""Agents for the tests: stopped at the end of each, which checks that they end well."""
import pytest

from lib.agent import Agent


@pytest.fixture
def make_agent(tmp_path):
    """make_agent(node, settings): a started Agent."""
    agents = []

    def make(node, settings=None, **options):
        agents.append(Agent(tmp_path / f"agent{len(agents)}", node, settings, **options))
        return agents[-1].start()

    yield make
    for agent in agents:
        agent.close()
