"""Pooled clients through a balancer while one node is drained: what fails, and how long it takes."""
import collections
import re
import statistics
import threading
import time
from dataclasses import dataclass, field

from figures import Figure
from traffic_site import Applications, Balancer, Database, Site, Trigger, Watch, accepting_over

WARM_S = 3
CLOSED_WITH_S = 0.2  # a port that closed so shortly before ProxySQL's end was not paused
AFTER_S = 1.5  # traffic goes on for so long when the node is gone
LONG_AFTER_S = 3  # the long operations begin so long after the drain
GONE_WITHIN_S = 90

FIGURES = (
    Figure("runs", "runs", "", decimals=0),
    Figure("operations", "operations", "", decimals=0),
    Figure("failed", "failed operations", "", at_most=0, decimals=0),
    Figure("failed_runs", "  runs with a failed one", "", at_most=0, decimals=0),
    Figure("per_10000", "  failed in 10,000", "", decimals=2),
    Figure("stale_writes", "autocommit writes that met a closed connection", "", decimals=0),
    Figure("stale", "stale pooled connections, retried", "", decimals=0),
    Figure("stale_most", "  most of one client in one run", "", at_most=1, decimals=0),
    Figure("drain", "drain began to ProxySQL gone, or maintenance answered: median", "s", decimals=2),
    Figure("drain_most", "  slowest run", "s", decimals=2),
    Figure("over", "accepting over to the same, by the agent's log: median", "s", decimals=2),
    Figure("over_most", "  slowest run", "s", decimals=2),
    Figure("paused", "runs in which the traffic port closed before ProxySQL's end", "", decimals=0),
    Figure("gone", "paused to the same: median", "s", decimals=2),
    Figure("gone_most", "  slowest run", "s", decimals=2),
    Figure("back", "clients on the node again after a maintenance: fewest", "", at_least=1, decimals=0),
    Figure("long", "long operations that ended well, of all", "", at_least=1, decimals=2),
    Figure("moved", "runs in which mysql_variables moved on another node", "", at_most=0, decimals=0),
)


def add_options(parser):
    """The bench's own options."""
    group = parser.add_argument_group("traffic")
    group.add_argument("--runs", type=int, default=3, metavar="N", help="drains to measure (default 3)")
    group.add_argument("--clients", type=int, default=40, metavar="N", help="pooled clients (default 40)")
    group.add_argument("--mode", choices=("satellite", "core"), default="satellite", help="what the drained node is")
    group.add_argument("--peers", choices=("leave", "stay"), default="leave",
                       help="core: whether the others stop polling the node 1 s after the drain began (default leave)")
    group.add_argument("--trigger", choices=("http", "sigterm", "maintenance"), default="http",
                       help="GET /shutdown and then SIGTERM, SIGTERM alone, or a maintenance and its undo with the "
                            "balancer by readiness (default http)")
    group.add_argument("--balancer", choices=("lag", "readiness"), default="lag",
                       help="removed after --lag, or by three failed readiness probes (default lag)")
    group.add_argument("--lag", type=float, default=3, metavar="S", help="(default 3)")
    group.add_argument("--period", type=float, default=5, metavar="S", help="between readiness probes (default 5)")
    group.add_argument("--idle-threads", action="store_true", help="a real ProxySQL is started with --idle-threads")
    group.add_argument("--long", type=int, default=0, metavar="S",
                       help="a transaction and a SELECT SLEEP() of so many seconds are open on the node (default none)")
    group.add_argument("--load-variables", action="store_true",
                       help="a core LOADs MYSQL VARIABLES 1 s after accepting was over")
    group.add_argument("--temporary", choices=("reset", "close", "keep"), default="reset",
                       help="what clients do with a connection that has had a temporary table (default reset)")
    group.add_argument("--drain-timeout", type=int, default=20, metavar="S", help="the agents' (default 20)")
    group.add_argument("--seed", type=int, default=1, metavar="N", help="of the first run; the next has the next")


