"""`make bench`: the path of a value, measured beside bare loops of the same libraries.

    make bench BENCH="M2 O3 --seconds 15 --repeats 5"
    make bench BENCH=F
    make bench BENCH="B1 --away 20"

One of F, B1, D, S, G and growth is measured alone and has arguments of its own (`BENCH="B1 -h"`).
Exit codes: 0 measured, 2 wrong arguments or something to measure with is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tests.benchmarks import bus_report, footprint, machine, report, suite
from tests.benchmarks.bus import BUSES, BusMeasured, measure_bus
from tests.benchmarks.drain import D
from tests.benchmarks.gateway import G
from tests.benchmarks.growth import GROWTH
from tests.benchmarks.measure import AGENT, Measured, measure_agent, measure_bare
from tests.benchmarks.outage import B1
from tests.benchmarks.processes import ROOT, Cores, RunError
from tests.benchmarks.starts import S
from tests.benchmarks.workloads import WORKLOADS, Workload

NAMES = (*WORKLOADS, *BUSES)
PAGES = {"en": "performance.md", "zh": "performance.zh-CN.md"}
SUITES = {each.name: each for each in (B1, D, S, G, GROWTH)}
"""What is not a cost per value under a load: each measured alone."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("workloads", nargs="*", metavar="|".join(NAMES), help="default: all")
    parser.add_argument("--seconds", type=int, default=12, help="length of each window")
    parser.add_argument("--repeats", type=int, default=1, help="rounds; the median counts")
    parser.add_argument("--agent-only", action="store_true", help="no bare loops beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to a file")
    parser.add_argument("--write", action="store_true", help="put the results into docs/")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    unknown = set(args.workloads) - set(NAMES)
    if unknown:
        parser.error(
            f"unknown workload {', '.join(sorted(unknown))}; there is {', '.join(NAMES)}, "
            f"and alone F, {', '.join(SUITES)}"
        )
    if args.seconds < 1 or args.repeats < 1:
        parser.error("--seconds and --repeats are at least 1")
    names = args.workloads or NAMES
    args.workloads = [WORKLOADS[name] for name in names if name in WORKLOADS]
    args.buses = [BUSES[name] for name in names if name in BUSES]
    return args


def measure(args: argparse.Namespace, console: Console, *, cores: Cores) -> list[list[Measured]]:
    """Make every run: round by round, a workload's programs one after the other."""
    rounds: list[list[Measured]] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as root:
        for number in range(1, args.repeats + 1):
            runs: list[Measured] = []
            for workload in args.workloads:
                folder = Path(root, f"{workload.name}-{number}")
                folder.mkdir()
                for who in programs(workload, agent_only=args.agent_only):
                    run = _run(workload, who, folder, cores=cores, seconds=args.seconds)
                    runs.append(run)
                    console.print(
                        f"round {number}/{args.repeats}: {workload.name} {who}: "
                        f"{run.cpu_s_per_million:.3g} CPU-s per million, "
                        f"{run.arrived:.1%} arrived, load {machine.load():.1f}",
                        highlight=False,
                    )
            rounds.append(runs)
    return rounds


def measure_buses(args: argparse.Namespace, console: Console, *, cores: Cores) -> list[BusMeasured]:
    """Make every run on a serial line."""
    runs: list[BusMeasured] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as root:
        for number in range(1, args.repeats + 1):
            for bus in args.buses:
                folder = Path(root, f"{bus.name}-{number}")
                run = measure_bus(bus, folder, cores=cores, seconds=args.seconds)
                runs.append(run)
                console.print(
                    f"round {number}/{args.repeats}: {bus.name}: {run.measured_s:.2f} s a round, "
                    f"{run.staleness_s:.2f} s the longest, {run.wrong} wrong of {run.reads}",
                    highlight=False,
                )
    return runs


def programs(workload: Workload, *, agent_only: bool) -> tuple[str, ...]:
    """Name what is measured under a workload, the agent first."""
    return (AGENT,) if agent_only else (AGENT, *workload.bare)


def _run(workload: Workload, who: str, folder: Path, *, cores: Cores, seconds: float) -> Measured:
    if who == AGENT:
        return measure_agent(workload, folder / AGENT, cores=cores, seconds=seconds)
    return measure_bare(workload, who, folder, cores=cores, seconds=seconds)


def main(arguments: list[str]) -> int:
    """Measure and tell; progress goes to stderr, the tables to stdout."""
    first = arguments[0] if arguments else ""
    if first == "F":  # memory and start are not per value: a table of their own
        return footprint.main(arguments[1:])
    if first in SUITES:
        return suite.main(SUITES[first], arguments[1:])
    args = parse(arguments)
    cores = Cores.choose()
    os.sched_setaffinity(0, {cores.rest})
    progress = Console(stderr=True)
    try:
        facts = machine.facts()
        rounds = measure(args, progress, cores=cores) if args.workloads else []
        buses = bus_report.summarize(measure_buses(args, progress, cores=cores))
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    lines = report.summarize(rounds)
    console = Console(width=None if sys.stdout.isatty() else 150)
    if lines:
        console.print(report.terminal(lines))
    if buses:
        console.print(bus_report.terminal(buses))
    if args.json:
        content = report.as_json(lines, rounds, facts) | bus_report.as_json(buses)
        args.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if args.write:
        for lang, name in PAGES.items():
            tables = (report.markdown(lines, lang=lang), bus_report.markdown(buses, lang=lang))
            block = "\n\n".join((*filter(None, tables), report.machine(facts, lang=lang)))
            report.write_page(args.docs / name, block)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
