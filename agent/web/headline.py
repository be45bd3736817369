"""The big line at the top: how things stand, in one sentence, and under it what to do."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from agent.kpi.region import percent_text
from agent.telemetry.status import DeviceState
from agent.web import words
from agent.web.figures import number
from agent.web.markup import Markup, join, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.telemetry.status import (
        DeviceStatus,
        Message,
        RateStatus,
        Status,
        StoreStatus,
    )
    from agent.web.view import View

_STARTING: Final = frozenset({DeviceState.IDLE, DeviceState.CONNECTING})
_DOWN: Final = frozenset({DeviceState.BACKOFF, DeviceState.FAULTED})
_MOST_NAMES: Final = 5
_TOLERATED_BACKLOG_MS: Final = 60_000
"""Below this a backlog is ordinary batching and not worth a line."""


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that is not well: whom it is about and what to do."""

    subject: str
    text: str
    anchor: str = ""
    tone: str = "bad"


def headline(status: Status, view: View) -> Markup:
    """Make the section: tone, sentence, platform line, list of what to do."""
    todos = sorted(todo_list(status, view), key=lambda todo: todo.tone != "bad")
    tone = _tone(status, todos)
    return tag(
        "section",
        tag("h1", icon(tone), tag("span", devices_line(status, view))),
        tag("p", platform_line(status, view), class_="second") if status.destinations else None,
        rate_line(status.rate, view) if status.rate else None,
        tag("ul", *(_item(alike, view) for alike in _together(todos))) if todos else None,
        class_=f"headline tone-{tone}",
    )


def devices_line(status: Status, view: View) -> str:
    """Say how many devices are online and which are not."""
    devices = status.devices
    down = [d for d in devices if d.state in _DOWN]
    starting = [d for d in devices if d.state in _STARTING]
    partly = [d for d in devices if d.state is DeviceState.DEGRADED]
    online = len(devices) - len(down) - len(starting)
    if not devices:
        return view.say(words.NO_DEVICES)
    parts = []
    if online == len(devices):
        whole = words.ONE_ONLINE if online == 1 else words.ALL_ONLINE
        parts.append(view.say(whole, n=online))
    else:
        parts.append(view.say(words.SOME_ONLINE, n=online))
    for group, sentence in ((down, words.NO_DATA), (starting, words.STARTING)):
        if group:
            parts.append(view.say(sentence, n=len(group), names=_names(group, view)))
    if partly:
        parts.append(view.say(words.POINTS_FAIL, n=len(partly)))
    return view.say(words.CLAUSE).join(parts)


def platform_line(status: Status, view: View) -> str:
    """Say whether data reach the platform, and what waits."""
    away = [d.name for d in status.destinations if not d.connected]
    if away and len(away) == len(status.destinations):
        return view.say(words.PLATFORM_AWAY)
    if away:
        return view.say(words.PART_AWAY, names=view.say(words.LIST_COMMA).join(away))
    if not status.devices or not status.store.acked.rows:
        return view.say(words.PLATFORM_THERE)
    oldest_ms = status.store.oldest_ms
    if oldest_ms is not None and status.now_ms - oldest_ms > _TOLERATED_BACKLOG_MS:
        rows = number(status.store.waiting.rows)
        return view.say(words.CATCHING_UP, rows=rows, age=view.span_since(oldest_ms))
    return view.say(words.SENDING)


def rate_line(rate: RateStatus, view: View) -> Markup | None:
    """Say the rate in one line, declared beside verified; None where there is none."""
    if rate.declared is None or rate.verified is None:
        return None
    declared, verified = (percent_text(Fraction(*f)) for f in (rate.declared, rate.verified))
    figures = view.say(words.RATE_IN_SHORT, declared=declared, verified=verified)
    link = tag("a", view.say(words.RATE), href="#rate")
    return tag("p", link, view.say(words.COLON), figures, class_="second")


def todo_list(status: Status, view: View) -> Iterator[Todo]:
    """Yield what is not well: store, devices, platform, the program itself, clock."""
    yield from _store_todos(status.store, view)
    if not status.devices:
        yield Todo("", view.say(words.NO_DEVICES_DO), tone="warn")
    for device in status.devices:
        problem = problem_of(device)
        if problem is not None:
            tone = "bad" if device.state in _DOWN else "warn"
            yield Todo(title_of(device), view.say(problem), f"d-{device.id}", tone)
    for destination in status.destinations:
        if not destination.connected or destination.problem is not None:
            problem = destination.problem or words.PLATFORM_DO
            yield Todo(destination.name, view.say(problem), "store", "warn")
        if destination.rows is not None and not destination.rows.balanced:
            yield Todo(destination.name, view.say(words.UNBALANCED), "store")
    for trouble in status.process.problems if status.process is not None else ():
        yield Todo("", view.say(trouble), tone="warn")
    if status.clock_note is not None or status.clock == "free":
        yield Todo("", view.say(status.clock_note or words.CLOCK_DO), tone="warn")


def _store_todos(store: StoreStatus, view: View) -> Iterator[Todo]:
    if store.problem is not None:
        yield Todo(view.say(words.STORE_TROUBLE), view.say(store.problem), "store")
    if store.notice is not None:
        yield Todo(view.say(words.STORE_NOTICE), view.say(store.notice), "store", "warn")
    if not store.balanced:
        yield Todo(view.say(words.NOT_BALANCED), view.say(words.UNBALANCED), "store")


def problem_of(device: DeviceStatus) -> Message | None:
    """Give the device's own problem, or what is generally done in its state."""
    return device.problem or words.WHAT_TO_DO.get(device.state)


def title_of(device: DeviceStatus) -> str:
    """Give the device's id and name for people."""
    return f"{device.id} {device.name}".strip()


def _tone(status: Status, todos: Iterable[Todo]) -> str:
    tones = {todo.tone for todo in todos}
    if "bad" in tones:
        return "bad"
    starting = any(d.state in _STARTING for d in status.devices)
    return "warn" if tones or starting else "ok"


def _names(devices: list[DeviceStatus], view: View) -> str:
    names = [title_of(d) for d in devices[:_MOST_NAMES]]
    text = view.say(words.LIST_COMMA).join(names)
    return f"{text} …" if len(devices) > _MOST_NAMES else text


def _together(todos: Iterable[Todo]) -> list[list[Todo]]:
    """Put those that ask for the same together: thirty meters of one line are one thing to do."""
    alike: dict[tuple[str, str], list[Todo]] = {}
    for todo in todos:
        alike.setdefault((todo.tone, todo.text), []).append(todo)
    return list(alike.values())


def _item(alike: list[Todo], view: View) -> Markup:
    """Say what is to be done, and of whom: all that ask for it, a few of many by name."""
    first, comma = alike[0], view.say(words.LIST_COMMA)
    names = [_subject(todo) for todo in alike[:_MOST_NAMES] if todo.subject]
    subjects = [part for name in names for part in (comma, name)][1:]
    more = view.say(words.AND_OTHERS, n=len(alike)) if len(alike) > _MOST_NAMES else ""
    colon = view.say(words.COLON) if subjects else None
    return tag("li", join((icon(first.tone), tag("span", *subjects, more, colon, first.text))))


def _subject(todo: Todo) -> Markup:
    name = tag("b", todo.subject)
    return tag("a", name, href=f"#{todo.anchor}") if todo.anchor else name
