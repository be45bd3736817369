"""What is missing, as lines for a terminal: per cause a sum, then its spans, the latest first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from agent.losses.causes import CAUSES, Unit, title_of
from agent.losses.spans import LossSpan, totals_by_cause
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_SPANS: Final = 5
"""Spans shown of one cause; `--json` gives all."""

_TITLE: Final = Message("what is missing, and why", "缺了什么，为什么")
_NOTHING: Final = Message("nothing is known to be missing", "没有发现缺失")
_TIMES: Final = Message("{} time(s)", "{} 次")
_GATEWAY: Final = Message("gateway", "网关")
_UNDATED: Final = Message("date unknown", "时间不详")
_MORE: Final = Message("… and {} earlier", "…… 另有更早的 {} 段")
_UNITS: Final = {
    Unit.POLLS: Message("polls", "次轮询"),
    Unit.CHANGES: Message("changes", "次变化"),
    Unit.VALUES: Message("values", "个数值"),
    Unit.ALARMS: Message("alarms", "条报警"),
}


def spans_of(document: dict[str, Any]) -> tuple[LossSpan, ...]:
    """Read the spans out of a status document; those of an agent of another version are left."""
    fields = set(LossSpan.__slots__)
    found = [one for one in document.get("losses", ()) if set(one) == fields]
    return tuple(LossSpan(**one) for one in found)


def loss_lines(spans: Sequence[LossSpan], *, lang: str) -> list[str]:
    """Say for each cause how much is missing and when."""
    if not spans:
        return [f"  {_NOTHING.text(lang)}"]
    lines = [f"  {_TITLE.text(lang)}:"]
    sums = totals_by_cause(spans)
    for code in (*(c for c in CAUSES if c in sums), *sorted(sums.keys() - CAUSES)):
        lines.append(f"    {title_of(code).text(lang)}: {figure(code, *sums[code], lang=lang)}")
        own = [span for span in spans if span.cause == code]
        lines += [f"      {line}" for line in _span_lines(own[:MOST_SPANS], lang=lang)]
        if len(own) > MOST_SPANS:
            lines.append(f"      {_MORE.text(lang).format(len(own) - MOST_SPANS)}")
    return lines


def figure(code: str, times: int, amount: int, *, lang: str) -> str:
    """Say how much, in the unit of the cause; how often, where nobody knows how much."""
    cause = CAUSES.get(code)
    unit = _UNITS.get(cause.unit) if cause is not None else None
    if unit is None or not amount:
        return _TIMES.text(lang).format(times)
    return f"{amount} {unit.text(lang)}"


def _span_lines(spans: Iterable[LossSpan], *, lang: str) -> Iterable[str]:
    for span in spans:
        when = f"{_local(span.from_ms)} … {_local(span.to_ms)}"
        when = when if span.dated else _UNDATED.text(lang)
        where = span.device or _GATEWAY.text(lang)
        yield f"{when}  {where}  {figure(span.cause, span.times, span.amount, lang=lang)}"


def _local(time_ms: int) -> str:
    """Give a time in this box's zone; the bare number where no calendar holds it."""
    try:
        return datetime.fromtimestamp(time_ms / 1000).astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return str(time_ms)
