"""`chulian rate`: the key-process CNC rate, declared and verified, with a reason per machine.

The evidence comes from the running agent, else from its store on disk; without either only what
the ledger declares is shown, and that is said. Nothing is written, no machine is asked.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from agent.cli import proof, rate_history
from agent.cli.output import Exit, print_json
from agent.cli.rate_text import print_view
from agent.cli.rate_view import Origin, View, document
from agent.cli.running import address, ask
from agent.collect.identity import kept_identity
from agent.config.ledger import ControlSet, RateMethod
from agent.kpi.calendar import ShopCalendar
from agent.kpi.evidence import DeviceDay, Standing, demand_of
from agent.kpi.identity import DeviceFacts, facts_kept
from agent.kpi.ledger import Ledger
from agent.kpi.report import from_json, pair, rate_status
from agent.kpi.result import compute, judged_rates
from agent.store.notes import read_evidence, read_lessons
from agent.telemetry.status import Message, RateStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig, Http
    from agent.kpi.evidence import DeviceDayRow

_TIMEOUT_S = 2.0
"""The agent is on this box or next to it; a person waits."""
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the command gets what it shows; tests put their own in."""

    load: Callable[[Path], AgentConfig]
    ask: Callable[[Http], RateStatus | None]
    """Gives the running agent's rate, None when it does not answer."""
    read: Callable[[Path], Iterable[DeviceDayRow]]
    """Gives the evidence in a store file; raises OSError or sqlite3.Error."""
    now_ms: Callable[[], int]
    facts: Callable[[AgentConfig], Mapping[str, DeviceFacts]] = lambda _: {}
    """Gives who each device says it is, from the file of the store; raises as `read` does."""


def add_arguments(parser: Parser) -> None:
    """Add the command's own options."""

    def day(text: str) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                parser.text(
                    en=f"{text!r} is no date; write it as 2026-07-31",
                    zh=f"“{text}”不是日期，请写成 2026-07-31 的形式",
                )
            ) from None

    parser.add_argument(
        "--as-of", type=day, metavar="DATE",
        help=parser.text(en="day the rate is of (default: today)", zh="统计日（默认今天）"),
    )  # fmt: skip
    parser.add_argument(
        "--method", choices=[m.value for m in RateMethod],
        help=parser.text(en="headline formula (default: the file's)",
                         zh="主口径的算法（默认取配置文件）"),
    )  # fmt: skip
    parser.add_argument(
        "--set", dest="control_set", choices=[s.value for s in ControlSet],
        help=parser.text(en="control types that count (default: the file's)",
                         zh="计入数控的控制方式：strict 窄口径，broad 宽口径（默认取配置文件）"),
    )  # fmt: skip
    rate_history.add_arguments(parser)
    proof.add_arguments(parser, day)


