"""A node with clients, and an agent that drains it for real, in less time than in life."""
import contextlib

import pytest

from lib.agent import Agent
from lib.draining import QUICK, leave, make_table


@pytest.fixture
def served(make_node, backends):
    """A node for one test, whose clients' statements are executed."""
    node = make_node(backends=backends)
    make_table(node)
    yield node
    node.close()


@pytest.fixture
def make_agent(tmp_path):
    """make_agent(node, settings): a started Agent that drains when it is told to stop; same=True: one more life of the
    first one's folder and draining file."""
    agents = []

    def make(node, settings=None, ready=True, same=False, **options):
        folder = agents[0].folder if same else tmp_path / f"agent{len(agents)}"
        agents.append(Agent(folder, node, {**QUICK, **(settings or {})}, **options))
        agent = agents[-1].start()
        if ready:
            agent.wait_ready()
        return agent

    yield make
    for agent in agents:
        if agent.process.running():
            agent.process.kill()


@pytest.fixture
def client(served):
    """client(): a session, closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        def connect(**options):
            connection = served.client(**options)
            stack.callback(leave, connection)
            return connection
        yield connect