@dataclass
class Outcome:
    """One drain."""
    total: dict
    errors: list = field(default_factory=list)
    long_done: int = 0
    long_wanted: int = 0
    drain_s: float = None  # of a maintenance: until its answer
    over_s: float = None  # to the same, from when no new clients were wanted any more
    gone_s: float = None  # to the same, from the pause; None when there was none
    answer: str = ""
    exit_code: int = None
    moved: bool = False
    back: int = None  # clients on the node after a maintenance was undone

    @property
    def operations(self):
        return sum(self.total[kind] for kind in ("transaction", "read", "write", "temporary table"))


class Run:
    """One drain under traffic, from fresh nodes on."""

    def __init__(self, folder, settings, database, binary, seed):
        self._settings = settings
        self._site = Site(folder, settings, database)
        self._agent = self._site.agent(binary)
        self._applications = Applications(self._site, settings, seed)
        self._watch = Watch(self._site.drained)
        self._balancer = Balancer(self._applications, self._agent, settings)
        self._trigger = Trigger(self._agent, settings.trigger)
        self._began = None

    def measure(self):
        try:
            return self._measure()
        finally:
            self._watch.stop()
            self._applications.kill()
            self._agent.process.kill()
            self._site.close()

    def _measure(self):
        self._watch.start()
        self._balancer.start()
        time.sleep(WARM_S)
        before = self._site.variables_of_others()
        self._began = time.monotonic()
        self._balancer.drain_begins()
        self._trigger.start()
        self._meanwhile()
        self._wait_ended()
        time.sleep(AFTER_S)
        self._balancer.stop()
        moved = not self._settings.load_variables and self._site.variables_of_others() != before
        back = int(self._site.drained.counter("Client_Connections_connected")) if self._watch.gone is None else None
        return self._judge(self._applications.finish(), moved, back)

    def _meanwhile(self):
        """What happens beside the drain, each at its time."""
        settings = self._settings
        if settings.mode == "core" and settings.peers == "leave":
            self._after(1, self._site.forget_drained)
        if settings.long:
            self._after(LONG_AFTER_S, self._applications.begin_long)
        if settings.load_variables:
            threading.Thread(target=self._load_variables, daemon=True).start()

    @staticmethod
    def _after(seconds, action):
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        timer.start()

    def _accepting_over(self):
        over = accepting_over(self._agent)
        return self._watch.paused is not None or (over is not None and time.monotonic() >= over)

    def _load_variables(self):
        while not self._accepting_over() and self._watch.is_alive():
            time.sleep(0.02)
        time.sleep(1)
        self._site.core.admin("LOAD MYSQL VARIABLES TO RUNTIME")

    def _wait_ended(self):
        """Until the node is gone; of a maintenance: until the balancer has had the time to put it back."""
        after = 2 * self._settings.period if self._settings.trigger == "maintenance" else AFTER_S
        deadline = self._began + GONE_WITHIN_S
        while self._watch.gone is None and time.monotonic() < deadline:
            time.sleep(0.05)
            if self._trigger.ended and time.monotonic() > self._trigger.ended + after:
                break  # it is still there
        self._trigger.join(10)

    def _judge(self, total, moved, back):
        events, watch, trigger = self._applications.events, self._watch, self._trigger
        done = trigger.answered if self._settings.trigger == "maintenance" else watch.gone
        over, paused = accepting_over(self._agent), watch.paused
        if watch.gone and paused and watch.gone - paused < CLOSED_WITH_S:
            paused = None
        return Outcome(
            total=total,
            errors=[event for event in events if event["event"] == "error"],
            long_done=sum(event["event"] == "long" for event in events),
            long_wanted=2 if self._settings.long else 0,
            drain_s=done and done - self._began,
            over_s=done and over and done - over,
            gone_s=done and paused and done - paused,
            answer=trigger.answer,
            exit_code=trigger.exit_code,
            moved=moved,
            back=back)

    def describe_error(self, event):
        """Where and when, for people."""
        where = "drained node" if event["node"] == 0 else "other node"
        return (f"{event['at_ms'] / 1000 - self._began:+.2f} s, {where}, client {event['client']}: "
                f"{event['operation']}, statement {event['statement']} ({event['what']}): "
                f"{event['errno']} {event['text']}")


