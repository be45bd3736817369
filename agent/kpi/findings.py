"""What the days of one device show against it: flat lines, counters that fall, clockwork, night.

Pure. Each test asks for so much content that an idle machine, a short job or a coarse point cannot
fail it by chance; what is too little for a test passes it. Source: docs/specs/rate, section 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.kpi.reasons import Reason
from agent.kpi.watched import RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agent.kpi.calendar import ShopCalendar
    from agent.kpi.deviceday import DeviceDay

FLAT_DAYS: Final = 3
"""Days on which a machine must have claimed to run without moving."""
FLAT_RUNNING_S: Final = 4 * 3600
"""Seconds it must have claimed to run on each of them."""
FLAT_MOVERS: Final = 2
"""Metrics that cannot stand still then and did, at least."""
STILL_STATE_S: Final = 40 * 3600
"""Seconds for which a state must have been seen before never changing says anything."""
BACK_STEPS: Final = 3
"""Steps back of counters that are no accident any more."""
EVEN_DAYS: Final = 5
EVEN_STAYS: Final = 100
"""Stays on each of these days before perfect regularity says anything."""
_EVEN_SHARE: Final = 0.995
_ROUND_THE_CLOCK: Final = (1 << 24) - 1
_NIGHT_SHARE: Final = 0.9
_NIGHT_S: Final = 20 * 3600
_HOUR_NS: Final = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against a machine's evidence."""

    reason: Reason
    about: Mapping[str, str] = field(default_factory=dict)
    """The numbers and names seen, for its sentence."""
    rivals: tuple[str, ...] = ()
    """Devices it is about beside the machine's own."""


def findings_of(days: Sequence[DeviceDay], calendar: ShopCalendar) -> tuple[Finding, ...]:
    """Give everything that the days of one device show against it, the gravest first."""
    return tuple(_found(days, calendar))


def _found(days: Sequence[DeviceDay], calendar: ShopCalendar) -> Iterator[Finding]:
    flat = [one for one in days if _flat(one)]
    if len(flat) >= FLAT_DAYS and not any(one.moved for one in days):
        hours = sum(one.states[RUNNING] for one in flat) // 3600
        about = {"flat_days": str(len(flat)), "hours": str(hours)}
        yield Finding(Reason.FLAT_LINE, about)
    yield from _still(days)
    yield from _counters_back(days)
    clockwork = [one for one in days if _clockwork(one)]
    if len(clockwork) >= EVEN_DAYS and len(clockwork) == len(days):
        stays = sum(one.transitions for one in clockwork)
        yield Finding(Reason.TOO_REGULAR, {"stays": str(stays), "seen": str(len(days))})
    yield from _outside_shifts(days, calendar)


def _flat(day: DeviceDay) -> bool:
    return (
        day.states.get(RUNNING, 0) >= FLAT_RUNNING_S
        and day.movers >= FLAT_MOVERS
        and not day.moved
        and not any(one.increase for one in day.counters)
    )


def _still(days: Sequence[DeviceDay]) -> Iterator[Finding]:
    seen_s = sum(seconds for one in days for seconds in one.states.values())
    states = {state for one in days for state in one.states}
    moved = any(one.transitions for one in days)
    if seen_s >= STILL_STATE_S and len(states) == 1 and not moved:
        about = {"state": states.pop(), "hours": str(seen_s // 3600)}
        yield Finding(Reason.NO_TRANSITION, about)


def _counters_back(days: Sequence[DeviceDay]) -> Iterator[Finding]:
    back: dict[str, int] = {}
    for one in days:
        for counter in one.counters:
            back[counter.name] = back.get(counter.name, 0) + counter.back
    worst = max(back, key=lambda name: back[name], default="")
    if worst and back[worst] >= BACK_STEPS:
        yield Finding(Reason.COUNTER_BACK, {"metric": worst, "times": str(back[worst])})


def _clockwork(day: DeviceDay) -> bool:
    """Tell whether stays were equally long all day and night, without any break."""
    stays = day.stays.offered
    return (
        stays >= EVEN_STAYS
        and day.hours & _ROUND_THE_CLOCK == _ROUND_THE_CLOCK
        and day.even >= stays * _EVEN_SHARE
    )


def _outside_shifts(days: Sequence[DeviceDay], calendar: ShopCalendar) -> Iterator[Finding]:
    """Compare the hours in which it ran with the shifts; an hour touched by a shift is inside."""
    if not calendar.has_shifts:
        return
    total = sum(seconds for one in days for seconds in one.running.values())
    outside = sum(_outside_s(one, calendar) for one in days)
    if outside >= _NIGHT_S and outside > total * _NIGHT_SHARE:
        about = {"hours": str(outside // 3600), "all_hours": str(total // 3600)}
        yield Finding(Reason.OUTSIDE_SHIFTS, about)


def _outside_s(day: DeviceDay, calendar: ShopCalendar) -> int:
    if not day.running:
        return 0
    begins_ns = calendar.span(day.day).from_ns
    shifts = calendar.planned(day.day)
    return sum(
        seconds
        for hour, seconds in day.running.items()
        if not any(
            shift.start_ns < begins_ns + (hour + 1) * _HOUR_NS
            and begins_ns + hour * _HOUR_NS < shift.end_ns
            for shift in shifts
        )
    )
