"""What the demo prints."""
import os
import shutil
import sys
import textwrap
import time


class Screen:
    """Plain lines; colour only on a terminal."""

    COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}

    def __init__(self):
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        self.began = time.monotonic()
        self.steps = 0

    def paint(self, colour, text):
        return f"\x1b[{self.COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def wrapped(self, text, first, rest, colour=None):
        """text behind a label; what does not fit goes on under rest."""
        lines = textwrap.wrap(text, max(self.width - len(rest), 30), break_on_hyphens=False) or [""]
        for label, line in zip([first] + [rest] * len(lines), lines):
            print(label + (self.paint(colour, line) if colour else line), flush=True)

    def heading(self, text):
        print(f"\n{self.paint('bold', '== ' + text)}", flush=True)

    def step(self, title, text):
        self.steps += 1
        head = f"{self.steps}. {title}"
        clock = f"{time.monotonic() - self.began:.1f} s"
        print(f"\n{self.paint('bold', head)}{clock:>{max(self.width - len(head), 8)}}", flush=True)
        self.say(text)

    def say(self, text):
        self.wrapped(text, "   ", "   ")

    def held(self, text):
        self.wrapped(text, "   " + self.paint("green", "ok") + "  ", "       ")

    def probe(self, name, answer):
        colour = {None: "red", 200: "green"}.get(answer.status, "yellow")
        if answer.status == 200 and answer.body.get("degraded"):
            colour = "yellow"
        status = self.paint(colour, answer.status or "---")
        self.wrapped(telling(answer), f"      {name:<8}{status}  {answer.took_s * 1000:5.1f} ms  ", " " * 29)

    def reason(self, text):
        self.wrapped(text, "      reason  ", " " * 14)

    def table(self, title, rows):
        """rows of text under the title, the first one names the columns."""
        print(f"      {title}")
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for number, row in enumerate(rows):
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip()
            print(" " * 14 + (line if number else self.paint("dim", line)), flush=True)

    def failed(self, text):
        print(f"\n   {self.paint('red', 'FAILED')}  {text}", flush=True)

    def log(self, level, message, fields):
        first = f"      {self.paint('dim', 'agent')}   {level:<5} "
        self.wrapped(message, first, " " * 20)
        if fields:
            self.wrapped(fields, " " * 20, " " * 20, "dim")


def telling(answer):
    """The part of a probe's body that matters."""
    body = answer.body
    if answer.status is None:
        return answer.error
    parts = [body.get("message", "")]
    backends = body.get("backends", {})
    if answer.status == 200 and backends:
        parts[0] += f" ({backends['online']} of {backends['total']})"
    if body.get("degraded"):
        parts.append(f"degraded for {body['since_s']} s")
    return ", ".join(parts)
