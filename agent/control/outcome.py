"""One attempt to write: what was wanted, what came of it; as a line of JSON and as an event."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Any

from agent.store.events import event_body
from agent.telemetry.status import Message

if TYPE_CHECKING:
    from drivers.api import Value


class Fate(StrEnum):
    """What became of an attempt."""

    READY = "ready"
    """A preview: it may be written."""
    CONFIRMED = "confirmed"
    """The device holds the value."""
    ACCEPTED = "accepted"
    """The device said yes; the point is one that is not read back."""
    UNCONFIRMED = "unconfirmed"
    """The device refused, or nobody knows."""
    REFUSED = "refused"
    """The agent refused; nothing was sent."""
    UNREACHABLE = "unreachable"
    """The device does not answer; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asks for."""

    device: str
    tag: str
    text: str
    """The value, as typed."""
    who: str
    """Name of the local user."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order; values are in the unit of the point."""

    fate: Fate
    device: str
    tag: str
    message: Message
    code: str = ""
    """A refusal's code or a driver's symbolic status; empty when all is well."""
    description: str = ""
    unit: str = ""
    old: Value = None
    """What the device held before; None when it did not say."""
    new: Value = None
    after: Value = None
    """What it holds afterwards; None when nothing was sent or it did not say."""
    min: float | None = None
    max: float | None = None
    step: float | None = None
    direct: bool = False
    """Whether the command reached the machine by itself, no agent running."""

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON can carry it."""
        return {
            "fate": self.fate.value,
            "code": self.code,
            "device": self.device,
            "tag": self.tag,
            "description": self.description,
            "unit": self.unit,
            "old": _plain(self.old),
            "new": _plain(self.new),
            "after": _plain(self.after),
            "limits": {"min": self.min, "max": self.max, "step": self.step},
            "direct": self.direct,
            "message": {"en": self.message.en, "zh": self.message.zh},
        }

    @classmethod
    def from_line(cls, line: bytes) -> Outcome:
        """Read what `as_dict` gave; raises ValueError, KeyError or TypeError on anything else."""
        found = json.loads(line)
        limits = found["limits"]
        return cls(
            Fate(found["fate"]),
            found["device"],
            found["tag"],
            Message(found["message"]["en"], found["message"]["zh"]),
            code=found["code"],
            description=found["description"],
            unit=found["unit"],
            old=found["old"],
            new=found["new"],
            after=found["after"],
            min=limits["min"],
            max=limits["max"],
            step=limits["step"],
            direct=found["direct"],
        )


def audit_body(order: Order, outcome: Outcome, *, t_ms: int) -> bytes:
    """Give the event row of an attempt; what is not known is left out."""
    known = {
        "m": outcome.tag,
        "old": _told(outcome.old),
        "new": _told(order.text if outcome.new is None else outcome.new),
        "after": _told(outcome.after),
        "reason": outcome.code[:64],
    }
    return event_body(
        "write",
        t_ms=t_ms,
        d=outcome.device,
        by=order.who[:64],
        result=outcome.fate.value,
        **{key: value for key, value in known.items() if value not in ("", None)},
    )


def _plain(value: Value) -> bool | int | float | str | None:
    """Give a value JSON can carry; bytes and what is no number as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value


def _told(value: Value) -> bool | int | float | str | None:
    """Give a value as the payload carries it: whole numbers beyond 2^53 as text."""
    plain = _plain(value)
    if isinstance(plain, str):
        return plain[:64]
    if isinstance(plain, int) and abs(plain) >= 2**53:
        return str(plain)
    return plain
