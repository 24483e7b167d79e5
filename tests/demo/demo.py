"""Watch proxysql-agent: beside one ProxySQL, healing a satellite, and cores that come and go; about a minute.

PROXYSQL_BIN=/path/to/proxysql shows it on a real one. Exit status 1: something did not happen as it should.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "integration"), str(TESTS / "bench")]

from cores_in_kubernetes import CoresInKubernetes
from lib.binaries import built, real_proxysql
from one_node import OneNode
from part import FAILURES
from replaced_cores import ReplacedCores
from screen import Screen

PARTS = {"one": OneNode, "cluster": ReplacedCores, "cores": CoresInKubernetes}


def introduce(screen):
    version = subprocess.run([built("proxysql-agent"), "--version"], capture_output=True, text=True, check=True)
    real = real_proxysql()
    kind = f"the real {real}" if real else "a stand-in (PROXYSQL_BIN=/path/to/proxysql: a real one)"
    screen.say(f"{version.stdout.strip()}; ProxySQL is {kind}.")


def show_failure(screen, part, error):
    screen.failed(error)
    for title, process in part.processes():
        if process:
            print(f"\n   the end of the log of {title}:")
            for line in process.log().splitlines()[-15:]:
                print(f"      {line}")


def show(screen, folder, name):
    """Whether all of the part happened as it should."""
    part = PARTS[name](folder / name, screen)
    screen.heading(part.title)
    try:
        part.run()
    except FAILURES as error:
        show_failure(screen, part, error)
        return False
    finally:
        part.close()
    return True


def show_all(names):
    """The exit status."""
    screen = Screen()
    try:
        introduce(screen)
    except FileNotFoundError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="proxysql-agent-demo-") as folder:
        for name in names:
            if not show(screen, pathlib.Path(folder), name):
                return 1
    print(f"\n   Done in {time.monotonic() - screen.began:.0f} s. The tests prove more: ./dev test", flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, help="show only this part")
    chosen = parser.parse_args().part
    return show_all([chosen] if chosen else list(PARTS))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
