"""Agents for the tests: stopped at the end of each, which checks that they end well."""
import json
import signal

import pytest

from lib.agent import Agent, nested


class ReloadedAgent(Agent):
    """An agent whose configuration file is written anew while it runs."""

    @property
    def config_path(self):
        return self.folder / "agent.yaml"

    def write(self, settings):
        """The file from now on, these settings beside the first ones; None takes one away. Nothing is reloaded yet."""
        merged = {key: value for key, value in {**self.settings, **settings}.items() if value is not None}
        new = self.folder / "agent.new"
        new.write_text(json.dumps(nested(merged), indent=2))
        new.rename(self.config_path)

    def reload(self, settings=None, msg="configuration reloaded", number=signal.SIGHUP):
        """Write the file, ask for a reload by a signal and wait for the record of its end, which is returned."""
        if settings is not None:
            self.write(settings)
        before = len(self.records(msg))
        self.process.signal(number)
        return self.wait_record(msg, before + 1)


@pytest.fixture
def agent_class():
    return ReloadedAgent
