"""What 200 probes a second cost ProxySQL: statements on admin, counted on the wire, and processor time."""
import time

from figures import Figure
from lab import processor_ms
from prober import Prober
from relay import Relay

RATE = 200

FIGURES = (
    Figure("probes", "probes", "/min", decimals=0),
    Figure("statements", "health statements", "/min", at_most=120, decimals=0),
    Figure("globals", "  that read stats_mysql_global", "/min", at_most=6, decimals=0),
    Figure("all", "statements in all", "/min", decimals=0),
    Figure("ours", "our processor time, a connection for each probe", "us a probe", decimals=0),
    Figure("theirs", "ProxySQL's processor time more than unprobed", "ms/s", decimals=2),
)


def _idle(node, seconds):
    before = processor_ms(node.process.pid)
    time.sleep(seconds)
    return (processor_ms(node.process.pid) - before) / seconds


def measure(lab, binary):
    seconds = lab.seconds(60)
    with lab.node() as node, Relay(node.admin_port) as relay, lab.agent(binary, node, relay.port) as agent:
        time.sleep(1)
        idle = _idle(node, 5)
        relay.clear()
        ours, theirs = processor_ms(agent.process.pid), processor_ms(node.process.pid)
        with Prober(agent.port, RATE) as prober:
            time.sleep(seconds)
        minutes = seconds / 60
        return {
            "probes": len(prober.samples) / minutes,
            "statements": relay.count("runtime_mysql_servers") / minutes,
            "globals": relay.count("stats_mysql_global") / minutes,
            "all": relay.count("") / minutes,
            "ours": (processor_ms(agent.process.pid) - ours) * 1000 / len(prober.samples),
            "theirs": (processor_ms(node.process.pid) - theirs) / seconds - idle,
        }
