"""Who a device says it is: asked rarely, told as an event, kept with the lessons for the evidence.

A question that is not answered costs the device nothing: it is asked again a day later. Never asks
by itself: `agent.collect.caretaker` does, in the device's turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

import orjson

from agent.collect.said import said
from agent.store.events import event_body
from agent.telemetry import logs
from drivers.api import Busy, DriverError, Identifies, Identity, NoReply, SessionLost

if TYPE_CHECKING:
    from agent.collect.bus import Bus
    from agent.collect.device import DeviceRun

EVERY_S = 86_400.0
"""A device is asked this seldom."""
AGAIN_S = 60.0
"""A device that was busy is asked again after this, at the earliest."""
ANSWER_S = 60.0
"""The whole question takes no longer, whatever the driver does."""
TEXT_CHARS = 256
"""Longest text kept of what a device says of itself."""
RAW_PAIRS = 64
"""Most pairs kept of what a device says of itself."""

_log = logging.getLogger("chulian.collect")


class SessionSpent(Exception):  # noqa: N818 - names the event the supervisor reacts to
    """A question beside the polls ended the session; no device is to blame."""


def wants_identity(device: DeviceRun, session: Any) -> bool:
    """Tell whether a device is to be asked in this session: it is due, allowed and possible."""
    return may_say(device, session) and device.identify_s <= time.monotonic()


async def identify(bus: Bus, session: Any, device: DeviceRun) -> None:
    """Ask a device who it is, and keep what it says.

    Raises:
        SessionSpent: it did not answer, and the session cannot be used any more.
        SessionLost: the session was lost meanwhile.
    """
    if device.identify_s > time.monotonic():
        return  # it was asked in an earlier session, and asked for again in this one
    device.identify_s = time.monotonic() + EVERY_S
    try:
        async with asyncio.timeout(ANSWER_S):
            found: Identity = await session.identify(device.groups[0].plan.plan)
    except NoReply as error:
        raise SessionSpent(str(error)) from error
    except SessionLost:
        raise
    except Busy as busy:
        device.identify_s = time.monotonic() + max(busy.wait_s, AGAIN_S)
        bus.ask_identity(device, due_s=device.identify_s)
    except (DriverError, TimeoutError) as error:
        with logs.about(device.id):
            _log.info("does not say who it is: %s", error)
        if isinstance(error, DriverError):
            says_nothing(device)
    else:
        found = _bounded(found)
        if found == Identity():
            says_nothing(device)
        else:
            introduce(device, found)


def may_say(device: DeviceRun, session: Any) -> bool:
    """Tell whether a device can be asked who it is at all."""
    allowed = getattr(device.plan.config, "ask_identity", True)
    return bool(allowed) and isinstance(session, Identifies)


def says_nothing(device: DeviceRun) -> None:
    """Have it kept that a device does not say who it is; what it said before stands."""
    if device.identity is None:
        device.identity = Identity()
        text = orjson.dumps(device.identity).decode()
        device.sink.put_lessons([(device.id, "", text, time.time_ns() // 1_000_000)])


def introduce(device: DeviceRun, identity: Identity) -> None:
    """Show who a device is, tell it as an event, and have it kept."""
    device.identity = identity
    now_ms = time.time_ns() // 1_000_000
    said = {key: value for key, value in asdict(identity).items() if value}
    device.sink.put_event(now_ms, event_body("identity", t_ms=now_ms, d=device.id, **said))
    device.sink.put_lessons([(device.id, "", orjson.dumps(identity).decode(), now_ms)])


def kept_identity(text: str) -> Identity | None:
    """Read back what `introduce` had kept; None when it cannot be understood."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    names = {field.name for field in fields(Identity)}
    if not isinstance(said, dict) or not said.keys() <= names:
        return None
    raw = said.pop("raw", [])
    pairs = raw if isinstance(raw, list) else []
    if not all(isinstance(value, str) for value in said.values()):
        return None
    if not all(isinstance(pair, list) and [type(x) for x in pair] == [str, str] for pair in pairs):
        return None
    return _bounded(Identity(**said, raw=tuple((name, words) for name, words in pairs)))


def _bounded(identity: Identity) -> Identity:
    """Cut what a device says to what is kept, and make every text one that JSON can carry."""
    texts = {
        field.name: _text(getattr(identity, field.name))
        for field in fields(Identity)
        if field.name != "raw"
    }
    pairs = tuple((_text(name), _text(words)) for name, words in identity.raw[:RAW_PAIRS])
    return Identity(**texts, raw=pairs)


def _text(text: str) -> str:
    return said(text, most_chars=TEXT_CHARS)
