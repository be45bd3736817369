"""`make bench`: the path of a value, measured beside bare loops of the same libraries.

    make bench BENCH="M2 O3 --seconds 15 --repeats 5"

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

from tests.benchmarks import machine, report
from tests.benchmarks.measure import AGENT, Measured, measure_agent, measure_bare
from tests.benchmarks.processes import ROOT, Cores, RunError
from tests.benchmarks.workloads import WORKLOADS, Workload

PAGES = {"en": "performance.md", "zh": "performance.zh-CN.md"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("workloads", nargs="*", metavar="|".join(WORKLOADS), help="default: all")
    parser.add_argument("--seconds", type=int, default=12, help="length of each window")
    parser.add_argument("--repeats", type=int, default=1, help="rounds; the median counts")
    parser.add_argument("--agent-only", action="store_true", help="no bare loops beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to a file")
    parser.add_argument("--write", action="store_true", help="put the results into docs/")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    unknown = set(args.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(
            f"unknown workload {', '.join(sorted(unknown))}; there is {', '.join(WORKLOADS)}"
        )
    if args.seconds < 1 or args.repeats < 1:
        parser.error("--seconds and --repeats are at least 1")
    args.workloads = [WORKLOADS[name] for name in args.workloads or WORKLOADS]
    return args


def measure(args: argparse.Namespace, console: Console) -> list[list[Measured]]:
    """Make every run: round by round, a workload's programs one after the other."""
    cores = Cores.choose()
    os.sched_setaffinity(0, {cores.rest})
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


def programs(workload: Workload, *, agent_only: bool) -> tuple[str, ...]:
    """Name what is measured under a workload, the agent first."""
    return (AGENT,) if agent_only else (AGENT, *workload.bare)


def _run(workload: Workload, who: str, folder: Path, *, cores: Cores, seconds: float) -> Measured:
    if who == AGENT:
        return measure_agent(workload, folder / AGENT, cores=cores, seconds=seconds)
    return measure_bare(workload, who, folder, cores=cores, seconds=seconds)


def main(arguments: list[str]) -> int:
    """Measure and tell; progress goes to stderr, the table to stdout."""
    args = parse(arguments)
    try:
        facts = machine.facts()
        rounds = measure(args, Console(stderr=True))
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    lines = report.summarize(rounds)
    Console(width=None if sys.stdout.isatty() else 140).print(report.terminal(lines))
    if args.json:
        content = report.as_json(lines, rounds, facts)
        args.json.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    if args.write:
        for lang, name in PAGES.items():
            report.write_page(args.docs / name, report.markdown(lines, facts, lang=lang))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
