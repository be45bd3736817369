"""Lessons as they are kept across restarts: a small JSON text, checked when it comes back.

A text that is not exactly what this version writes is not a lesson: `parse` gives None for it.
Times are UTC milliseconds of this gateway's clock; a clock that jumped makes an entry due early.
Never does I/O.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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

Ms = Annotated[int, Field(ge=0)]


class _Lesson(BaseModel):
    """Something a device refused, when that was found out, and when it was last confirmed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learned_ms: Ms
    asked_ms: Ms

    def due(self, now_ms: int) -> bool:
        """Tell whether it is to be tried again; so it is whenever the clock makes no sense."""
        age_ms = self.asked_ms - self.learned_ms
        wait_ms = min(max(age_ms, FIRST_RETRY_MS), LAST_RETRY_MS)
        return not 0 <= now_ms - self.asked_ms < wait_ms


class HoleLesson(_Lesson):
    """Addresses a device refuses; without length: it refuses to cross from one to the next."""

    table: Table
    start: Annotated[int, Field(ge=0, le=ADDRESS_SPACE)]
    end: Annotated[int, Field(ge=0, le=ADDRESS_SPACE)]
    reason: Annotated[str, Field(pattern=r"^(Bad|Uncertain)[A-Za-z]{1,60}$")]


class LimitLesson(_Lesson):
    """Most addresses a device answers at once."""

    count: Annotated[int, Field(ge=1, le=MAX_BITS)]


class Lessons(BaseModel):
    """Everything that was found out about a device by reading one plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    place: Annotated[str, Field(max_length=1000)] = ""
    """Which device on the wire they are about."""
    holes: Annotated[tuple[HoleLesson, ...], Field(max_length=MAX_HOLES)] = ()
    many: bool = False
    """Whether there were more holes than are kept."""
    registers: LimitLesson | None = None
    bits: LimitLesson | None = None
    request_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] | None = None
    """Measured fixed part of a request."""
    mute_ms: Ms | None = None
    """When the device last kept silent on the question who it is."""


def parse(text: str, *, place: str) -> Lessons | None:
    """Read the lessons about the device at a place back; None for anything odd, or another's."""
    if len(text) > MAX_LESSONS_CHARS:
        return None
    try:
        lessons = Lessons.model_validate_json(text)
    except ValidationError:
        return None
    whole = all(
        0 <= hole.end - hole.start <= (MAX_BITS if hole.table.holds_bits else MAX_REGISTERS)
        for hole in lessons.holes
    )
    fits = lessons.registers is None or lessons.registers.count <= MAX_REGISTERS
    return lessons if whole and fits and lessons.place == place else None


def dump(lessons: Lessons, *, place: str) -> str:
    """Write lessons about the device at a place down; empty when there are none."""
    if lessons == Lessons(place=lessons.place):
        return ""
    return lessons.model_copy(update={"place": place}).model_dump_json(exclude_defaults=True)
