"""What was found, laid out for a terminal or as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.browse.propose import Proposal, Proposals
    from drivers.api import Value

_HEADS: Final = (
    Message("metric", "点位名称"),
    Message("now", "当前值"),
    Message("unit", "单位"),
    Message("where", "位置"),
    Message("address", "地址"),
)
_REST: Final = Message("other points", "其他点位")
_UNKNOWN: Final = Message("points", "点位")
_WIDEST_VALUE: Final = 24


def sections(found: Proposals, *, lang: str) -> list[tuple[str, list[list[str]]]]:
    """Give a title and the rows of a table for each machine, and for what belongs to none."""
    made = []
    heads = [head.text(lang) for head in _HEADS]
    for machine in dict.fromkeys(row.machine for row in found.rows):
        rows = [row for row in found.rows if row.machine == machine]
        known = [_cells(row) for row in rows if row.known]
        others = [_cells(row) for row in rows if not row.known]
        title = machine or _UNKNOWN.text(lang)
        models = ", ".join(found.machines.get(machine, ()))
        if known:
            made.append((f"{title}  {models}".rstrip(), [heads, *known]))
        if others:
            rest = f"{title}  {_REST.text(lang)}" if known else title
            made.append((rest, [heads, *others]))
    return made


def document(found: Proposals) -> list[dict[str, Any]]:
    """Give every point with all that was told of it, as JSON-ready data."""
    return [_entry(row) for row in found.rows]


def _cells(row: Proposal) -> list[str]:
    point = row.point
    inside = point.path.removeprefix(f"{row.machine}/") if row.machine else point.path
    names = {str(number): name for number, name in point.states}
    names |= {raw: state.value for raw, state in row.tag.states.items()}
    return [row.tag.name, _value(point.value, names), point.unit, inside, point.address]


def _value(value: Value, names: dict[str, str]) -> str:
    """Write a value on one short line, with its name or the state it means."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(int(value))
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    if text in names:
        text = f"{text} {names[text]}"
    return text if len(text) <= _WIDEST_VALUE else f"{text[: _WIDEST_VALUE - 1]}…"


def _entry(row: Proposal) -> dict[str, Any]:
    point = row.point
    return {
        "name": row.tag.name,
        "known": row.known,
        "machine": row.machine,
        "address": point.address,
        "path": point.path,
        "type": point.data_type.value,
        "unit": point.unit,
        "access": point.access.value,
        "value": point.value.hex() if isinstance(point.value, bytes) else point.value,
        "time": _time(point.time_ns),
        "low": point.low,
        "high": point.high,
        "states": {str(number): name for number, name in point.states},
        "proposed": row.tag.model_dump(mode="json", exclude_unset=True),
        "model": point.model,
        "role": point.role,
        "description": point.description,
    }


def _time(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    return datetime.fromtimestamp(time_ns / 1e9, UTC).isoformat(timespec="milliseconds")