def run(args: argparse.Namespace, sources: Sources | None = None) -> int:
    """Show the rate; exit code 0 also where it cannot be assessed, for that is an answer."""
    if getattr(args, "verify", None):
        return proof.verify_file(args)
    sources = sources or Sources(_load, _ask, _read, lambda: time.time_ns() // _NS_PER_MS, _facts)
    config = _with_choices(sources.load(args.config), args)
    if getattr(args, "export", None):
        return proof.export_file(args, config)
    if getattr(args, "history", None):
        status = sources.ask(config.http)
        return rate_history.show(args, config, status=status, now_ms=sources.now_ms())
    view = _look(config, sources, args.as_of)
    if args.json:
        print_json(document(view))
    else:
        print_view(view, lang=args.lang)
    return Exit.OK


def _with_choices(config: AgentConfig, args: argparse.Namespace) -> AgentConfig:
    """Let the command line override which formula and set are the headline."""
    chosen = {
        "method": RateMethod(args.method or config.rate.method),
        "control_set": ControlSet(args.control_set or config.rate.control_set),
    }
    return config.model_copy(update={"rate": config.rate.model_copy(update=chosen)})


def _look(config: AgentConfig, sources: Sources, as_of: date | None) -> View:
    """Take the running agent's rate if it is the one asked for, else look into the store."""
    status = sources.ask(config.http)
    found = from_agent(config, status, as_of) if status else _silent(config)
    if isinstance(found, View):
        return found
    try:
        days = [DeviceDay.of(row) for row in sources.read(config.store.path)]
        facts = sources.facts(config)
    except (OSError, sqlite3.Error) as error:
        view = from_observations(config, (), sources.now_ms(), as_of)
        return view.without_evidence((found, _unreadable(config, error)))
    view = from_observations(config, days, sources.now_ms(), as_of, facts)
    return view.noting((found,))


def from_observations(
    config: AgentConfig,
    observations: Iterable[DeviceDay],
    now_ms: int,
    as_of: date | None,
    facts: Mapping[str, DeviceFacts] | None = None,
) -> View:
    """Compute the view from what was observed."""
    result = compute(config, observations, now_ms=now_ms, as_of=as_of, facts=facts)
    found = result.headline_set
    return View(
        origin=Origin.STORE,
        config=config,
        as_of=result.asked.last,
        processes=found.processes,
        verified=found.verified,
        rates=found.rates,
        machines=rate_status(result).equipment,
        neighbours=found.neighbours.document(),
    )


def from_agent(config: AgentConfig, status: RateStatus, as_of: date | None) -> View | Message:
    """Build the view from the running agent's rate, or say why it is not the one asked for.

    The figures are computed again from the ledger and the agent's standings, and must agree.
    """
    today = ShopCalendar.of(config).day_of(status.as_of_ms * _NS_PER_MS)
    if as_of not in {None, today} or status.control_set != config.rate.control_set:
        return _OTHER_QUESTION
    processes = Ledger.of(config).covered(today, config.rate.control_set)
    verified = _standing(status, Standing.VERIFIED)
    rates = judged_rates(
        processes,
        demand_of(config, today),
        contradicted=_standing(status, Standing.CONTRADICTED),
        verified=verified,
    )
    figures = {m.value: (pair(one.declared), pair(one.verified)) for m, one in rates.items()}
    ids = [machine.id for machine in config.equipment]
    if figures != status.by_method or ids != [machine.id for machine in status.equipment]:
        return _OTHER_LEDGER
    return View(
        Origin.AGENT, config, today, processes, verified, rates, status.equipment,
        neighbours=status.neighbours,
    )  # fmt: skip


def _standing(status: RateStatus, standing: Standing) -> frozenset[str]:
    return frozenset(m.id for m in status.equipment if m.status == standing)


_OTHER_QUESTION = Message(
    en="the running agent tells the rate of today and of its own control set only",
    zh="正在运行的采集代理只提供当天、其自身口径下的结果",
)
_OTHER_LEDGER = Message(
    en="the running agent uses another ledger than this file (restart it, or check the file); "
    "its figures are not shown",
    zh="正在运行的采集代理所用台账与此文件不一致（请重启代理或核对文件），未采用它的结果",
)


def _silent(config: AgentConfig) -> Message:
    where = address(config.http)
    return Message(en=f"no agent answers at {where}", zh=f"{where} 没有采集代理应答")


def _unreadable(config: AgentConfig, error: Exception) -> Message:
    path = config.store.path
    return Message(
        en=f"the store {path} cannot be read ({error}), so only what is declared is shown",
        zh=f"存储文件 {path} 无法读取（{error}），仅显示申报值",
    )


def _ask(http: Http) -> RateStatus | None:
    document_ = ask(http, "/api/rate")
    try:
        return None if document_ is None else from_json(document_)
    except (KeyError, TypeError, ValueError):  # somebody else answers at that address
        return None


def _load(path: Path) -> AgentConfig:
    from agent.config.load import load

    return load(path).config


def _read(path: Path) -> Iterable[DeviceDayRow]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        return read_evidence(connection)


def _facts(config: AgentConfig) -> Mapping[str, DeviceFacts]:
    uri = f"{config.store.path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        said = [(row[0], kept_identity(row[2])) for row in read_lessons(connection) if not row[1]]
    return facts_kept(said, [one.id for one in config.devices])
