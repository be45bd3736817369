"""Lessons as they are kept across restarts: a small JSON text, checked when it comes back.

A text that is not exactly what this version writes is not a lesson: `parse` gives None for it.
Times are UTC milliseconds of this gateway's clock; a clock that jumped makes an entry due early.
Never does I/O.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from drivers.modbus.config import MAX_BITS, MAX_REGISTERS
from drivers.modbus.points.syntax import ADDRESS_SPACE, Table

MAX_HOLES = 500
"""Most holes kept for one plan; what is refused beyond them is still BAD, and said so (`many`)."""

MAX_LESSONS_CHARS = 200_000
"""Longest text taken up; 500 holes need less than half of it."""

FIRST_RETRY_MS = 60_000
"""A lesson is tried again after a minute, then after twice the time each: devices start slowly,
and a disturbed line looks like a device that is silent to long requests."""

LAST_RETRY_MS = 86_400_000
"""No lesson is trusted for longer than a day."""

_REASON: Final = re.compile(r"(Bad|Uncertain)[A-Za-z]{1,60}")
_MOST_PLACE_CHARS: Final = 1000
_MOST_REQUEST_S: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """Something a device refused, when that was found out, and when it was last confirmed."""

    learned_ms: int
    asked_ms: int

    def due(self, now_ms: int) -> bool:
        """Tell whether it is to be tried again; so it is whenever the clock makes no sense."""
        age_ms = self.asked_ms - self.learned_ms
        wait_ms = min(max(age_ms, FIRST_RETRY_MS), LAST_RETRY_MS)
        return not 0 <= now_ms - self.asked_ms < wait_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class HoleLesson(_Lesson):
    """Addresses a device refuses; without length: it refuses to cross from one to the next."""

    table: Table
    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLesson(_Lesson):
    """Most addresses a device answers at once."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Everything that was found out about a device by reading one plan."""

    place: str = ""
    """Which device on the wire they are about."""
    holes: tuple[HoleLesson, ...] = ()
    many: bool = False
    """Whether there were more holes than are kept."""
    registers: LimitLesson | None = None
    bits: LimitLesson | None = None
    request_s: float | None = None
    """Measured fixed part of a request."""
    mute_ms: int | None = None
    """When the device last kept silent on the question who it is."""


def parse(text: str, *, place: str) -> Lessons | None:
    """Read the lessons about the device at a place back; None for anything odd, or another's."""
    if len(text) > MAX_LESSONS_CHARS:
        return None
    try:
        lessons = _lessons(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    return lessons if lessons.place == place else None


def dump(lessons: Lessons, *, place: str) -> str:
    """Write lessons about the device at a place down; empty when there are none."""
    if lessons == Lessons(place=lessons.place):
        return ""
    told = asdict(replace(lessons, place=place))
    kept = {key: value for key, value in told.items() if value not in (None, False, (), "")}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _lessons(
    *,
    version: Any = 1,
    place: Any = "",
    holes: Any = (),
    many: Any = False,
    registers: Any = None,
    bits: Any = None,
    request_s: Any = None,
    mute_ms: Any = None,
) -> Lessons:
    """Check every part of a text; TypeError or ValueError for what this version does not write."""
    if version != 1 or type(version) is not int or type(many) is not bool:
        raise ValueError
    if type(place) is not str or len(place) > _MOST_PLACE_CHARS or len(holes) > MAX_HOLES:
        raise ValueError
    if request_s is not None and not (
        type(request_s) in {int, float} and 0 <= request_s <= _MOST_REQUEST_S
    ):
        raise ValueError
    return Lessons(
        place=place,
        holes=tuple(_hole(**hole) for hole in holes),
        many=many,
        registers=None if registers is None else _limit(**registers, most=MAX_REGISTERS),
        bits=None if bits is None else _limit(**bits, most=MAX_BITS),
        request_s=request_s,
        mute_ms=None if mute_ms is None else _number(mute_ms),
    )


def _hole(
    *, learned_ms: Any, asked_ms: Any, table: Any, start: Any, end: Any, reason: Any
) -> HoleLesson:
    kind = Table(table)
    first, last = _number(start, most=ADDRESS_SPACE), _number(end, most=ADDRESS_SPACE)
    longest = MAX_BITS if kind.holds_bits else MAX_REGISTERS
    if not 0 <= last - first <= longest or _REASON.fullmatch(reason) is None:
        raise ValueError
    return HoleLesson(
        learned_ms=_number(learned_ms), asked_ms=_number(asked_ms),
        table=kind, start=first, end=last, reason=reason,
    )  # fmt: skip


def _limit(*, learned_ms: Any, asked_ms: Any, count: Any, most: int) -> LimitLesson:
    if _number(count, most=most) < 1:
        raise ValueError
    return LimitLesson(learned_ms=_number(learned_ms), asked_ms=_number(asked_ms), count=count)


def _number(found: Any, *, most: float = float("inf")) -> int:
    """Give a whole number from 0 to `most`."""
    if type(found) is not int or not 0 <= found <= most:
        raise ValueError
    return found
