"""What a machine itself reports: its latest alarms and events, and how many there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.web import words
from agent.web.figures import number
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from agent.telemetry.alarms import AlarmsStatus, AlarmStatus
    from agent.telemetry.status import DeviceStatus
    from agent.web.view import View

SHOWN: Final = 5
"""Alarms shown on a card; `/api/status` has more."""
_LONGEST: Final = 160


def alarm_list(device: DeviceStatus, view: View) -> Markup | None:
    """List a machine's latest alarms; None where it is not asked for them."""
    alarms = device.alarms
    if alarms is None:
        return None
    rows = [_row(alarm, view) for alarm in alarms.last[:SHOWN]]
    return tag(
        "div",
        tag("p", _summary(alarms, view), class_="small"),
        tag("p", view.say(alarms.problem), class_="small degraded") if alarms.problem else None,
        tag("ul", *rows, class_="small") if rows else None,
        class_="alarms",
    )


def _summary(alarms: AlarmsStatus, view: View) -> str:
    counts = {"repeats": number(alarms.repeats), "lost": number(alarms.lost)}
    text = view.say(words.ALARMS, told=number(alarms.told), **counts)
    return text if alarms.watched else text + view.say(words.ALARMS_NOT_WATCHED)


def _row(alarm: AlarmStatus, view: View) -> Markup:
    state = _STATES[alarm.active]
    source = alarm.source + view.say(words.COLON) if alarm.source else ""
    text = source + (alarm.message or alarm.kind)
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    severity = view.say(words.SEVERITY, severity=alarm.severity) if alarm.severity else None
    return tag(
        "li",
        icon("ok" if alarm.active is False else "alarm"),
        " ",
        tag("b", view.say(state)) if state else None,
        " " if state else None,
        shown,
        " ",
        tag("small", severity, " " if severity else None, view.since(alarm.time_ms)),
    )


_STATES: Final = {True: words.ALARM_HOLDS, False: words.ALARM_OVER, None: None}
