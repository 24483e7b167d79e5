"""Part one: one ProxySQL and its agent through a late start, a wedge, a crash and a stop."""
import signal
import time

from agent import PROBES, Agent
from lib.proxysql import APP_USER, Node
from lib.waiting import wait_until
from part import Part
from prober import Prober

WEDGE_S = 4  # of processor time; longer on a busy machine
PROBES_PER_S = 60
ANSWER_WITHIN_S = 1.0  # the kubelet's default timeoutSeconds


class OneNode(Part):
    title = "One ProxySQL and its agent"

    def __init__(self, folder, screen):
        super().__init__(folder, screen)
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

    def processes(self):
        return [("the agent", self.agent.process), ("ProxySQL", self.node.process)]

    # --- tools of the steps

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
            self.screen.reason(reason)

    def show_log(self):
        for line in self.agent.new_log_lines():
            self.screen.log(*line)

    def show(self):
        self.show_probes()
        self.show_log()
        self.reading_time()

    # --- steps

    def introduce(self):
        self.screen.say(f"ProxySQL's admin is on port {self.node.admin_port}, its clients on port "
                        f"{self.node.traffic_port}, the agent's probes on port {self.agent.port}.")
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
        self.reading_time()
        self.show_probes()
        grown = self.node.process.threads() - threads
        held.wait()
        self.screen.held(f"the statement ended after {held.ended - began:.1f} s")
        self.expect("well again", self.ready, 2)
        self.show_log()
        self.tell_probes(began, "since the wedge began")
        self.tell_threads(grown)
        self.reading_time()

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
        self.screen.step("The agent is told to stop (SIGTERM)",
                         "It drains: not ready at once, new clients are served for 5 s and then refused, those that are "
                         "idle are sent away, and when the last one has left ProxySQL is stopped.")
        with self.node.traffic() as client:
            client.login(*APP_USER)
            began = time.monotonic()
            self.agent.process.signal(signal.SIGTERM)
            self.expect("ready answers 503", lambda: self.status("ready") == 503, 2)
            self.expect("live answers 200", lambda: self.status("live") == 200, 2)
            self.expect("new clients are refused", self.node.traffic_refused, 10)
            code = self.agent.process.wait(timeout=20)
        took = time.monotonic() - began
        self.show_log()
        assert code == 0, f"the agent's exit status is {code}"
        assert not self.node.process.running(), "ProxySQL runs on"
        self.screen.held(f"ProxySQL has stopped, and the agent, with exit status 0, after {took:.1f} s")

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
