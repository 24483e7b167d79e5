"""Measure the agent beside a ProxySQL and print one table of figures and ratios; docs/benchmarks.md explains it.

PROXYSQL_BIN=/path/to/proxysql measures beside a real one. A missed target is told, never a failure.
"""
import argparse
import importlib
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "integration"), str(HERE)]

import bench_traffic
from figures import rows, write_table
from lab import Lab, machine
from lib.binaries import built, real_proxysql

BENCHES = ("start", "idle", "probes", "protocols", "wedge", "cost", "control", "traffic", "dump", "pods")


def options():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME", choices=BENCHES, action="append",
                        help=f"one of {', '.join(BENCHES)}; may be given several times")
    parser.add_argument("--seconds", metavar="N", type=int,
                        help="how long each measurement goes on (default: 30 idle, 10 probes, 60 wedge and cost)")
    parser.add_argument("--agent", metavar="PATH", type=pathlib.Path, default=built("proxysql-agent"),
                        help="our agent (default: what was built)")
    parser.add_argument("--peer", metavar="PATH", type=pathlib.Path,
                        help="another agent with the same configuration file, measured in the same run")
    bench_traffic.add_options(parser)
    return parser.parse_args()


def run_bench(name, lab, agent, peer):
    bench = importlib.import_module(f"bench_{name}")
    print(f"   {name}: {bench.__doc__.splitlines()[0]}", flush=True)
    ours = bench.measure(lab, agent)
    limits = bench.limits(lab, agent) if hasattr(bench, "limits") else {}
    return rows(name, bench.FIGURES, ours, limits, bench.measure(lab, peer) if peer else {})


def main():
    chosen = options()
    agent, peer = chosen.agent.resolve(), chosen.peer.resolve() if chosen.peer else None
    real = real_proxysql()
    print(f"machine: {machine()}")
    print(f"ProxySQL: {f'real, {real.name}' if real else 'the stand-in'}", flush=True)
    table = []
    with tempfile.TemporaryDirectory(prefix="proxysql-agent-bench-") as folder:
        lab = Lab(folder, chosen)
        for name in chosen.only or BENCHES:
            table += run_bench(name, lab, agent, peer)
    print()
    write_table(table)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
