"""`chulian rate --history day|month|year`: the rate of past periods, and what moved it.

A running agent keeps its store to itself, so what it remembers is asked: sealed days, as they were
told to the platform. Otherwise the store is read, and past days that were never sealed are computed
by the ledger as it was declared then. Nothing is written, no machine is asked.
"""

from __future__ import annotations

import sqlite3
import sys
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from agent.cli.output import Exit, print_json, table_lines
from agent.collect.identity import kept_identity
from agent.indicator.dayrate import DayRate
from agent.indicator.keeper import read_journal, remembered
from agent.indicator.past import Past
from agent.indicator.periods import Period, Span, periods
from agent.kpi.calendar import ShopCalendar
from agent.kpi.evidence import DeviceDay
from agent.kpi.identity import facts_kept
from agent.kpi.region import percent_text
from agent.kpi.result import compute
from agent.ledger.history import History
from agent.store.notes import read_evidence, read_lessons
from agent.telemetry.status import Message

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import date

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig
    from agent.indicator.dayrate import Share
    from agent.kpi.result import RateResult
    from agent.store.outbox import EvidenceRow, LessonRow
    from agent.telemetry.status import RateStatus

MOST_DAYS: Final = 400
"""So many past days are computed at most; a year of 100 machines takes some seconds."""
_TIMEOUT_S: Final = 2.0
_NS_PER_MS: Final = 1_000_000

_NONE = Message(
    en="no past day is known yet: a running agent tells a day once it is sealed, a day after its "
    "end",
    zh="还没有历史数据：每天结束满一天后封存，封存后可查",
)
_UNREADABLE = Message(
    en="the store {path} cannot be read ({error}); is store.path right, and has the agent run?",
    zh="存储文件 {path} 无法读取（{error}）；请检查 store.path，并确认采集代理运行过",
)
_TITLES = (
    Message(en="period", zh="期间"),
    Message(en="declared", zh="申报"),
    Message(en="adjusted", zh="核减后"),
    Message(en="verified", zh="数据已验证"),
    Message(en="machines", zh="已验证/申报设备"),
    Message(en="of", zh="统计日"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store holds about past days."""

    evidence: Sequence[EvidenceRow]
    lessons: Sequence[LessonRow]


def add_arguments(parser: Parser) -> None:
    """Add the option."""
    parser.add_argument(
        "--history", choices=[span.value for span in Span],
        help=parser.text(en="rates of past days, months or years, and what moved them",
                         zh="按日、月或年列出历史数控化率及变化原因"),
    )  # fmt: skip


def show(
    args: argparse.Namespace, config: AgentConfig, *, status: RateStatus | None, now_ms: int
) -> int:
    """Print the history, by a running agent's `status` or else by its store.

    Exit code 2 where there is neither.
    """
    try:
        days = from_agent(status) if status else past_days(config, read(config), now_ms=now_ms)
    except (OSError, sqlite3.Error) as error:
        told = _UNREADABLE.text(args.lang).format(path=config.store.path, error=error)
        print(told, file=sys.stderr)
        return Exit.USAGE
    found = periods(days, Span(args.history))
    if args.json:
        print_json(document(found, Span(args.history)))
    else:
        print("\n".join(lines(found, lang=args.lang)))
    return Exit.OK


def from_agent(status: RateStatus) -> list[DayRate]:
    """Give the days a running agent shows: the last ones, and the last one of older months."""
    documents = [*status.history.get("months", []), *status.history.get("days", [])]
    found = [DayRate.of_document(one) for one in documents]
    return list({one.day: one for one in found}.values())


def read(config: AgentConfig) -> Kept:
    """Read a store that an agent may be writing; raises OSError or sqlite3.Error."""
    uri = f"{config.store.path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        return Kept(read_evidence(connection), read_lessons(connection))


def past_days(config: AgentConfig, kept: Kept, *, now_ms: int) -> list[DayRate]:
    """Give the rate of every past day: as it was told, or else computed now."""
    calendar = ShopCalendar.of(config)
    told = {one.day: one for one in remembered(kept.lessons)}
    days = [DeviceDay.of(row) for row in kept.evidence]
    yesterday = calendar.day_of(now_ms * _NS_PER_MS) - timedelta(days=1)
    first = min((one.day for one in days), default=None)
    if first is None or not config.processes:
        return list(told.values())
    said = [(r[0], kept_identity(r[2])) for r in kept.lessons if not r[1]]
    facts = facts_kept(said, [one.id for one in config.devices])

    by_day: defaultdict[date, list[DeviceDay]] = defaultdict(list)
    for one in days:
        by_day[one.day].append(one)

    def judge(then: AgentConfig, day: date) -> RateResult:
        window = (day - timedelta(days=n) for n in range(then.rate.period_days))
        seen = [one for date_ in window for one in by_day.get(date_, ())]
        return compute(then, seen, now_ms=now_ms, as_of=day, facts=facts)

    past = Past(config, History.of(read_journal(config).entries), judge)
    start = max(first, yesterday - timedelta(days=MOST_DAYS - 1))
    span = (start + timedelta(days=n) for n in range((yesterday - start).days + 1))
    computed = {day: past.day(day)[1] for day in span if day not in told}
    return [*told.values(), *computed.values()]


def document(found: Sequence[Period], span: Span) -> dict[str, Any]:
    """Give a history as JSON types, oldest first; fractions as [numerator, denominator]."""
    return {"span": span.value, "periods": [one.document() for one in found]}


def lines(found: Sequence[Period], *, lang: str) -> list[str]:
    """Give a history as text: a table, and below it what moved in each period."""
    if not found:
        return [_NONE.text(lang)]
    rows = [[title.text(lang) for title in _TITLES]]
    rows += [_row(one) for one in found]
    told = [
        line
        for one in found
        if one.changes
        for line in ("", one.name, *(f"  {c.message.text(lang)}" for c in one.changes))
    ]
    return table_lines(rows) + told


def _row(one: Period) -> list[str]:
    rate = one.rate
    counted = "—" if rate.counted is None else f"{rate.counted[0]}/{rate.counted[1]}"
    shares = (_percent(share) for share in (rate.declared, rate.adjusted, rate.verified))
    return [one.name, *shares, counted, rate.day.isoformat()]


def _percent(share: Share | None) -> str:
    if share is None:
        return "—"
    return f"{percent_text(Fraction(*share))}% ({share[0]}/{share[1]})"
