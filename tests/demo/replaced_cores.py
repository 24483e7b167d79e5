"""Part two: all cores of a satellite vanish and come back under other addresses."""
import json

from agent import Answer
from clients import Clients
from lib import http_client
from lib.cluster import CHECK_INTERVAL_MS, LOADED, Cluster, stays
from part import Part
from prober import Prober
from service import Service

SERVICE_ADDRESS = "127.0.0.9"
BACKEND, ACCOUNT = "127.0.0.11", "app"
SETTINGS = {"satellite.interval": 2, "satellite.missing_after": 2, "core.bootstrap_hostname": SERVICE_ADDRESS}
LOGINS_PER_S = 20
PROBES_PER_S = 20
STILL_S = 5

WAITING = "waiting for the configuration of a core"
GATE_CLOSED = "the sync gate is closed: this satellite is not ready"
MISSING = "all cores are missing"


class NoHosts:
    """In the place of lib.cluster's Hosts: there is no name to resolve, so no process needs an /etc/hosts of its
    own."""

    launcher = []


def as_field(value):
    """As in a log of text lines."""
    plain = isinstance(value, str) and value and " " not in value
    return value if plain else json.dumps(value)


class ReplacedCores(Part):
    title = "A satellite whose cores are all replaced"

    def __init__(self, folder, screen):
        super().__init__(folder, screen)
        self.cluster = Cluster(folder)
        self.service = Service(SERVICE_ADDRESS, self.cluster.port)
        self.nodes = []
        self.satellite = self.agent = None
        self._lines_shown = 0

    def run(self):
        self.introduce()
        self.satellite_waits()
        self.cores_load()
        clients = Clients(self.satellite, ACCOUNT, ACCOUNT, LOGINS_PER_S)
        prober = Prober(self.agent.port, PROBES_PER_S, ["ready"])
        with clients, prober:
            self.cores_vanish(clients)
            self.cores_return()
            self.nothing_moves()
        self.judge(clients, prober)

    def processes(self):
        agents = [("the agent", self.agent.process)] if self.agent else []
        return agents + [(node.name, node.process) for node in self.nodes]

    # --- tools of the steps

    @property
    def options(self):
        """Of every node: its configuration file names the service alone."""
        return {"hosts": NoHosts, "peers": [(SERVICE_ADDRESS, "the cores' service")]}

    def add_cores(self):
        added = self.cluster.add_cores(2, servers=[BACKEND], accounts=[ACCOUNT], **self.options)
        self.nodes += added
        self.service.lead_to(*(core.address for core in added))

    def expect(self, what, predicate, within_s):
        """The agent's log is shown as it comes."""
        def look():
            self.show_log()
            return predicate()
        super().expect(what, look, within_s)

    def show_log(self):
        records = self.agent.records()
        for record in records[self._lines_shown:]:
            fields = " ".join(f"{key}={as_field(value)}" for key, value in record.items()
                              if key not in ("time", "level", "msg"))
            self.screen.log(record["level"], record["msg"], fields)
        self._lines_shown = len(records)

    def show_probes(self):
        for path in http_client.PROBES:
            answer = self.agent.ask(path)
            self.screen.probe(path.rpartition("/")[2], Answer(answer.status, answer.json, answer.seconds))
        reason = self.agent.ready().json["reason"]
        if reason:
            self.screen.reason(reason)

    def show_members(self, whose, node):
        rows = [("hostname", "port", "comment")]
        rows += [(host, str(port), comment) for host, port, _, comment in node.members()]
        self.screen.table(f"{whose} proxysql_servers", rows)

    def has_cores_list(self):
        return self.satellite.members() == self.cluster.cores[0].members() and self.cluster.settled()

    # --- steps

    def introduce(self):
        self.screen.say(f"Two cores, a satellite with its agent, and the cores' service: {SERVICE_ADDRESS}, which "
                        "leads to whichever core lives, as a ClusterIP does. The satellite's configuration file names "
                        "the service alone.")
        self.screen.say(f"Everything is quick here: ProxySQL checks its cores every {CHECK_INTERVAL_MS} ms, and the "
                        f"agent looks every {SETTINGS['satellite.interval']} s and calls a core missing "
                        f"{SETTINGS['satellite.missing_after']} s after its last good check (by default 10 s "
                        "and 10 s).")

    def satellite_waits(self):
        self.screen.step("The satellite starts, the cores have loaded nothing yet",
                         "Nobody pulls from a ProxySQL that has only just started. The satellite has no users and no "
                         "servers: it runs, but it must get no traffic.")
        self.add_cores()
        self.satellite, = self.cluster.add_satellites(1, **self.options)
        self.nodes.append(self.satellite)
        self.agent = self.cluster.add_agent(self.satellite, SETTINGS)
        self.expect(f'ready is 503: "{WAITING}"', self.waits, 3)
        self.expect("the agent has logged why", lambda: self.agent.records(GATE_CLOSED), 3)
        self.show_probes()
        self.reading_time()

    def waits(self):
        answer = self.agent.ready()
        return answer.status == 503 and answer.json["message"] == WAITING

    def cores_load(self):
        self.screen.step("The cores load their users, their servers and the list of cores",
                         "Now ProxySQL's own cluster sync brings all three to the satellite.")
        self.cluster.load_traffic_modules()
        self.cluster.publish()
        self.expect("ready answers 200", lambda: self.agent.ready().status == 200, 5)
        self.expect("the satellite has the cores' list", self.has_cores_list, 5)
        self.show_probes()
        self.show_members("the satellite's", self.satellite)
        self.reading_time()

    def cores_vanish(self, clients):
        self.screen.step("Both cores are killed",
                         "The satellite knows no other core than these two, and they will not come back. It serves on: "
                         f"from here to the end a client logs in {LOGINS_PER_S} times a second, and readiness is asked "
                         f"{PROBES_PER_S} times a second.")
        self.cluster.lose_cores()
        self.service.lead_to()
        self.reading_time()
        self.tell_clients(clients, "so far")
        self.show_probes()

    def cores_return(self):
        self.screen.step("Two new cores start under other addresses",
                         "The service leads to them, but the satellite's list does not name it any more. The agent "
                         "goes back to the configuration file's list, and so to a core. That makes the "
                         "satellite's list newer than the cores', and cluster sync never replaces a newer one: then "
                         "the agent copies theirs.")
        self.add_cores()
        self.cluster.load_traffic_modules()
        self.cluster.publish()
        self.expect("the agent notices", lambda: self.agent.records(MISSING), 10)
        self.expect("the satellite has the new cores' list", self.has_cores_list, 15)
        self.show_members("a new core's", self.cluster.cores[0])
        self.show_members("the satellite's", self.satellite)

    def nothing_moves(self):
        self.screen.step("Nothing moves afterwards", f"The satellite is watched for {STILL_S} s more.")
        before = len(self.agent.records(LOADED))
        loads = stays(self.satellite.loads, STILL_S, "the satellite's count of LOAD PROXYSQL SERVERS")
        self.show_log()
        assert len(self.agent.records(LOADED)) == before, f"the agent loaded again, {before} times before"
        assert self.has_cores_list(), "the satellite's list is not the cores' any more"
        self.screen.held(f"no LOAD PROXYSQL SERVERS for {STILL_S} s: {loads} since the satellite "
                         f"started, {before} of them the agent's")
        self.screen.held("the satellite's list is still the cores' list")

    # --- what went on all the time

    def tell_clients(self, clients, when):
        failed, took_s = list(clients.failures), list(clients.took_s)
        assert not failed, f"{len(failed)} of {len(failed) + len(took_s)} log-ins failed: {failed[0]!r}"
        assert took_s, "no client logged in"
        self.screen.held(f"{len(took_s)} log-ins on the satellite {when}: 0 failed, the slowest took "
                         f"{max(took_s) * 1000:.0f} ms")

    def judge(self, clients, prober):
        self.screen.step("All in all", "The client and readiness, from the moment the cores were killed.")
        self.tell_clients(clients, "in all")
        other = [sample for sample in prober.samples if sample.status != 200]
        assert not other, f"ready was not 200 in {len(other)} of {len(prober.samples)} answers: {other[0]}"
        self.screen.held(f"ready asked {len(prober.samples)} times: always 200")
