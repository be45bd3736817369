"""What is kept of a device: holes, limits, round trip, silence on who it is; and since when.

Bounded, and equal knowledge gives an equal text. Never does I/O.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from drivers.modbus.blocks import Hole, Knowledge
from drivers.modbus.learning.lessons import (
    MAX_HOLES,
    HoleLesson,
    Lessons,
    LimitLesson,
    dump,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from drivers.modbus.points.address import Point

LessonT = TypeVar("LessonT", HoleLesson, LimitLesson)

MUTE_MS = 86_400_000
"""How long a device that keeps silent on who it is is not asked again."""

_NS_PER_MS = 1_000_000


class Memory:
    """The lessons of one plan."""

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self._wall_ns = wall_ns
        self._kept = Lessons()
        self._text: str | None = ""

    def text_about(self, place: str) -> str:
        """Give everything as JSON, with the device it is about; empty when there is nothing."""
        if self._text is None:
            self._text = dump(self._kept, place=place)
        return self._text

    def take_up(self, text: str, points: Sequence[Point], *, place: str) -> bool:
        """Take lessons of an earlier life as far as they concern the points.

        False for odd ones, and for those of a device at another place.
        """
        kept = parse(text, place=place)
        if kept is None:
            return False
        self._keep(kept, holes=tuple(hole for hole in kept.holes if _concerns(hole, points)))
        return True

    @property
    def knowledge(self) -> Knowledge:
        """Everything, as plans are made from it."""
        kept = self._kept
        return Knowledge(
            holes=tuple(Hole(hole.table, hole.start, hole.end, hole.reason) for hole in kept.holes),
            max_registers=kept.registers.count if kept.registers else None,
            max_bits=kept.bits.count if kept.bits else None,
            request_s=kept.request_s,
        )

    @property
    def full(self) -> bool:
        """Whether no hole more can be kept; from then on the lessons say so."""
        if len(self._kept.holes) >= MAX_HOLES and not self._kept.many:
            self._keep(self._kept, many=True)
        return self._kept.many

    def add_holes(self, holes: Iterable[Hole]) -> None:
        """Keep holes that were found now, as many as there is room for."""
        now_ms = self._now_ms()
        kept = {(hole.table, hole.start, hole.end): hole for hole in self._kept.holes}
        for hole in holes:
            kept[hole.table, hole.start, hole.end] = HoleLesson(
                learned_ms=now_ms, asked_ms=now_ms,
                table=hole.table, start=hole.start, end=hole.end, reason=hole.reason,
            )  # fmt: skip
        self._keep(self._kept, holes=tuple(kept.values())[:MAX_HOLES])

    def set_limit(self, count: int, *, holds_bits: bool) -> None:
        """Keep the most registers, or bits, the device answers at once, found now."""
        now_ms = self._now_ms()
        lesson = LimitLesson(learned_ms=now_ms, asked_ms=now_ms, count=count)
        self._keep(self._kept, **{_kind(holds_bits=holds_bits): lesson})

    def set_request_s(self, request_s: float) -> None:
        """Keep the measured fixed part of a request."""
        self._keep(self._kept, request_s=request_s)

    def limit(self, *, holds_bits: bool) -> LimitLesson | None:
        """Give the limit kept for registers, or bits."""
        return self._kept.bits if holds_bits else self._kept.registers

    def due_holes(self) -> list[HoleLesson]:
        """Give the holes that are to be asked again."""
        now_ms = self._now_ms()
        return [hole for hole in self._kept.holes if hole.due(now_ms)]

    def due_limit(self) -> tuple[LimitLesson, bool] | None:
        """Give a limit that is to be tried again, and whether it is one of bits."""
        for holds_bits in (False, True):
            lesson = self.limit(holds_bits=holds_bits)
            if lesson is not None and lesson.due(self._now_ms()):
                return lesson, holds_bits
        return None

    def confirm_limit(self, *, holds_bits: bool) -> None:
        """Note that a request longer than a limit failed again."""
        lesson = self.limit(holds_bits=holds_bits)
        if lesson is not None:
            self._keep(self._kept, **{_kind(holds_bits=holds_bits): self._confirmed(lesson)})

    def confirm_hole(self, hole: HoleLesson) -> None:
        """Note that a hole was refused again."""
        confirmed = self._confirmed(hole)
        self._keep(
            self._kept,
            holes=tuple(confirmed if each == hole else each for each in self._kept.holes),
        )

    def _confirmed(self, lesson: LessonT) -> LessonT:
        """Make a lesson older; a clock that was set back makes it a young one."""
        now_ms = self._now_ms()
        return replace(lesson, asked_ms=now_ms, learned_ms=min(lesson.learned_ms, now_ms))

    def drop_hole(self, hole: HoleLesson) -> None:
        """Forget a hole that answered."""
        self._keep(
            self._kept, many=False, holes=tuple(each for each in self._kept.holes if each != hole)
        )

    def drop_holes(self) -> None:
        """Forget every hole."""
        self._keep(self._kept, many=False, holes=())

    def drop_limit(self, *, holds_bits: bool) -> None:
        """Forget a limit."""
        self._keep(self._kept, **{_kind(holds_bits=holds_bits): None})

    @property
    def mute(self) -> bool:
        """Whether the device kept silent on who it is within the last day."""
        since_ms = self._kept.mute_ms
        return since_ms is not None and 0 <= self._now_ms() - since_ms < MUTE_MS

    def set_mute(self) -> None:
        """Note that the device kept silent on who it is."""
        self._keep(self._kept, mute_ms=self._now_ms())

    def _now_ms(self) -> int:
        return self._wall_ns() // _NS_PER_MS

    def _keep(self, lessons: Lessons, **changed: Any) -> None:
        """Replace what is kept."""
        self._kept = replace(lessons, **changed)
        self._text = None


def _kind(*, holds_bits: bool) -> str:
    """Name the field of a limit."""
    return "bits" if holds_bits else "registers"


def _concerns(hole: HoleLesson, points: Sequence[Point]) -> bool:
    """Tell whether a plan may come across a hole: it lies among the plan's points."""
    places = [(point.start, point.end) for point in points if point.table is hole.table]
    return any(start < hole.end for start, _ in places) and any(
        end > hole.start for _, end in places
    )