def _seconds(value):
    return "never" if value is None else f"{value:.2f} s"


def _tell(number, run, outcome):
    total = outcome.total
    print(f"     run {number}: {outcome.operations} operations, {total['failed']} failed, {total['stale write']} stale "
          f"writes, {total['stale']} stale; done after {_seconds(outcome.drain_s)}, "
          f"{_seconds(outcome.over_s)} after accepting was over"
          f"{'' if outcome.gone_s is None else f', {outcome.gone_s:.2f} s after the pause'}; "
          f"answer {outcome.answer or 'none'}, "
          f"exit status {outcome.exit_code}"
          + (f"; {outcome.long_done} of {outcome.long_wanted} long operations" if outcome.long_wanted else "")
          + (f"; {outcome.back} clients on the node" if outcome.back is not None else "")
          + ("; mysql_variables moved on another node" if outcome.moved else ""), flush=True)
    failed = [event for event in outcome.errors if event["verdict"] == "failed"]
    for event in failed[:5]:
        print(f"       {run.describe_error(event)}", flush=True)
    if len(failed) > 5:
        print(f"       and {len(failed) - 5} more", flush=True)


def _tell_kinds(outcomes):
    """Failures by kind, over all runs."""
    kinds = collections.Counter((event["verdict"], event["operation"], re.sub(r"\d+$", "", event["what"]),
                                 event["errno"]) for outcome in outcomes for event in outcome.errors)
    for (verdict, operation, what, number), count in kinds.most_common(12):
        print(f"     {count} x {verdict}: {operation}, {what}: error {number}", flush=True)


def _summary(outcomes):
    drains = [outcome.drain_s if outcome.drain_s is not None else GONE_WITHIN_S for outcome in outcomes]
    over = [outcome.over_s for outcome in outcomes if outcome.over_s is not None]
    gone = [outcome.gone_s for outcome in outcomes if outcome.gone_s is not None]
    operations = sum(outcome.operations for outcome in outcomes)
    failed = sum(outcome.total["failed"] for outcome in outcomes)
    wanted = sum(outcome.long_wanted for outcome in outcomes)
    back = [outcome.back for outcome in outcomes if outcome.back is not None]
    values = {
        "runs": len(outcomes),
        "operations": operations,
        "failed": failed,
        "failed_runs": sum(outcome.total["failed"] > 0 for outcome in outcomes),
        "per_10000": failed * 10000 / operations,
        "stale_writes": sum(outcome.total["stale write"] for outcome in outcomes),
        "stale": sum(outcome.total["stale"] for outcome in outcomes),
        "stale_most": max(outcome.total["stale most"] for outcome in outcomes),
        "drain": statistics.median(drains),
        "drain_most": max(drains),
        "moved": sum(outcome.moved for outcome in outcomes),
    }
    values["paused"] = len(gone)
    if over:
        values |= {"over": statistics.median(over), "over_most": max(over)}
    if gone:
        values |= {"gone": statistics.median(gone), "gone_most": max(gone)}
    if back:
        values["back"] = min(back)
    if wanted:
        values["long"] = sum(outcome.long_done for outcome in outcomes) / wanted
    return values


def measure(lab, binary):
    settings = lab.options
    if settings.trigger == "maintenance":
        settings.balancer = "readiness"
    print(f"     {binary.name}: {settings.mode}, {settings.clients} clients, balancer by {settings.balancer}, "
          f"trigger {settings.trigger}{', idle threads' if settings.idle_threads else ''}", flush=True)
    database = Database(lab.folder())
    outcomes = []
    try:
        for number in range(settings.runs):
            run = Run(lab.folder(), settings, database, binary, settings.seed + number)
            outcomes.append(run.measure())
            _tell(number + 1, run, outcomes[-1])
    finally:
        database.close()
    _tell_kinds(outcomes)
    return _summary(outcomes)
