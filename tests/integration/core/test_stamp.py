"""What a core's agent makes of ProxySQL's configuration file: once in a life, and nothing is ever lost."""
import json

from lib.cluster import SLOW
from lib.waiting import wait_until

MODULES = ("ADMIN VARIABLES", "MYSQL VARIABLES", "MYSQL SERVERS", "MYSQL USERS", "MYSQL QUERY RULES")


def record(agent):
    """The agent's record of what it stamped; {} while there is none."""
    path = agent.folder / "draining.stamp"
    return json.loads(path.read_text()) if path.exists() else {}


def outcomes(agent):
    return {name: module["outcome"] for name, module in record(agent).get("modules", {}).items()}


def wait_stamped(agent, timeout=5.0, **others):
    """Wait until every module is done, but for others: MYSQL_USERS="left alone"."""
    wanted = {name: others.get(name.replace(" ", "_"), "done") for name in MODULES}
    wait_until(lambda: outcomes(agent) == wanted, timeout * SLOW, f"{outcomes(agent)} become {wanted}")


def test_the_file_becomes_runtime(cores):
    node = cores.add("core-0")
    agent = cores.agent("core-0", relayed=True)
    wait_stamped(agent, MYSQL_QUERY_RULES="left alone")
    changes = [text for text in cores.changes("core-0") if "proxysql_servers" not in text.lower().replace(" ", "_")]
    assert changes == ["LOAD ADMIN VARIABLES FROM CONFIG", "LOAD ADMIN VARIABLES TO RUNTIME",
                       "LOAD MYSQL VARIABLES FROM CONFIG", "LOAD MYSQL VARIABLES TO RUNTIME",
                       "LOAD MYSQL SERVERS FROM CONFIG", "DELETE FROM mysql_servers", "LOAD MYSQL SERVERS FROM CONFIG",
                       "LOAD MYSQL SERVERS TO RUNTIME", "LOAD MYSQL USERS FROM CONFIG", "DELETE FROM mysql_users",
                       "LOAD MYSQL USERS FROM CONFIG", "LOAD MYSQL USERS TO RUNTIME",
                       "LOAD MYSQL QUERY RULES FROM CONFIG"]
    assert node.admin("SELECT hostname FROM runtime_mysql_servers") == (("127.0.0.11",),)
