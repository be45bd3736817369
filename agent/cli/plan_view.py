"""How a person and a program are shown what polling costs: requests of a group, load of a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.cli.output import table_lines
from agent.config.lines import explained, line_costs
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from agent.config.lines import LineCost
    from agent.config.plan import GroupPlan, Loaded
    from drivers.api import PlannedRequest

HIGH_LOAD = 0.7
"""From this load on a line has little room for repeats and for devices that answer late."""
_WORTH_A_WORD = 0.1
"""Load from which on even a line with one device is shown unasked."""
_MOST_NAMES = 3

_LINE = Message(
    en="line {name}: {devices} device(s), full cycle {cycle}, load {load}",
    zh="线路 {name}：{devices} 台设备，读完一遍约 {cycle}，负荷 {load}",
)
_HIGH = Message(
    en=" - little room left: a device that answers late makes others miss polls",
    zh="，余量不足：有设备应答慢时，其他设备会漏采",
)
_OVER = Message(en=" - too much, see W1611", zh="，超负荷，见 W1611")
_REQUEST = Message(
    en="{what}|{tags} tag(s)|{unasked}|{took}|{names}",
    zh="{what}|{tags} 个点位|{unasked}|{took}|{names}",
)
_UNASKED = Message(en="{} read along", zh="顺带多读 {}")
_MORE = Message(en="{} and {} more", zh="{} 等 {} 个")


def request_lines(group: GroupPlan, *, lang: str) -> list[str]:
    """Say what each request of a group's read asks for; nothing where the driver cannot tell."""
    rows = [_request_cells(one, lang=lang) for one in explained(group.plan) or ()]
    return table_lines(rows) if rows else []


def line_lines(loaded: Loaded, *, lang: str, every: bool) -> list[str]:
    """Say what each line carries, as far as its drivers can tell; else only lines worth a word."""
    return [
        _line_text(cost, cycle_s=cost.cycle_s, load=cost.load, lang=lang)
        for cost in line_costs(loaded.devices)
        if cost.cycle_s is not None
        and cost.load is not None
        and (every or len(cost.devices) > 1 or cost.load >= _WORTH_A_WORD)
    ]


def requests_document(group: GroupPlan) -> list[dict[str, Any]] | None:
    """Give the requests of a group's read for a program; None where the driver cannot tell."""
    requests = explained(group.plan)
    if requests is None:
        return None
    return [
        {
            "what": one.what,
            "tags": list(one.tags),
            "unasked": one.unasked,
            "duration_s": one.duration_s,
        }
        for one in requests
    ]


def lines_document(loaded: Loaded) -> list[dict[str, Any]]:
    """Give every line for a program; figures are null where the driver cannot tell."""
    return [
        {
            "link": cost.name,
            "devices": list(cost.devices),
            "cycle_s": cost.cycle_s,
            "load": cost.load,
        }
        for cost in line_costs(loaded.devices)
    ]


def _line_text(cost: LineCost, *, cycle_s: float, load: float, lang: str) -> str:
    text = _LINE.text(lang).format(
        name=cost.name, devices=len(cost.devices), cycle=_span(cycle_s), load=f"{load:.0%}"
    )
    if load > 1:
        return text + _OVER.text(lang)
    return text + _HIGH.text(lang) if load >= HIGH_LOAD else text


def _request_cells(one: PlannedRequest, *, lang: str) -> list[str]:
    text = _REQUEST.text(lang).format(
        what=one.what,
        tags=len(one.tags),
        unasked=_UNASKED.text(lang).format(one.unasked) if one.unasked else "",
        took="" if one.duration_s is None else _span(one.duration_s),
        names=_names(one.tags, lang=lang),
    )
    return text.split("|")


def _names(tags: tuple[str, ...], *, lang: str) -> str:
    shown = ", ".join(tags[:_MOST_NAMES])
    if len(tags) <= _MOST_NAMES:
        return shown
    count = len(tags) if lang == "zh" else len(tags) - _MOST_NAMES
    return _MORE.text(lang).format(shown, count)


def _span(seconds: float) -> str:
    """Give a time as milliseconds below one second, else as seconds."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
