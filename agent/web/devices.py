"""The machines: one card each with its state, its link, and its last values."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agent.telemetry.status import DeviceState
from agent.telemetry.taglist import not_good
from agent.web import words
from agent.web.about import identity_line, place_line, refused_line, remark_lines
from agent.web.alarms import alarm_list
from agent.web.figures import age, number, unit_text, value_text
from agent.web.headline import problem_of, title_of
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.telemetry.status import DeviceStatus, Status, TagStatus
    from agent.web.view import View

_PREVIEW: Final = 6
"""Points shown on a card that was not opened."""

_PREVIEW_TOTAL: Final = 120
"""Points shown on all closed cards together: with many machines each shows fewer, then none, so
that making the page never holds up the collection that runs in the same loop."""

_GOOD: Final = 192
_TONES: Final = {
    DeviceState.ONLINE: "ok",
    DeviceState.DEGRADED: "warn",
    DeviceState.IDLE: "wait",
    DeviceState.CONNECTING: "wait",
    DeviceState.BACKOFF: "bad",
    DeviceState.FAULTED: "bad",
}
_QUALITY_ICONS: Final = {192: "ok", 64: "warn", 0: "bad"}


def devices(status: Status, view: View, opened: frozenset[str]) -> Markup | None:
    """Make the section of all machines; None when there are none."""
    if not status.devices:
        return None
    preview = min(_PREVIEW, _PREVIEW_TOTAL // len(status.devices))
    cards = (_card(device, view, opened=opened, preview=preview) for device in status.devices)
    return tag(
        "section",
        tag("h2", view.say(words.DEVICES)),
        tag("nav", *(_chip(device, view) for device in status.devices), class_="chips"),
        tag("div", *cards, class_="cards"),
        id="devices",
    )


def _chip(device: DeviceStatus, view: View) -> Markup:
    """Make the short form of a machine, so that many are seen at once on a phone."""
    tone = _TONES[device.state]
    by_link = tone == "bad" or not device.machine_state
    state = _known_state(device)
    shown = tone if by_link else state
    word = words.LINK_STATES[device.state] if by_link else words.MACHINE_STATES[state]
    label = f"{title_of(device)}{view.say(words.COLON)}{view.say(word)}"
    return tag("a", icon(shown), device.id, href=f"#d-{device.id}", title=label,
               aria_label=label, class_=f"state s-{shown}")  # fmt: skip


def _badge(device: DeviceStatus, view: View) -> Markup | None:
    """Show the machine's state as colour, sign and word; nothing for a device without one."""
    state = _known_state(device)
    if not state:
        return None
    word = view.say(words.MACHINE_STATES[state])
    return tag("span", icon(state), word, class_=f"state s-{state}")


def _known_state(device: DeviceStatus) -> str:
    state = device.machine_state
    return state if not state or state in words.MACHINE_STATES else "unknown"


def _card(device: DeviceStatus, view: View, *, opened: frozenset[str], preview: int) -> Markup:
    tone = _TONES[device.state]
    problem = problem_of(device)
    shown = device.tags if device.id in opened else device.tags[:preview]
    return tag(
        "article",
        tag("header", tag("h3", title_of(device)), _badge(device, view)),
        tag("p", _link_line(device, view), class_=f"link t-{tone}"),
        tag("p", view.say(problem), class_="problem") if problem else None,
        _table(shown, view) if shown else None,
        _toggle(device, view, opened=opened, preview=preview),
        *remark_lines(device, view),
        refused_line(device, view),
        alarm_list(device, view),
        identity_line(device, view),
        place_line(device, view),
        tag("p", _counts(device, view), class_="small"),
        class_=f"card tone-{tone}",
        id=f"d-{device.id}",
    )


def _link_line(device: DeviceStatus, view: View) -> Markup:
    word = view.say(words.LINK_STATES[device.state])
    if device.last_data_ms is None:
        data: Markup = tag("span", view.say(words.NO_DATA_YET))
    else:
        before, after = view.say(words.LAST_DATA).split("{age}")
        data = tag("span", before, view.since(device.last_data_ms), after)
    return tag("span", icon(_TONES[device.state]), tag("b", word), " ", data)


def _counts(device: DeviceStatus, view: View) -> str:
    counts = view.say(
        words.COUNTS,
        reads=number(device.reads),
        failures=number(device.failures),
        missed=number(device.missed),
        lost=number(device.lost_changes),
    )
    if not device.gaps:
        return counts
    return counts + view.say(words.GAPS, gaps=number(device.gaps), past=number(device.past_values))


def _table(shown: Sequence[TagStatus], view: View) -> Markup:
    head = tag("tr", *(tag("th", view.say(w), scope="col", class_=c) for w, c in _COLUMNS))
    return tag("table", tag("thead", head), tag("tbody", *(_row(t, view) for t in shown)))


_COLUMNS: Final = ((words.POINT, None), (words.VALUE, "num"), (words.QUALITY, None))


def _row(point: TagStatus, view: View) -> Markup:
    good = point.quality == _GOOD
    name = tag("span", point.description or point.name)
    code = tag("code", point.name) if point.description else None
    return tag(
        "tr",
        tag("td", name, code),
        tag("td", _value(point, view), class_="num"),
        tag("td", _quality(point, view)),
        class_=None if good else "not-good",
    )


def _value(point: TagStatus, view: View) -> Markup:
    state = point.value if point.name == "machine.state" else None
    if isinstance(state, str) and state in words.MACHINE_STATES:
        return tag("span", view.say(words.MACHINE_STATES[state]))
    unit = unit_text(point.unit)
    text = value_text(point.value, view.language)
    small = tag("small", unit) if unit and point.value is not None else None
    return tag("span", tag("b", text), " " if small else None, small)


def _quality(point: TagStatus, view: View) -> Markup:
    """Show quality, age and reason; a quality that OPC does not know counts as bad."""
    known = point.quality if point.quality in words.QUALITIES else 0
    word = _quality_word(known, view.language)
    if point.quality == _GOOD and not point.reason:
        return tag("div", word, " ", tag("small", age(view.now_ms, point.time_ms, view.language)))
    meaning = words.REASONS.get(point.reason)
    reason = tag("small", view.say(meaning), " ") if meaning else None
    code = tag("code", point.reason) if point.reason else None
    return tag("div", word, " ", tag("small", view.since(point.time_ms)), reason, code)


@cache
def _quality_word(quality: int, language: str) -> Markup:
    """Show a quality as colour, sign and word."""
    text = words.QUALITIES[quality].text(language)
    return tag("span", icon(_QUALITY_ICONS[quality]), text, class_=f"quality q-{quality}")


def _toggle(
    device: DeviceStatus, view: View, *, opened: frozenset[str], preview: int
) -> Markup | None:
    """Make the link that opens or closes the table; it works without a script."""
    if len(device.tags) <= preview:
        return None
    if device.id in opened:
        label = view.say(words.FEWER_POINTS)
    else:
        label = view.say(words.MORE_POINTS, n=len(device.tags))
        seen = len(not_good(device.tags[:preview]))
        hidden = len(not_good(device.tags)) - seen
        label += view.say(words.MORE_NOT_GOOD, n=hidden) if hidden else ""
    others = sorted(opened ^ {device.id})
    href = f"/?open={quote(','.join(others), safe=',')}#d-{device.id}"
    return tag("p", tag("a", label, href=href, data_open=device.id), class_="more")
