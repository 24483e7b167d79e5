"""From exec to the first answer of a probe, and to the first ready; ProxySQL runs already. Median of 20 starts."""
import os
import statistics
import subprocess
import time

from agent import Agent
from figures import Figure

STARTS = 20
STEP_S = 0.0002

FIGURES = (
    Figure("answer", "exec to first probe answer (limit: --version)", "ms", at_most=40),
    Figure("answer_min", "  fastest of 20", "ms"),
    Figure("answer_max", "  slowest of 20", "ms"),
    Figure("ready", "exec to first ready", "ms"),
)


def _until(agent, began, probe, accepts):
    while not accepts(agent.ask(probe, timeout=1).status):
        assert time.monotonic() - began < 20, f"no good answer to {probe}: {agent.process.log()[-2000:]}"
        time.sleep(STEP_S)
    return (time.monotonic() - began) * 1000


def measure(lab, binary):
    answers, readies = [], []
    with lab.node() as node:
        for _ in range(STARTS):
            agent = Agent(lab.folder(), node, binary)
            began = time.monotonic()
            agent.start()
            answers.append(_until(agent, began, "live", lambda status: status is not None))
            readies.append(_until(agent, began, "ready", lambda status: status == 200))
            agent.process.kill()
    return {"answer": statistics.median(answers), "answer_min": min(answers), "answer_max": max(answers),
            "ready": statistics.median(readies)}


def limits(_lab, binary):
    """A start that does nothing: fork as for the agent, exec, dynamic linking, exit."""
    took = []
    for _ in range(STARTS):
        began = time.monotonic()
        subprocess.run([binary, "--version"], stdout=subprocess.DEVNULL, check=True, preexec_fn=os.getpid)
        took.append((time.monotonic() - began) * 1000)
    return {"answer": statistics.median(took), "answer_min": min(took), "answer_max": max(took)}
