"""Who a Modbus device is: function 0x2B with MEI type 0x0E, then the registers configured for it.

Nothing a device says of itself is taken on trust: lengths and the number of objects are checked.
What it does not tell stays empty. Never raises on what a device says. Source: Modbus Application
Protocol V1.1b3, 6.21.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from drivers.api import Identity, NoReply, Silent
from drivers.modbus.points.codec import text
from drivers.modbus.wire.framing import ExceptionReply
from drivers.modbus.wire.pdu import open_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from drivers.modbus.plan import ModbusPlan
    from drivers.modbus.wire.framing import Answer, Framing, Request

Ask: TypeAlias = "Callable[[Request], Awaitable[Answer]]"
"""Runs one request; raises what a session raises."""

MAX_ROUNDS = 16
"""Most answers taken for one identity; the standard's own objects fit in two."""

NAMES = {
    0x00: "VendorName",
    0x01: "ProductCode",
    0x02: "MajorMinorRevision",
    0x03: "VendorUrl",
    0x04: "ProductName",
    0x05: "ModelName",
    0x06: "UserApplicationName",
}
"""The objects the standard names."""

FUNCTION = 0x2B
MEI_TYPE = 0x0E
BASIC, REGULAR = 1, 2
"""Levels of identification a device may offer."""

_MORE_FOLLOWS = 0xFF
_HEADER = struct.Struct(">BBBBBB")
"""MEI type, level, conformity, more follows, next object, number of objects."""
_REFUSED_LEVEL = 3
"""Exception of a device that does not know the level asked for."""


async def identify(ask: Ask, plan: ModbusPlan) -> Identity:
    """Ask the plan's device; its own words come first, the registers fill what is missing.

    Raises:
        NoReply, Silent: no answer; to function 0x2B it is remembered, and not asked for a day.
        SessionLost, Busy: as any read.
    """
    said = Identity()
    memory = plan.learner.memory
    if plan.config.ask_identity and not memory.mute:
        try:
            said = await read_identification(ask, plan.framing, plan.unit)
        except NoReply:
            memory.set_mute()
            raise
        except Silent:
            memory.set_mute()
            if plan.probes is None:
                raise
    if plan.probes is None:
        return said
    answers = [await ask(request) for request in plan.probes.wire]
    return _completed(said, plan.probes.words(answers))


async def read_identification(ask: Ask, framing: Framing, unit: int) -> Identity:
    """Ask for the regular objects, else the basic ones; empty for a device that refuses both."""
    for level in (REGULAR, BASIC):
        objects, refusal = await _read_objects(ask, framing, unit, level)
        if refusal is None or refusal.code != _REFUSED_LEVEL:
            return _identity(objects)
    return Identity()


async def _read_objects(
    ask: Ask, framing: Framing, unit: int, level: int
) -> tuple[dict[int, str], ExceptionReply | None]:
    """Collect the objects of one level over as many answers as the device needs."""
    objects: dict[int, str] = {}
    next_object = 0
    for _ in range(MAX_ROUNDS):
        wanted = bytes([MEI_TYPE, level, next_object])
        answer = await ask(
            open_request(framing, FUNCTION, wanted, unit=unit, asked="its identification")
        )
        if isinstance(answer, ExceptionReply):
            return objects, answer
        found = _objects(answer)
        if found is None:
            break
        objects = found | objects
        _, _, _, more_follows, following, _ = _HEADER.unpack_from(answer)
        if more_follows != _MORE_FOLLOWS or following <= next_object:
            break
        next_object = following
    return objects, None


def _objects(data: bytes) -> dict[int, str] | None:
    """Give the objects of an answer as text, by number; None if it is not what it announces."""
    if len(data) < _HEADER.size or data[0] != MEI_TYPE:
        return None
    objects: dict[int, str] = {}
    at = _HEADER.size
    for _ in range(data[5]):
        if at + 2 > len(data):
            return None
        number, length = data[at], data[at + 1]
        at += 2 + length
        objects.setdefault(number, _words(data[at - length : at]))
    return objects if at == len(data) else None


def _words(raw: bytes) -> str:
    """Turn an object into text, in hexadecimal where it is none."""
    decoded = text(raw)
    return raw.hex() if decoded is None else decoded.strip()


def _identity(objects: dict[int, str]) -> Identity:
    """Name the objects; a Modbus device has no object for its serial number."""
    return Identity(
        maker=objects.get(0x00, ""),
        model=objects.get(0x05) or objects.get(0x04) or objects.get(0x01, ""),
        firmware=objects.get(0x02, ""),
        uri=objects.get(0x03, ""),
        raw=tuple(
            (NAMES.get(number, f"Object{number:02X}"), words)
            for number, words in sorted(objects.items())
        ),
    )


def _completed(said: Identity, words: Sequence[tuple[str, str, str]]) -> Identity:
    """Fill what the device did not say of itself; `raw` names the register of each text."""
    missing = {field: text for field, _, text in words if not getattr(said, field)}
    raw = tuple((f"{field} ({address})", text) for field, address, text in words)
    return replace(said, **missing, raw=said.raw + raw)
