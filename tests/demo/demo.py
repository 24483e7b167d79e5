"""Watch proxysql-agent beside one ProxySQL through a late start, a wedge, a crash and a stop; about 20 s.

PROXYSQL_BIN=/path/to/proxysql shows it on a real one. Exit status 1: something did not happen as it should.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

import pymysql

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "bench")]

from agent import PROBES, Agent
from lib.proxysql import APP_USER, Node
from lib.waiting import wait_until
from prober import Prober

WEDGE_S = 4  # of processor time; longer on a busy machine
PROBES_PER_S = 60
ANSWER_WITHIN_S = 1.0  # the kubelet's default timeoutSeconds
READING_S = 2.0  # a step's last lines stand this long


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


class Demo:
    """The steps, in order; each raises AssertionError when what it waits for does not come."""

    def __init__(self, folder, screen):
        self.screen = screen
        self.node = Node(folder / "proxysql")
        self.agent = Agent(folder / "agent", self.node)
        self.prober = Prober(self.agent.port, PROBES_PER_S)

    def run(self):
        self.introduce()
        self.agent_first()
        with self.prober:
            self.proxysql_comes_up()
            self.wedge()
            self.crash()
            self.restart()
        self.stop()
        self.judge_probes()

    # --- tools of the steps

    def expect(self, what, predicate, within_s):
        began = time.monotonic()
        wait_until(predicate, within_s, what)
        self.screen.held(f"{what} (after {time.monotonic() - began:.2f} s, allowed {within_s} s)")

    def status(self, name):
        return self.agent.ask(name).status

    def ready(self):
        answer = self.agent.ask("ready")
        return answer.status == 200 and not answer.body["degraded"]

    def degraded(self):
        return self.agent.ask("ready").body.get("degraded")

    def show_probes(self):
        answers = {name: self.agent.ask(name) for name in PROBES}
        for name, answer in answers.items():
            self.screen.probe(name, answer)
        reason = answers["ready"].body.get("reason")
        if reason:
            self.screen.wrapped(reason, "      reason  ", " " * 14)

    def show_log(self):
        for line in self.agent.new_log_lines():
            self.screen.log(*line)

    def show(self):
        self.show_probes()
        self.show_log()
        time.sleep(READING_S)

    # --- steps

    def introduce(self):
        version = subprocess.run([self.agent.binary, "--version"], capture_output=True, text=True, check=True)
        kind = "a stand-in (PROXYSQL_BIN=/path/to/proxysql: a real one)"
        if self.node.real:
            kind = f"the real {self.node.real}"
        self.screen.say(f"{version.stdout.strip()}, probes on port {self.agent.port}, beside one ProxySQL: {kind}, "
                        f"admin on port {self.node.admin_port}, clients on port {self.node.traffic_port}.")
        self.screen.say("Below: what is done, what the three probes answer (status, time, message), and the agent's "
                        "own log lines.")

    def agent_first(self):
        self.screen.step("The agent starts, ProxySQL is not there yet",
                         "Both containers of a pod start together. The probes answer from the first moment and say "
                         "why.")
        self.agent.start()
        self.expect("a probe is answered", lambda: self.status("live"), 2)
        self.expect("started 502, ready 503, live 503",
                    lambda: [self.status(name) for name in PROBES] == [502, 503, 503], 2)
        self.show()

    def proxysql_comes_up(self):
        self.screen.step("ProxySQL starts", "Two backends, one user. The agent finds it by itself.")
        self.node.start()
        self.expect("ready answers 200", self.ready, 3)
        self.show()

    def wedge(self):
        self.screen.step("A slow statement wedges ProxySQL's admin interface",
                         "For some seconds it holds the admin mutex: every other statement hangs, while clients are "
                         "served. The pod must neither leave the service nor be killed for that.")
        self.node.loops_per_second()
        threads, began = self.node.quiet_threads(), time.monotonic()
        held = self.node.wedge(WEDGE_S)
        self.expect("ready says degraded, still 200", self.degraded, 3)
        self.show_log()
        self.client_is_served()
        time.sleep(READING_S)
        self.show_probes()
        grown = self.node.process.threads() - threads
        held.wait()
        self.screen.held(f"the statement ended after {held.ended - began:.1f} s")
        self.expect("well again", self.ready, 2)
        self.show_log()
        self.tell_probes(began, "since the wedge began")
        self.tell_threads(grown)
        time.sleep(READING_S)

    def tell_threads(self, grown):
        """One is the slow statement's."""
        assert grown <= 3, f"ProxySQL has {grown} threads more during the wedge, allowed 3"
        self.screen.held(f"ProxySQL's threads meanwhile: {grown:+} (allowed +3: the slow statement's and two of the "
                         "agent), however many probes come")

    def client_is_served(self):
        began = time.monotonic()
        with self.node.traffic() as client:
            client.login(*APP_USER)
        self.screen.held(f"a client logs in on the traffic port meanwhile ({(time.monotonic() - began) * 1000:.1f} ms)")

    def crash(self):
        self.screen.step("ProxySQL is killed (kill -9)", "Now nobody is there, and every probe says so.")
        self.node.kill()
        self.expect("started 502, ready 503, live 503",
                    lambda: [self.status(name) for name in PROBES] == [502, 503, 503], 2)
        self.show()

    def restart(self):
        self.screen.step("ProxySQL comes back", "The agent goes on and knows this as a new life of ProxySQL.")
        self.node.start()
        self.expect("ready answers 200", self.ready, 3)
        wait_until(lambda: "lives=2" in self.agent.process.log(), 2, "the agent logs a second life")
        self.show()

    def stop(self):
        self.screen.step("The agent is told to stop (SIGTERM)", "It ends by itself and cleanly, ProxySQL runs on.")
        began = time.monotonic()
        self.agent.process.signal(signal.SIGTERM)
        code = self.agent.process.wait(timeout=10)
        took = time.monotonic() - began
        self.show_log()
        assert code == 0, f"the agent's exit status is {code}"
        assert took < 2, f"stopping took {took:.1f} s"
        self.screen.held(f"exit status 0 after {took * 1000:.0f} ms (allowed 2 s)")
        assert self.node.value("SELECT 1") == "1", "ProxySQL does not answer"
        self.screen.held("ProxySQL still answers")

    # --- the probes that were asked all the time

    def tell_probes(self, since, when):
        samples = self.prober.since(since)
        silent = [sample for sample in samples if sample.status is None]
        assert not silent, f"{len(silent)} of {len(samples)} probes were not answered: {silent[0].body.decode()}"
        slowest = max(sample.took_s for sample in samples)
        assert slowest <= ANSWER_WITHIN_S, f"the slowest probe took {slowest:.2f} s, allowed {ANSWER_WITHIN_S} s"
        self.screen.held(f"{len(samples)} probes ({PROBES_PER_S}/s) {when}: all answered, the slowest in "
                         f"{slowest * 1000:.0f} ms (allowed {ANSWER_WITHIN_S * 1000:.0f} ms)")

    def judge_probes(self):
        self.screen.step("All in all", "The probes were asked all the time beside what you saw.")
        self.tell_probes(0, "in all")


def show_failure(screen, demo, error):
    print(f"\n   {screen.paint('red', 'FAILED')}  {error}", flush=True)
    for title, process in (("agent", demo.agent.process), ("ProxySQL", demo.node.process)):
        if process:
            print(f"\n   the end of the log of the {title}:")
            for line in process.log().splitlines()[-15:]:
                print(f"      {line}")


def stop_all(demo):
    for process in (demo.agent.process, demo.node.process):
        if process and process.running():
            process.kill()


def show(screen, folder):
    """The exit status."""
    try:
        demo = Demo(folder, screen)
    except FileNotFoundError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    try:
        demo.run()
    except (AssertionError, OSError, subprocess.SubprocessError, pymysql.Error) as error:
        show_failure(screen, demo, error)
        return 1
    finally:
        stop_all(demo)
    print(f"\n   Done in {time.monotonic() - screen.began:.0f} s. The tests prove more: ./dev test", flush=True)
    return 0


def main():
    with tempfile.TemporaryDirectory(prefix="proxysql-agent-demo-") as folder:
        return show(Screen(), pathlib.Path(folder))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
