"""proxysql-agentctl, as its user runs it."""
import json
import subprocess

from lib.agent import SLOW, clean_environment
from lib.binaries import built


def run(*words, agent=None, env=None, timeout=20.0):
    """Run it to its end: a CompletedProcess with texts. agent: whose socket; None: the default places."""
    where = ["--socket", str(agent.socket)] if agent else []
    return subprocess.run([built("proxysql-agentctl"), *where, *words], text=True, stdin=subprocess.DEVNULL,
                          env=clean_environment(**(env or {})), capture_output=True, timeout=timeout * SLOW, check=False)


def ask(agent, *words):
    """The JSON result of a command that must succeed."""
    done = run(*words, "--output", "json", agent=agent)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def job(agent, kind):
    """What `jobs` tells of a kind."""
    return next(found for found in ask(agent, "jobs")["jobs"] if found["kind"] == kind)
