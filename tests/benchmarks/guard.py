"""`make bench-guard`: has a step of a value's path become dearer since the figures that landed?

    make bench-guard
    make bench-guard GUARD="--write"

Exit codes: 0 no step grew, 1 a step grew beyond tolerance (it is named), 2 it cannot be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import guard_count, machine
from tests.benchmarks.processes import ROOT, RunError

if TYPE_CHECKING:
    from collections.abc import Mapping

LANDED = ROOT / "tests" / "benchmarks" / "guard.json"
YARDSTICK = "yardstick"
TOLERANCE = {"instructions": 0.05, "foreign": 0.25, "time": 0.40}
"""How much dearer a step may be: counted as the landed figures were, counted with another Python or
library (as multiples of the yardstick), timed (likewise)."""
METHODS = ("instructions", "time")


def compare(
    landed: Mapping[str, float], now: Mapping[str, float], *, tolerance: float
) -> dict[str, float]:
    """Give what grew beyond the tolerance, and by what factor; a step without a figure did, too."""
    factors = {name: now[name] / landed[name] if name in landed else 0.0 for name in now}
    gone = {name: 0.0 for name in landed if name not in now}
    return {n: f for n, f in factors.items() if f > 1 + tolerance or not f} | gone


def in_yardsticks(figures: Mapping[str, float]) -> dict[str, float]:
    """Tell figures as multiples of the yardstick, and leave the yardstick out."""
    unit = figures[YARDSTICK]
    return {name: value / unit for name, value in figures.items() if name != YARDSTICK}


def judged(
    landed: Mapping[str, Any], now: Mapping[str, float], *, method: str
) -> tuple[dict[str, float], dict[str, float], float]:
    """Give the landed figures and those of now in one unit, and the tolerance that goes with it."""
    before = landed[method]
    if method == "instructions" and landed["belongs to"] == guard_count.belongs_to():
        names = [name for name in before if name != YARDSTICK]
        mine = {name: value for name, value in now.items() if name != YARDSTICK}
        return {name: before[name] for name in names}, mine, TOLERANCE["instructions"]
    kind = "foreign" if method == "instructions" else "time"
    return in_yardsticks(before), in_yardsticks(now), TOLERANCE[kind]


def table(before: Mapping[str, float], now: Mapping[str, float], grew: Mapping[str, float]) -> str:
    """Word every step for the terminal."""
    lines = [f"{'step':<16}{'landed':>12}{'now':>12}{'factor':>9}"]
    for name, value in now.items():
        was = before.get(name)
        factor = "" if was is None else f"{value / was:.3f}"
        mark = "  <- grew" if name in grew else ""
        known = "none" if was is None else f"{was:.4g}"
        lines.append(f"{name:<16}{known:>12}{value:>12.4g}{factor:>9}{mark}")
    return "\n".join(lines)


def measured(method: str, *, slow: str = "") -> dict[str, float]:
    """Measure every step by a method."""
    return (
        guard_count.count(slow=slow) if method == "instructions" else guard_count.timed(slow=slow)
    )


def write(path: Path) -> None:
    """Renew the landed figures: by every method that is to be had here."""
    methods = METHODS if guard_count.can_count() else METHODS[1:]
    content: dict[str, Any] = {
        "commit": machine.commit(),
        "belongs to": guard_count.belongs_to(),
    } | {method: {n: round(v, 5) for n, v in measured(method).items()} for method in methods}
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(f"written: {path}")


def main(arguments: list[str]) -> int:
    """Compare and tell."""
    parser = argparse.ArgumentParser(prog="make bench-guard", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--write", action="store_true", help="renew the landed figures")
    parser.add_argument("--method", choices=METHODS, help="default: instructions, if it can be")
    parser.add_argument("--landed", type=Path, default=LANDED, help=argparse.SUPPRESS)
    parser.add_argument("--slow", default="", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    try:
        if args.write:
            write(args.landed)
            return 0
        return _guard(args)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2


def _guard(args: argparse.Namespace) -> int:
    landed = json.loads(args.landed.read_text("utf-8"))
    able = guard_count.can_count() and "instructions" in landed
    method = args.method or ("instructions" if able else "time")
    if method == "instructions" and not able:
        raise RunError("no callgrind here (apt-get install valgrind gcc), or none in the figures")
    before, now, tolerance = judged(landed, measured(method, slow=args.slow), method=method)
    grew = compare(before, now, tolerance=tolerance)
    same = tolerance == TOLERANCE["instructions"]
    unit = "instructions per value" if same else "multiples of the yardstick"
    print(f"{unit}, by {method}; landed at {landed['commit']}, tolerance {tolerance:.0%}")
    print(table(before, now, grew))
    for name, factor in grew.items():
        said = f"{name} costs {factor:.2f} times what it did" if factor else f"{name} has no pair"
        print(said, file=sys.stderr)
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
