"""What is known of a machine beside its values: who it says it is, its line, what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.telemetry.taglist import not_good
from agent.web import words
from agent.web.markup import Markup, tag
from agent.web.view import icon

if TYPE_CHECKING:
    from agent.telemetry.status import DeviceStatus
    from agent.web.view import View

DEFAULT_GROUP: Final = "default"
"""A group that nobody named is not worth naming."""

_MOST_ADDRESSES: Final = 6
_LONGEST_ADDRESS: Final = 40


def place_line(device: DeviceStatus, view: View) -> Markup:
    """Say where the machine stands and by which line it is read, and how many share that."""
    shared = view.say(words.SHARED_LINE, n=device.on_line) if device.on_line > 1 else ""
    places = (device.workshop, device.line, device.driver, device.link, shared)
    return tag("p", " · ".join(filter(None, places)), class_="small")


def identity_line(device: DeviceStatus, view: View) -> Markup | None:
    """Say who the machine says it is; None where it was not asked, or does not say."""
    identity = device.identity
    if identity is None:
        return None
    parts = [
        " ".join(filter(None, (identity.maker, identity.model))),
        view.say(words.SERIAL, serial=identity.serial) if identity.serial else "",
        view.say(words.FIRMWARE, version=identity.firmware) if identity.firmware else "",
        identity.uri,
    ]
    who = view.say(words.LIST_COMMA).join(filter(None, parts))
    return tag("p", view.say(words.SAYS_IT_IS, who=who), class_="small") if who else None


def remark_lines(device: DeviceStatus, view: View) -> list[Markup]:
    """Say how the points are served, where that is worse than asked for, or only otherwise."""
    lines = []
    for remark in device.remarks:
        say = words.DEGRADED if remark.degraded else words.SERVED
        group = "" if remark.group == DEFAULT_GROUP else remark.group + view.say(words.COLON)
        text = view.say(say, what=group + view.say(remark.message))
        tone = "small degraded" if remark.degraded else "small"
        sign = icon("warn") if remark.degraded else None
        lines.append(tag("p", sign, " " if sign else None, text, class_=tone))
    return lines


def refused_line(device: DeviceStatus, view: View) -> Markup | None:
    """Say which addresses the machine refuses, as its points themselves tell; None for none."""
    refused = [t for t in not_good(device.tags) if t.reason in words.REFUSAL_REASONS and t.address]
    if not refused:
        return None
    shown = [_short(t.address) for t in refused[:_MOST_ADDRESSES]]
    more = " …" if len(refused) > len(shown) else ""
    addresses = view.say(words.LIST_COMMA).join(shown) + more
    text = view.say(words.REFUSED, n=len(refused), addresses=addresses)
    return tag("p", text, class_="small")


def _short(address: str) -> str:
    if len(address) <= _LONGEST_ADDRESS:
        return address
    return address[:_LONGEST_ADDRESS] + "…"
