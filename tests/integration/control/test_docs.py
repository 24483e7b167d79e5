"""What is written about the control interface is what it does."""
import json
import shutil
import subprocess

import jsonschema
import pytest

from lib import ctl
from lib.binaries import ROOT, built

PAGES = {"agent": "proxysql-agent.8", "agentctl": "proxysql-agentctl.1", "yaml": "proxysql-agent.yaml.5"}
WRITE_MAN = built("proxysql-agent").parent.parent / "man" / "write_man"


@pytest.mark.parametrize("page, file", PAGES.items())
def test_manual_pages_are_what_the_tables_say(page, file):
    written = subprocess.run([WRITE_MAN, page], capture_output=True, text=True, check=True).stdout
    assert written == (ROOT / "docs" / "man" / file).read_text(), "run ./dev docs"


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
@pytest.mark.parametrize("file", PAGES.values())
def test_manual_pages_are_good_roff(file):
    done = subprocess.run(["mandoc", "-T", "lint", ROOT / "docs" / "man" / file], capture_output=True, text=True,
                          check=False)
    assert done.stdout == "" and done.returncode == 0, done.stdout


def test_help_fits_the_screen_and_names_each_command():
    done = ctl.run("help")
    commands = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ") and line[2] != "-"]
    assert len(commands) == 17 and max(map(len, done.stdout.splitlines())) <= 80, done.stdout
    for command in commands[:-2]:
        one = ctl.run("help", command)
        assert one.returncode == 0 and f"proxysql-agentctl [OPTION]... {command}" in one.stdout
        assert ctl.run(command, "--help").stdout == one.stdout
        assert max(map(len, one.stdout.splitlines())) <= 80, one.stdout
        assert "Ctrl-C: " in one.stdout and "Who may: " in one.stdout


@pytest.fixture(scope="module")
def schema():
    found = json.loads((ROOT / "docs" / "status.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_status_is_what_the_schema_says(satellite, schema):
    status = ctl.ask(satellite, "status")
    schema.validate(status)
    for key in schema.schema["required"]:
        without = {name: value for name, value in status.items() if name != key}
        assert not schema.is_valid(without), f"{key} may be left out"


def test_status_of_an_agent_without_proxysql(make_agent, fresh_node, schema):
    fresh_node.kill()
    agent = make_agent(fresh_node, {"run_mode": "core", "kubernetes.api_server": "http://127.0.0.1:1"})
    status = ctl.ask(agent, "status")
    schema.validate(status)
    assert status["cluster"]["known"] is False and status["health"]["admin"] == "refused"
    assert ctl.run("status", agent=agent).returncode == 0
