"""Numbers, times, units and values as a person reads them; nothing here rounds a fraction away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from drivers.api import Value

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_LONGEST_TEXT: Final = 80
_PLAIN_FLOATS: Final = (1e-3, 1e15)
_MEGABYTE: Final = 1_000_000

_SPANS: Final = (
    (_DAY_S, Message(en="{} d", zh="{} 天")),
    (_HOUR_S, Message(en="{} h", zh="{} 小时")),
    (_MINUTE_S, Message(en="{} min", zh="{} 分钟")),
    (1, Message(en="{} s", zh="{} 秒")),
)
_AGO: Final = Message(en="{} ago", zh="{}前")
_AHEAD: Final = Message(en="{} ahead of the gateway", zh="比网关快 {}")
_NOW: Final = Message(en="just now", zh="刚刚")
_NEVER: Final = Message(en="never", zh="从未")
_YES: Final = Message(en="yes", zh="是")
_NO: Final = Message(en="no", zh="否")

_UNIT_SIGNS: Final = {
    "1": "",
    "Cel": "°C",
    "deg": "°",
    "kW.h": "kW·h",
    "{rev}/min": "r/min",
    "[degF]": "°F",
    "um": "µm",
    "m3": "m³",
    "m3/h": "m³/h",
    "Ohm": "Ω",
}
"""UCUM code -> the sign on the machine's own panel, where they differ."""


def span(seconds: float, language: str) -> str:
    """Give a length of time in its largest whole unit, such as `13 h`."""
    whole = max(0, int(seconds))
    for unit_s, text in _SPANS:
        if whole >= unit_s:
            return text.text(language).format(whole // unit_s)
    return _SPANS[-1][1].text(language).format(0)


def age(now_ms: int, then_ms: int | None, language: str) -> str:
    """Tell how long ago something was; a time that lies ahead is said to, not hidden."""
    if then_ms is None:
        return _NEVER.text(language)
    seconds = (now_ms - then_ms) / 1000
    if seconds <= -1:
        return _AHEAD.text(language).format(span(-seconds, language))
    if seconds < 1:
        return _NOW.text(language)
    return _AGO.text(language).format(span(seconds, language))


def number(count: int) -> str:
    """Give a count with thousands separated."""
    return f"{count:,}"


def megabytes(size_bytes: int) -> str:
    """Give a size in megabytes (10^6 bytes) with one decimal."""
    return f"{size_bytes / _MEGABYTE:,.1f} MB"


def value_text(value: Value, language: str) -> str:
    """Give a tag's value for a table cell; long texts are cut and end in an ellipsis."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return (_YES if value else _NO).text(language)
    if isinstance(value, float):
        return _float_text(value)
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…"


def unit_text(unit: str) -> str:
    """Give a UCUM unit as panels show it, such as r/min for {rev}/min."""
    return _UNIT_SIGNS.get(unit, unit)


def _float_text(value: float) -> str:
    smallest, largest = _PLAIN_FLOATS
    if value and not smallest <= abs(value) < largest:
        return repr(value)
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
