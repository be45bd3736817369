"""The history of the rate: a small chart that fits a phone, and what changed in that time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.web import rate_words, words
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.telemetry.status import RateStatus
    from agent.web.view import View

_WIDTH: Final = 320
_HEIGHT: Final = 120
_LEFT: Final = 36
_TOP: Final = 8
_FLOOR: Final = 100
"""Where 0 % is drawn; 100 % is at `_TOP`."""
_SHOWN_CHANGES: Final = 8
_LEAST_MONTHS: Final = 3
"""With fewer months the days are drawn."""
_SERIES: Final = (("declared", words.DECLARED), ("verified", words.VERIFIED))
_TONES: Final = {"key_process_removed": "warn", "rate_raised_without_machine": "warn",
                 "control_without_document": "warn", "machine_renumbered": "warn",
                 "rate_jump": "warn"}  # fmt: skip


def history(status: RateStatus, view: View) -> Markup | None:
    """Make the section; None until there are two points to compare."""
    days, months = (status.history.get(name, []) for name in ("days", "months"))
    monthly = len(months) >= _LEAST_MONTHS
    points = months if monthly else days
    if len(points) < 2:
        return None
    title = view.say(rate_words.BY_MONTH if monthly else rate_words.BY_DAY)
    return tag(
        "section",
        tag("h2", view.say(rate_words.HISTORY), " ", tag("small", title)),
        tag("div", _legend(view), _chart(points, view), _changes(days, view), class_="law"),
        id="history",
    )


def _legend(view: View) -> Markup:
    marks = (
        tag("span", tag("span", class_=f"swatch w-{name}"), view.say(word), class_="key")
        for name, word in _SERIES
    )
    return tag("p", *marks, class_="small")


def _chart(points: Sequence[Mapping[str, Any]], view: View) -> Markup:
    first, last = str(points[0]["period"]), str(points[-1]["period"])
    return tag(
        "svg",
        *(_level(percent) for percent in (0, 50, 100)),
        *(_line(points, name) for name, _ in _SERIES),
        tag("text", first, x=str(_LEFT), y=str(_HEIGHT - 4)),
        tag("text", last, x=str(_WIDTH), y=str(_HEIGHT - 4), text_anchor="end"),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}", class_="chart", role="img",
        aria_label=view.say(rate_words.CHART, first=first, last=last),
    )  # fmt: skip


def _level(percent: int) -> Markup:
    y = _y(percent, 100)
    return tag(
        "g",
        tag("path", d=f"M{_LEFT} {y}H{_WIDTH}", class_="level"),
        tag("text", f"{percent}%", x=str(_LEFT - 4), y=f"{float(y) + 4:.1f}", text_anchor="end"),
    )


def _line(points: Sequence[Mapping[str, Any]], name: str) -> Markup:
    """Draw one figure; where there is no rate the line is broken, never at 0."""
    step = (_WIDTH - _LEFT - 4) / max(len(points) - 1, 1)
    parts, begun = [], False
    for at, one in enumerate(points):
        share = one[name]
        if share is not None:
            parts.append(f"{'L' if begun else 'M'}{_LEFT + at * step:.1f} {_y(*share)}")
            if not begun:
                parts.append("h0.1")  # a lone point shows as a dot
        begun = share is not None
    return tag("path", d="".join(parts), class_=f"curve w-{name}")


def _y(numerator: int, denominator: int) -> str:
    return f"{_FLOOR - (_FLOOR - _TOP) * numerator / denominator:.1f}"


def _changes(days: Sequence[Mapping[str, Any]], view: View) -> Markup:
    """List the newest changes, the newest day first."""
    newest = [(str(day["period"]), one) for day in reversed(days) for one in day["changes"]]
    items = (
        tag("li", tag("span", day, class_="small"), " ", _change(one, view))
        for day, one in newest[:_SHOWN_CHANGES]
    )
    body = tag("ul", *items, class_="changes") if newest else tag(
        "p", view.say(rate_words.NOTHING_CHANGED), class_="small"
    )  # fmt: skip
    return tag("div", tag("h3", view.say(rate_words.CHANGED)), body)


def _change(one: Mapping[str, Any], view: View) -> Markup:
    tone = _TONES.get(str(one["kind"]))
    text = str(one["zh" if view.language == "zh" else "en"])
    return tag("span", icon(tone) if tone else None, text, class_=f"t-{tone}" if tone else None)
