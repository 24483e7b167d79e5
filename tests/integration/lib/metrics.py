"""/metrics as numbers."""
import re

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics:
    """What one answer of /metrics says."""

    def __init__(self, text):
        self.text = text
        self.samples = {}
        for line in text.splitlines():
            if found := _SAMPLE.match(line):
                labels = frozenset(_LABEL.findall(found[2] or ""))
                self.samples[found[1], labels] = float(found[3])

    def value(self, name, **labels):
        """One sample; 0 when it is not there, as for a counter that never counted."""
        return self.samples.get((f"proxysql_agent_{name}", frozenset(labels.items())), 0)

    def names(self):
        return {name for name, _ in self.samples}

    def limit(self, name):
        return self.value("http_limit_hits_total", limit=name)


def read_metrics(agent, **options):
    return Metrics(agent.ask("/metrics", **options).body.decode())
