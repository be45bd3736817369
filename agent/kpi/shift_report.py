"""A shift's record in the forms others take: figures with reasons, a frame, JSON.

The metrics go the way of every other value, as frames of the pseudo-device `kpi`, group `oee`:
one row per machine and shift, when the shift has ended. A figure that cannot be given is BAD with
the code of its reason, never a 0.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from agent.kpi.calendar import ShopCalendar
from agent.kpi.follow import SIGNALS
from agent.kpi.oee import Effectiveness, Inputs, Missing, effectiveness
from agent.kpi.report import DEVICE
from agent.kpi.segments import Segments
from agent.kpi.shift_record import Totals
from drivers.api import Frame, Quality

if TYPE_CHECKING:
    from datetime import date

    from agent.config.derived import Oee
    from agent.config.model import AgentConfig
    from agent.kpi.oee import Figure
    from agent.kpi.shift_record import ShiftRecord
    from drivers.api import Value

GROUP = "oee"
"""Name of the group of the pseudo-device."""
STATES = ("running", "idle", "alarm", "setup", "off", "unknown")

_NS_PER_MS = 1_000_000
_RATIOS = tuple(field.name for field in fields(Effectiveness))
_TEXTS = ("oee.device", "oee.day", "oee.shift")
_TIMES = ("planned", *STATES)
_COUNTS = ("parts", "good")

METRIC_NAMES = (
    *_TEXTS,
    *(f"oee.{name}_ms" for name in _TIMES),
    *(f"oee.{name}" for name in _COUNTS),
    *(f"oee.{name}{part}" for name in _RATIOS for part in ("", ".num", ".den")),
)
"""Every metric, in the order of the columns of a frame; a ratio is given in percent and exactly."""


@dataclass(frozen=True, slots=True)
class ShiftFigures:
    """One machine and shift, or shop day, with everything that can be said of it."""

    device: str
    day: date
    shift: str
    """Empty: the whole shop day."""
    planned_ms: int | None
    """Planned time that has passed; None where no shift is configured."""
    states_ms: dict[str, int]
    """Within planned time, where there is one; `unknown` is what remains."""
    parts: int | None
    good: int | None
    resets: int
    glitches: int
    late: int
    figures: Effectiveness

    def document(self) -> dict[str, Any]:
        """Give it as JSON-able data; ratios as [numerator, denominator] or the reason."""
        head = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "figures"}
        ratios = {name: _shown(getattr(self.figures, name)) for name in _RATIOS}
        return head | {"day": self.day.isoformat(), "figures": ratios}


def shift_figures(
    config: AgentConfig, record: ShiftRecord, shift: str, *, now_ms: int
) -> ShiftFigures:
    """Give the figures of one shift of a record; an empty name asks for the whole shop day."""
    calendar = ShopCalendar.of(config)
    entry = next((one for one in config.devices if one.id == record.device), None)
    oee = None if entry is None else entry.oee
    elapsed = _elapsed_ms(calendar, record.day, shift, now_ms)
    totals = _sum(record, shift, planned=True if calendar.has_shifts else None)
    every = _sum(record, shift, planned=None)
    planned_ms = elapsed[0] if calendar.has_shifts else None
    states_ms = _states(totals, elapsed[0] if calendar.has_shifts else elapsed[1])
    inputs = _inputs(oee, totals=totals, every=every, planned_ms=planned_ms, calendar_ms=elapsed[1])
    return ShiftFigures(
        record.device,
        record.day,
        shift,
        planned_ms,
        states_ms,
        inputs.parts,
        inputs.good,
        every.resets,
        every.glitches,
        every.late,
        effectiveness(inputs),
    )


def shift_frame(one: ShiftFigures, *, now_ms: int) -> Frame:
    """Give the figures as a frame, stamped with the time they were computed."""
    values: list[Value] = [one.device, one.day.isoformat(), one.shift]
    values += [one.planned_ms, *(one.states_ms[state] for state in STATES), one.parts, one.good]
    missing = {3: Missing.NO_SHIFT, 10: Missing.NO_COUNTER, 11: Missing.NO_QUALITY_COUNTER}
    reasons = {at: why.value for at, why in missing.items() if values[at] is None}
    for name in _RATIOS:
        figure: Figure = getattr(one.figures, name)
        if isinstance(figure, Missing):
            reasons |= dict.fromkeys(range(len(values), len(values) + 3), figure.value)
            values += (None, None, None)
        else:
            values += (float(figure * 100), figure.numerator, figure.denominator)
    marks = bytes(Quality.BAD if at in reasons else Quality.GOOD for at in range(len(values)))
    return Frame(
        device=DEVICE,
        group=GROUP,
        read_ns=now_ms * _NS_PER_MS,
        values=tuple(values),
        qualities=marks if reasons else None,
        reasons=reasons or None,
    )


def _elapsed_ms(calendar: ShopCalendar, day: date, shift: str, now_ms: int) -> tuple[int, int]:
    """Give planned and calendar time of a shift, or of the shop day, that has passed."""
    own = [s for s in _segments(calendar, day) if not shift or s.bucket.shift == shift]
    spent = [(s, max(0, min(s.to_ms, now_ms) - s.from_ms)) for s in own]
    return sum(ms for s, ms in spent if s.bucket.planned), sum(ms for _, ms in spent)


def _segments(calendar: ShopCalendar, day: date) -> list[Any]:
    """Give the segments counted for a day: its shifts also where they end on the next day."""
    segments = Segments(calendar)
    found = (*segments.of_day(day), *segments.of_day(calendar.day_of(calendar.span(day).until_ns)))
    return [one for one in found if one.bucket.day == day]


def _sum(record: ShiftRecord, shift: str, *, planned: bool | None) -> Totals:
    total = Totals()
    for bucket, one in record.totals.items():
        if (shift and bucket.shift != shift) or planned not in {None, bucket.planned}:
            continue
        total.states_ms.update(one.states_ms)  # keeps zeros, which say that it was known
        total.signals_ms.update(one.signals_ms)
        total.counts.update(one.counts)
        total.resets += one.resets
        total.glitches += one.glitches
        total.late += one.late
    return total


def _states(totals: Totals, span_ms: int) -> dict[str, int]:
    known = {state: totals.states_ms[state] for state in STATES[:-1]}
    return known | {"unknown": max(0, span_ms - sum(known.values()))}


def _inputs(
    oee: Oee | None, *, totals: Totals, every: Totals, planned_ms: int | None, calendar_ms: int
) -> Inputs:
    known = bool(every.states_ms)
    running = totals.states_ms["running"]
    signals = {name: _signal(every, name) for name in SIGNALS}
    return Inputs(
        planned_ms=planned_ms,
        calendar_ms=calendar_ms,
        running_ms=running if known else None,
        extra_ms=every.states_ms["running"] - running,
        setup_ms=totals.states_ms["setup"],
        alarm_ms=totals.states_ms["alarm"],
        part_ms=None if oee is None or oee.part_s is None else Fraction(str(oee.part_s)) * 1000,
        parts=totals.counts["parts"] if "parts" in every.counts else None,
        good=_good(totals),
        power_ms=signals["power"],
        spindle_ms=signals["spindle"],
        cutting_ms=signals["cutting"],
    )


def _signal(totals: Totals, name: str) -> int | None:
    """Give how long a signal was on; None where it was never known."""
    if name in totals.signals_ms or f"{name}.off" in totals.signals_ms:
        return totals.signals_ms[name]
    return None


def _good(totals: Totals) -> int | None:
    """Give the good parts, counted or as parts less scrap; None where neither is counted."""
    if "good" in totals.counts:
        return totals.counts["good"]
    if "scrap" in totals.counts and "parts" in totals.counts:
        return totals.counts["parts"] - totals.counts["scrap"]
    return None


def _shown(figure: Figure) -> list[int] | str:
    if isinstance(figure, Missing):
        return figure.value
    return [figure.numerator, figure.denominator]
