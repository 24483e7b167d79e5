"""Memory and processor of an agent that nobody asks anything."""
import time

from figures import Figure
from lab import memory_mb, processor_ms

SETTLE_S = 3

FIGURES = (
    Figure("rss", "resident memory", "MB", at_most=10),
    Figure("pss", "proportional share of it", "MB"),
    Figure("processor", "processor time", "ms/s", at_most=0.5, decimals=3),
    Figure("threads", "threads", "", decimals=0),
    Figure("descriptors", "descriptors", "", decimals=0),
)


def measure(lab, binary):
    with lab.pair(binary) as (_, agent):
        pid, seconds = agent.process.pid, lab.seconds(30)
        time.sleep(SETTLE_S)
        before, began = processor_ms(pid), time.monotonic()
        time.sleep(seconds)
        used = (processor_ms(pid) - before) / (time.monotonic() - began)
        rss, pss = memory_mb(pid)
        return {"rss": rss, "pss": pss, "processor": used, "threads": agent.process.threads(),
                "descriptors": agent.process.descriptors()}
