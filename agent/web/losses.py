"""What is missing, and why: one line per cause with what to do, the spans below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.losses.causes import CAUSES, Unit, title_of
from agent.losses.spans import totals_by_cause
from agent.web import words
from agent.web.figures import number
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from agent.losses.spans import LossSpan
    from agent.web.view import View

MOST_SPANS: Final = 50
"""Spans listed; /api/status has them all."""
_UNITS: Final = {
    Unit.POLLS: words.POLLS,
    Unit.CHANGES: words.CHANGES,
    Unit.VALUES: words.VALUES,
    Unit.ALARMS: words.ALARM_COUNT,
}


def losses(spans: tuple[LossSpan, ...], view: View) -> Markup:
    """Make the panel: nothing missing, or each cause with its sum, meaning and remedy."""
    if not spans:
        return tag("p", icon("ok"), view.say(words.NOTHING_MISSING), class_="verdict t-ok")
    sums = totals_by_cause(spans)
    known = [code for code in CAUSES if code in sums]
    lines = [_cause(code, *sums[code], view) for code in (*known, *sorted(sums.keys() - CAUSES))]
    rows = [_row(span, view) for span in spans[:MOST_SPANS]]
    more = tag("p", view.say(words.MORE_SPANS, n=len(spans) - MOST_SPANS), class_="small")
    return tag(
        "div",
        tag("ul", *lines),
        tag(
            "details",
            tag("summary", view.say(words.SPANS_TITLE)),
            tag("table", _head(view), tag("tbody", *rows)),
            more if len(spans) > MOST_SPANS else None,
        ),
        class_="losses",
        id="losses",
    )


def _cause(code: str, times: int, amount: int, view: View) -> Markup:
    cause = CAUSES.get(code)
    title = tag("b", view.say(title_of(code)))
    figure = view.say(words.COLON) + _figure(code, times, amount, view)
    if cause is None:
        return tag("li", title, figure)
    text = tag("span", view.say(cause.meaning), " ", view.say(cause.todo), class_="small")
    return tag("li", icon("warn" if cause.lost else "ok"), title, figure, tag("br"), text)


def _row(span: LossSpan, view: View) -> Markup:
    when = view.since(span.to_ms) if span.dated else tag("span", view.say(words.DATE_UNKNOWN))
    lasting = view.span_between(span.from_ms, span.to_ms)
    cells = (
        when,
        tag("span", lasting),
        tag("span", span.device or view.say(words.GATEWAY)),
        tag("span", view.say(title_of(span.cause))),
        tag("span", _figure(span.cause, span.times, span.amount, view)),
    )
    return tag("tr", *(tag("td", cell) for cell in cells))


def _head(view: View) -> Markup:
    titles = (words.UNTIL, words.LASTED, words.MACHINE, words.CAUSE, words.HOW_MUCH)
    return tag("thead", tag("tr", *(tag("th", view.say(title)) for title in titles)))


def _figure(code: str, times: int, amount: int, view: View) -> str:
    """Say how much, in the unit of the cause; how often, where nobody knows how much."""
    cause = CAUSES.get(code)
    unit = _UNITS.get(cause.unit) if cause is not None else None
    if unit is None or not amount:
        return view.say(words.TIMES, n=number(times))
    return f"{number(amount)} {view.say(unit)}"
