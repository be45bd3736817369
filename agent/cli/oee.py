"""`chulian oee`: what each machine did in each shift, and the figures that follow from it.

Asks the running agent, of today and the shop day before, else reads what its store keeps; nothing
is written, no machine is asked. A figure that cannot be given is shown as a dash, with its reason
below.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from contextlib import closing
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from agent.cli.oee_text import DENOMINATORS, HEAD, REASONS, SHOWN, percent, span
from agent.cli.output import Exit, print_json, table_lines
from agent.cli.running import ask
from agent.kpi.calendar import ShopCalendar
from agent.kpi.shift_record import ShiftRecord
from agent.kpi.shift_report import STATES, shift_figures
from agent.kpi.shop import KEPT_IN, records
from agent.store.notes import read_lessons
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.cli.arguments import Parser
    from agent.config.model import AgentConfig
    from agent.kpi.shift_report import ShiftFigures

_TIMEOUT_S = 2.0
_NOTHING = Message(
    en="{day}: no machine was followed. A device is followed where it has `states` or `oee`.",
    zh="{day}：没有设备状态记录。设备需要配置 states 或 oee。",
)
_UNREADABLE = Message(
    en="no agent answers, and the store {path} cannot be read: {error}",
    zh="没有采集代理应答，存储文件 {path} 也无法读取：{error}",
)
_LATE = Message(
    en="{device} {shift}: {count} value(s) came late, from the device's history",
    zh="{device} {shift}：有 {count} 个值是事后从设备历史数据补采的",
)
_RESET = Message(
    en="{device} {shift}: a counter went back {count} time(s); parts made before are not known",
    zh="{device} {shift}：计数器被清零 {count} 次，清零前的件数无法得知",
)
_GLITCH = Message(
    en="{device} {shift}: a counter read too little {count} time(s) and was back at once",
    zh="{device} {shift}：计数器有 {count} 次读数突降后立即恢复，按误读处理，未计件",
)
_WHOLE_DAY = Message(en="(day)", zh="（全天）")


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
        "--day", type=day, metavar="DATE",
        help=parser.text(en="shop day (default: today)", zh="生产日（默认今天）"),
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Show a shop day; exit code 1 where nothing was recorded, 3 where the store cannot be read."""
    from agent.config.load import load

    config = load(args.config).config
    now_ms = time.time_ns() // 1_000_000
    day = args.day or ShopCalendar.of(config).day_of(now_ms * 1_000_000)
    try:
        kept = _records(config, day)
    except (OSError, sqlite3.Error) as error:
        print(_UNREADABLE.text(args.lang).format(path=config.store.path, error=error))
        return Exit.UNREACHABLE
    told = {one.device for one in kept}
    kept += [
        ShiftRecord(one.id, day) for one in config.devices
        if kept and one.id not in told and (one.states or one.oee)
    ]  # fmt: skip
    found = [
        one for record in sorted(kept, key=lambda r: r.device)
        for one in shown(config, record, now_ms=now_ms)
    ]  # fmt: skip
    if args.json:
        print_json({"day": day.isoformat(), "rows": [one.document() for one in found]})
    elif found:
        print("\n".join(text_lines(found, lang=args.lang)))
    else:
        print(_NOTHING.text(args.lang).format(day=day))
    return Exit.OK if found else Exit.FINDINGS


def shown(config: AgentConfig, record: ShiftRecord, *, now_ms: int) -> list[ShiftFigures]:
    """Give the figures of each shift that has begun, then of the whole shop day."""
    calendar = ShopCalendar.of(config)
    begun = [one.name for one in calendar.planned(record.day) if one.start_ns < now_ms * 1_000_000]
    return [shift_figures(config, record, name, now_ms=now_ms) for name in (*begun, "")]


def text_lines(found: Sequence[ShiftFigures], *, lang: str) -> list[str]:
    """Give the table, what its figures are shares of, and what is missing and why."""
    rows = [[one.text(lang) for one in HEAD]]
    rows += [_cells(one, lang=lang) for one in found]
    lines = [str(found[0].day), *table_lines(rows), ""]
    lines += [DENOMINATORS[name].text(lang) for name in SHOWN]
    return lines + _remarks(found, lang=lang)


def _cells(one: ShiftFigures, *, lang: str) -> list[str]:
    figures = [getattr(one.figures, name) for name in SHOWN]
    return [
        one.device,
        one.shift or _WHOLE_DAY.text(lang),
        "–" if one.planned_ms is None else span(one.planned_ms),
        *(span(one.states_ms[state]) for state in STATES),
        "–" if one.parts is None else str(one.parts),
        *(percent(figure) if isinstance(figure, Fraction) else "–" for figure in figures),
    ]


def _remarks(found: Sequence[ShiftFigures], *, lang: str) -> list[str]:
    lines: list[str] = []
    for one in found:
        where = {"device": one.device, "shift": one.shift or _WHOLE_DAY.text(lang)}
        if one.late:
            lines.append(_LATE.text(lang).format(count=one.late, **where))
        if one.resets:
            lines.append(_RESET.text(lang).format(count=one.resets, **where))
        if one.glitches:
            lines.append(_GLITCH.text(lang).format(count=one.glitches, **where))
    missing = {
        figure: None
        for one in found
        for name in SHOWN
        if not isinstance(figure := getattr(one.figures, name), Fraction)
    }
    lines += [f"– {REASONS[why].text(lang)}" for why in missing]
    return ["", *lines] if lines else []


def _records(config: AgentConfig, day: date) -> list[ShiftRecord]:
    """Give a day as the running agent tells it (it tells two), else as its store holds it."""
    answer = ask(config.http, "/api/oee")
    told = () if answer is None else answer.get("records", ())
    rows = ((KEPT_IN, f"{device} {at}", text, 0) for device, at, text in told)
    found = [one for one in records(rows) if one.day == day]
    if found:
        return found
    path = config.store.path
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
        return [one for one in records(read_lessons(connection)) if one.day == day]
