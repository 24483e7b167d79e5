"""Part three: cores with agents, their pods in a stand-in for the Kubernetes API."""
import itertools

from lib.cluster import LOADED, Cluster, stays
from lib.kube import FakeKube
from part import Part
from replaced_cores import NoHosts
from service import Service

SERVICE_ADDRESS = "127.0.0.9"
BACKEND, OLD_USERS, NEW_USERS = "127.0.0.11", ["app"], ["app", "app2"]
SATELLITE = {"satellite.interval": 2, "satellite.missing_after": 2, "core.bootstrap_hostname": SERVICE_ADDRESS}
WITHIN_S = 12  # what cluster sync and a satellite's agent need, many times over
STILL_S = 2


class CoresInKubernetes(Part):
    title = "Cores in Kubernetes: they come, go, and bring another configuration"

    def __init__(self, folder, screen):
        super().__init__(folder, screen)
        self.cluster = Cluster(folder)
        self.service = Service(SERVICE_ADDRESS, self.cluster.port)
        kube_folder = folder / "kube"
        kube_folder.mkdir()
        self.kube = FakeKube(kube_folder)
        self.cores, self.agents, self.satellites = {}, {}, {}
        self._ended = []
        self._shown = {}

    def run(self):
        self.cores_start()
        self.a_satellite_joins()
        self.one_core_is_replaced()
        self.an_old_agent_is_restarted()
        self.both_are_replaced()
        self.nothing_moves()

    def processes(self):
        nodes = {**self.cores, **self.satellites}
        return [(f"the agent of {name}", agent.process) for name, agent in self.agents.items()] + \
            [(name, node.process) for name, node in nodes.items()] + self._ended

    def close(self):
        super().close()
        self.kube.close()
        self.service.lead_to()

    # --- tools of the steps

    @property
    def options(self):
        return {"hosts": NoHosts, "peers": [(SERVICE_ADDRESS, "the cores' service")]}

    def start_core(self, name, accounts):
        """A ProxySQL on a new address, its pod, and its agent."""
        node, = self.cluster.add_cores(1, servers=[BACKEND], accounts=accounts, **self.options)
        self.cores[name] = node
        self.service.lead_to(*(core.address for core in self.cores.values()))
        self.kube.put_pod(name, "core", node.address)
        self.start_agent(name)

    def start_agent(self, name, again=None):
        settings = {"run_mode": "core", "core.interval": 1, "core.accept_interval": 1,
                    "core.bootstrap_hostname": SERVICE_ADDRESS, "kubernetes.api_server": self.kube.url,
                    "kubernetes.token_file": str(self.kube.token_file),
                    "kubernetes.ca_file": str(self.kube.ca_file)}
        if again:
            settings["shutdown.draining_file"] = again.settings["shutdown.draining_file"]
        self.agents[name] = self.cluster.add_agent(self.cores[name], settings, env={"POD_NAME": name})
        self._shown[name] = 0

    def end_core(self, name):
        """The pod is gone, and all that was in it."""
        node, agent = self.cores.pop(name), self.agents.pop(name)
        for process in (agent.process, node.process):
            process.kill()
        self._ended += [(f"the old agent of {name}", agent.process)]
        self.service.lead_to(*(core.address for core in self.cores.values()))
        self.kube.delete_pod(name)

    def show_log(self):
        """What the agents have loaded, and why: what has one reason in one line."""
        for name, agent in self.agents.items():
            records = agent.records()
            loads = [(record["reason"], record["msg"].removeprefix("LOAD ").removesuffix(" TO RUNTIME"))
                     for record in records[self._shown[name]:] if record["msg"].startswith("LOAD ")]
            for reason, group in itertools.groupby(loads, lambda load: load[0]):
                self.screen.log(name, f"LOAD {', '.join(module for _, module in group)} TO RUNTIME", reason)
            self._shown[name] = len(records)

    def expect(self, what, predicate, within_s):
        def look():
            self.show_log()
            return predicate()
        super().expect(what, look, within_s)

    def show_members(self, whose, node):
        rows = [("hostname", "port", "comment")]
        rows += [(host, str(port), comment) for host, port, _, comment in node.members()]
        self.screen.table(f"{whose} proxysql_servers", rows)

    def nodes(self):
        return [*self.cores.values(), *self.satellites.values()]

    def all_have_the_living(self):
        wanted = sorted((node.address, str(self.cluster.port), "0", name) for name, node in self.cores.items())
        return all(node.members() == wanted for node in self.nodes())

    def all_have_users(self, users):
        return all({name for name, in node.admin("SELECT username FROM runtime_mysql_users")} == set(users)
                   for node in self.nodes())

    def expect_all(self, users):
        self.expect("every node has exactly the living cores", self.all_have_the_living, WITHIN_S)
        self.expect(f"every node has the users {', '.join(users)}", lambda: self.all_have_users(users), WITHIN_S)

    def modules(self):
        names = ("proxysql_servers", "mysql_users", "mysql_servers_v2")
        return [node.module(name) for node in self.nodes() for name in names]

    # --- steps

    def cores_start(self):
        self.screen.step("Two cores start, each with its agent",
                         f"Their configuration files name the cores' service alone ({SERVICE_ADDRESS}). Each agent sees "
                         "the pods and writes exactly these, and loads the file of its ProxySQL, which is new.")
        for name in ("core-0", "core-1"):
            self.start_core(name, OLD_USERS)
        self.expect("every core's file is stamped",
                    lambda: all(node.module("mysql_users")[0] > 1 for node in self.cores.values()), WITHIN_S)
        self.expect_all(OLD_USERS)
        self.show_members("core-0's", self.cores["core-0"])
        self.reading_time()

    def a_satellite_joins(self):
        self.screen.step("A satellite joins",
                         "It has no users and no servers. A core accepts it when it LOADs its list after the satellite "
                         "came: that is asked for once, however many come.")
        node, = self.cluster.add_satellites(1, **self.options)
        self.satellites["satellite-0"] = node
        self.agents["satellite-0"] = self.cluster.add_agent(node, SATELLITE)
        self._shown["satellite-0"] = 0
        self.kube.put_pod("satellite-0", "satellite", node.address)
        self.expect_all(OLD_USERS)
        self.expect("it is ready", lambda: self.agents["satellite-0"].ready().status == 200, WITHIN_S)
        self.reading_time()

    def one_core_is_replaced(self):
        self.screen.step("core-1 is replaced, under a new address",
                         f"Its new file has one user more ({NEW_USERS[-1]}): a rollout has begun. The new ProxySQL's "
                         "file is stamped, so it is the newest there is and everybody pulls it.")
        self.end_core("core-1")
        self.start_core("core-1", NEW_USERS)
        self.expect_all(NEW_USERS)
        self.show_members("core-0's", self.cores["core-0"])

    def an_old_agent_is_restarted(self):
        self.screen.step("The agent of core-0 is killed and starts again",
                         "Its ProxySQL still has the old file. An agent that stamped it again would take the whole "
                         "cluster back.")
        before = self.modules()
        old = self.agents["core-0"]
        old.process.kill()
        self._ended.append(("the killed agent of core-0", old.process))
        self.start_agent("core-0", again=old)
        self.agents["core-0"].wait_record("the admin interface answers", timeout=5)
        assert stays(self.modules, STILL_S, "modules") == before, "something was loaded"
        self.screen.held(f"nothing was loaded for {STILL_S} s, anywhere")

    def both_are_replaced(self):
        self.screen.step("Both cores are replaced at once",
                         "None of the satellite's list lives any more: its agent finds the new ones.")
        for name in ("core-0", "core-1"):
            self.end_core(name)
        for name in ("core-0", "core-1"):
            self.start_core(name, NEW_USERS)
        self.expect_all(NEW_USERS)
        self.show_members("the satellite's", self.satellites["satellite-0"])

    def nothing_moves(self):
        self.screen.step("Nothing moves afterwards", f"All nodes are watched for {STILL_S} s more.")
        stays(self.modules, STILL_S, "modules")
        assert self.all_have_the_living() and self.all_have_users(NEW_USERS), "a node has something else now"
        loads = sum(len(agent.records(LOADED)) for name, agent in self.agents.items() if name.startswith("core"))
        self.screen.held(f"no LOAD of any module for {STILL_S} s; the new cores' agents have published their list "
                         f"{loads} times in all")
