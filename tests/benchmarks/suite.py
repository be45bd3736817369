"""What the suites beside the per-value table share: a running agent, arguments, tables, results.

A suite measures one question of its own (an outage, a drain, a start, growth, a small gateway). It
gives rows; this module words them for the terminal, both pages and a file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

from rich.console import Console

from tests.benchmarks import machine, report
from tests.benchmarks.footprint import configured
from tests.benchmarks.processes import ROOT, Cores, RunError, started
from tests.benchmarks.receiver import Receiver
from tests.benchmarks.servers import broker, machines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.benchmarks.footprint import Half

PAGES = {"en": "performance-suites.md", "zh": "performance-suites.zh-CN.md"}
FIGURES = "performance.json"
START_S = 120.0
"""Longest wait for all values of a start, on a busy machine."""
_OPENER = build_opener(ProxyHandler({}))

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """One question, how it is measured, and how its figures are told."""

    name: str
    about: str
    headings: Mapping[str, Cells]
    """By language."""
    measure: Callable[[argparse.Namespace, Console, Cores], Sequence[Any]]
    """Gives figures, each a dataclass."""
    cells: Callable[[Any], Cells]
    arguments: Callable[[argparse.ArgumentParser], None] = lambda _parser: None
    after: Callable[[Sequence[Any], Path], None] = lambda _figures, _docs: None
    """Called with the figures and the folder of the pages when they are written."""


@dataclass(slots=True)
class Run:
    """An agent under way, and everything around it."""

    agent: subprocess.Popen[str]
    receiver: Receiver
    page: int
    """Port of its page."""
    log: Path
    broker_port: int
    broker: ExitStack
    """Closing it ends the broker."""
    folder: Path
    cores: Cores
    started_s: float
    """When the agent's process was made (Unix)."""

    def broker_returns(self) -> float:
        """Start the broker again on its port; give the time (Unix) from which it listens."""
        again = broker(self.folder, core=self.cores.rest, port=self.broker_port)
        self.broker.enter_context(again)
        return time.time()

    def wait_for(self, what: str, done: Callable[[], bool], *, within_s: float = START_S) -> float:
        """Wait until something is done; give the time (Unix) at which it was.

        Raises:
            RunError: the agent ended, or it takes too long.
        """
        end_s = time.monotonic() + within_s
        while not done():
            self.receiver.wait_for_arrival(0.2)
            if self.agent.poll() is not None or time.monotonic() > end_s:
                said = self.log.read_text("utf-8", "replace")[-2000:]
                raise RunError(f"{what}: not within {within_s:.0f} s:\n{said}")
        return time.time()

    def counted(self, name: str) -> int:
        """Ask the agent for a metric, added up over its labels."""
        address = f"http://127.0.0.1:{self.page}/metrics"
        with _OPENER.open(address, timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        found = [x.rsplit(" ", 1)[1] for x in lines if x.startswith((name + " ", name + "{"))]
        if not found:
            raise RunError(f"the agent has no metric {name}")
        return sum(int(float(text)) for text in found)


@contextmanager
def running(
    halves: Sequence[Half],
    *,
    cores: Cores,
    prepare: Callable[[Path, dict[str, Any]], None] = lambda _folder, _document: None,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    absent: bool = False,
) -> Iterator[Run]:
    """Run servers, broker, subscriber and the agent.

    `prepare` may change folder and configuration before the start; `prefix` stands before the
    agent's command; `absent` ends the broker before the agent starts.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as root, ExitStack() as stack:
        folder = Path(root)
        around = stack.enter_context(ExitStack())
        port = around.enter_context(broker(folder, core=cores.rest))
        receiver = stack.enter_context(Receiver(port))
        ports = [
            stack.enter_context(machines(half.workload, folder, core=cores.rest)) for half in halves
        ]
        config, page = configured(tuple(halves), folder, ports, broker_port=port)
        document = json.loads(config.read_text("utf-8"))
        prepare(folder, document)
        config.write_text(json.dumps(document), "utf-8")
        if absent:
            around.close()
        log = folder / "agent.log"
        command = [*prefix, sys.executable, "-P", "-m", "agent", "run", "-c", str(config)]
        began_s = time.time()
        agent = stack.enter_context(
            started(command, core=cores.measured, log=log, environment=dict(environment or {}))
        )
        yield Run(agent, receiver, page, log, port, around, folder, cores, began_s)


def markdown(suite: Suite, figures: Sequence[Any], *, lang: str) -> str:
    """Give the table for a page."""
    headings = suite.headings[lang]
    rows = [headings, ("---", *["---:"] * (len(headings) - 1)), *map(suite.cells, figures)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def keep(path: Path, name: str, figures: Sequence[Any], facts: Mapping[str, str]) -> None:
    """Put a suite's figures, and what they belong to, into the file of all suites."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[name] = {"machine": dict(facts), "figures": [asdict(one) for one in figures]}
    path.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write(suite: Suite, figures: Sequence[Any], docs: Path, facts: Mapping[str, str]) -> None:
    """Put the figures into both pages and the file beside them."""
    for lang, name in PAGES.items():
        label = report.LABELS_ZH if lang == "zh" else {}
        told = ", ".join(f"{label.get(k, k)} {facts[k]}" for k in ("date", "commit", "machine"))
        block = f"{markdown(suite, figures, lang=lang)}\n\n{told}"
        report.write_page(docs / name, block, mark=f"bench {suite.name}")
    keep(docs / FIGURES, suite.name, figures, facts)
    suite.after(figures, docs)


def main(suite: Suite, arguments: list[str]) -> int:
    """Measure a suite and tell: progress to stderr, the table to stdout."""
    parser = argparse.ArgumentParser(prog=f"make bench BENCH={suite.name}", description=suite.about)
    parser.add_argument("--write", action="store_true", help="put the results into docs/")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help=argparse.SUPPRESS)
    suite.arguments(parser)
    args = parser.parse_args(arguments)
    cores = Cores.choose()
    os.sched_setaffinity(0, {cores.rest})
    try:
        facts = machine.facts()
        figures = suite.measure(args, Console(stderr=True, highlight=False), cores)
    except RunError as error:
        print(error, file=sys.stderr)
        return 2
    print(markdown(suite, figures, lang="en"))
    if args.json:
        args.json.unlink(missing_ok=True)
        keep(args.json, suite.name, figures, facts)
    if args.write:
        write(suite, figures, args.docs, facts)
    return 0
