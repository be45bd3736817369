"""`make test-faults`: every row of the fault matrix, with all its rounds, and one report.

    make test-faults FAULTS="S3 N2 --scale 0.1 --write"

Of R5, a soak of a day, a run of all rows takes ten minutes; the day is had by its name.
Exit codes: 0 every row run holds, 1 one does not, 2 wrong arguments. Ctrl-C ends the row in order:
its mounts, namespaces and processes go with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from faults import recording, report, scale
from faults.matrix import ROOT, Row, rows

LEAST_MIN = 15.0
"""Given to any row: few rounds on a busy machine take their time too."""
PATIENCE_S = 60.0
"""What a row may take to end after Ctrl-C."""


def parse(arguments: list[str], matrix: dict[str, Row]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__.split("\n", 1)[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="S1, N2, …; default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rounds; default 1")
    parser.add_argument("--seed", type=int, help="what all chance comes from; default: chance")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to a file")
    parser.add_argument("--write", action="store_true", help="put the results into docs/")
    parser.add_argument("--list", action="store_true", help="list the rows and end")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if unknown := set(args.rows) - set(matrix):
        parser.error(f"unknown row {', '.join(sorted(unknown))}; there is {', '.join(matrix)}")
    if args.scale <= 0:
        parser.error("--scale is above 0")
    named = bool(args.rows)
    args.shares = {name: args.scale * (1.0 if named else matrix[name].unnamed) for name in matrix}
    args.rows = [matrix[name] for name in args.rows or matrix]
    return args


def run_row(row: Row, *, share: float, seed: int) -> dict:
    """Run the tests of a row in a process of their own; give what became of them."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        result = Path(folder, "result.json")
        environment = os.environ | {
            scale.SCALE: str(share), scale.SEED: str(seed), recording.RESULT: str(result),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-p", "faults.recording", "-p", "no:randomly",
             "-q", "--tb=short", "--show-capture=no", "--basetemp", Path(folder, "tmp"),
             *row.tests],
            cwd=ROOT, env=environment, start_new_session=True,
        )  # fmt: skip
        broken = _ended(process, within_s=60 * max(LEAST_MIN, row.within_min * share))
        try:
            tests = json.loads(result.read_text("utf-8"))
        except FileNotFoundError:
            tests, broken = {}, broken or "pytest ended without a result"
    run = report.provenance() | {
        "share": share, "took_s": round(time.monotonic() - began_s, 1), "tests": tests,
    }  # fmt: skip
    if broken or not tests:
        run["broken"] = broken or "no test was found"
    return run


def _ended(process: subprocess.Popen, *, within_s: float) -> str:
    """Wait for the end of a row; one that takes too long, or Ctrl-C, has it end in order."""
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        _interrupt(process)
        return f"not done within {within_s:.0f} s"
    except KeyboardInterrupt:
        _interrupt(process)
        raise
    return ""


def _interrupt(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def holds(run: dict) -> bool:
    """Tell whether no test of a row failed, and any ran."""
    outcomes = {test["outcome"] for test in run["tests"].values()}
    return "broken" not in run and "failed" not in outcomes


def main(arguments: list[str]) -> int:
    """Run what is asked for; give the exit code."""
    matrix = rows()
    args = parse(arguments, matrix)
    if args.list:
        print("\n".join(f"{row.id:4} {row.fault} / {row.zh}" for row in args.rows))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell has them ignored
        signal.signal(number, signal.default_int_handler)
    seed = random.SystemRandom().randrange(2**32) if args.seed is None else args.seed
    runs: dict[str, dict] = {}
    try:
        for row in args.rows:
            if row.tests:
                print(f"\n== {row.id} {row.fault} / {row.zh} (seed {seed})", flush=True)
                runs[row.id] = run_row(row, share=args.shares[row.id], seed=seed)
            print(f"{row.id}: {report.result_text(row, runs.get(row.id), 'en')}", flush=True)
            _keep(args, matrix, runs)
    except KeyboardInterrupt:
        print("\ninterrupted; what was done is kept / 已中断，已完成的结果已保存", file=sys.stderr)
        return 1
    return 0 if all(holds(run) for run in runs.values()) else 1


def _keep(args: argparse.Namespace, matrix: dict[str, Row], runs: dict[str, dict]) -> None:
    """Write after every row: an evening's work is not lost with the last one."""
    if args.json:
        args.json.write_text(json.dumps(runs, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if args.write:
        report.write(args.docs, matrix, report.read(args.docs) | runs)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
