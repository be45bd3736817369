"""What happened in the year, machine by machine: outages, swaps, idle months, and three frauds.

Pure. Everything that is odd about the shop stands here by name and date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from simulators.year.days import days, start_s, works
from simulators.year.ledger import SOURCES
from simulators.year.machines import ALARM, IDLE, RUNNING, Span, course, readings

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST: Final = date(2026, 1, 1)
LAST: Final = date(2026, 12, 31)
POWER_CUT: Final = (date(2026, 7, 8), date(2026, 7, 9))
"""No machine had power."""
CLOCK_FREE: Final = (date(2026, 7, 13), date(2026, 7, 19))
"""Nobody vouched for the gateway's clock."""
AGENT_DOWN: Final = (date(2026, 8, 4), date(2026, 8, 5))
"""The gateway was switched off."""
CABLE_OUT: Final = (date(2026, 8, 17), date(2026, 8, 26))
"""L2 could not be reached; it gave its own history of these days on the day after."""
QUEUE_FULL: Final = date(2026, 9, 8)
"""What V1 gave on this day was lost in the gateway."""
E1_AT_REST: Final = (date(2026, 7, 1), date(2026, 8, 31))
"""E1 was switched on, and had no orders."""
V4_REPEATS_FROM: Final = date(2026, 8, 10)
"""From then on V4 gives the week before this one over and over."""
V4_WEEK: Final = date(2026, 7, 27)
SWAPPED_ON: Final = date(2026, 9, 1)
"""From then on the machine behind V6 says another serial number."""
L3N_FROM: Final = date(2026, 8, 1)
BY_HAND: Final = date(2026, 9, 15)
"""On this day V2 runs as `HAND_MADE` says."""
HAND_MADE: Final = (
    Span(0, RUNNING), Span(7_200, IDLE), Span(9_000, RUNNING), Span(12_300, IDLE),
    Span(14_400, RUNNING), Span(21_600, ALARM), Span(25_200, RUNNING), Span(30_600, IDLE),
)  # fmt: skip
"""Day shift: 120, 55, 120 and 90 min of running, a part at the end of each; then nothing."""
PART_S: Final = 1500
"""V1 and V2 make equal parts that take so long each."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one source gave at one instant."""

    device: str
    time_s: int
    """UTC seconds, of the values."""
    values: tuple[int | bool, ...]
    late: bool = False
    """Whether it comes from the source's own history."""


def deliveries(day: date) -> Iterator[Delivery]:
    """Yield what the sources gave on a shop day, source by source, each by time."""
    if _in(day, POWER_CUT) or _in(day, AGENT_DOWN):
        return
    for device in SOURCES:
        if device == "l2" and _in(day, CABLE_OUT):
            continue
        if device == "v1" and day == QUEUE_FULL:
            continue
        if device == "l2" and day == CABLE_OUT[1] + timedelta(days=1):
            for one in days(*CABLE_OUT):
                yield from _day(device, one, late=True)
        yield from _day(device, day)


def clock_free(day: date) -> bool:
    """Tell whether nobody vouched for the gateway's clock on a day."""
    return _in(day, CLOCK_FREE)


def identity(device: str, day: date) -> dict[str, str]:
    """Give who a source says it is on a day."""
    if device == "v5":
        return {"maker": "Acme", "model": "CNC simulator"}
    if device == "v6":
        serial = "SY2019-0417" if day < SWAPPED_ON else "SY2021-0033"
        return {"maker": "沈阳机床", "model": "VMC850E", "serial": serial}
    return {}


def shown(device: str, day: date) -> tuple[str, date]:
    """Give whose day a source shows: its own, but for copies."""
    if device == "v3":
        return "v1", _working_day_before(day, 3)
    if device == "v4" and day >= V4_REPEATS_FROM:
        return device, V4_WEEK + timedelta(days=day.weekday() % 5)
    return device, day


def spans(device: str, day: date) -> tuple[Span, ...]:
    """Give the states of a source on a working day."""
    if device == "e1" and _in(day, E1_AT_REST):
        return (Span(0, IDLE),)
    if device == "v2" and day == BY_HAND:
        return HAND_MADE
    return course(device, day, part_s=PART_S if device in {"v1", "v2"} else 0)


def _day(device: str, day: date, *, late: bool = False) -> Iterator[Delivery]:
    if not works(day) or not _stands(device, day):
        return
    whose, shown_day = shown(device, day)
    began_s = start_s(day)
    played = spans(whose, shown_day)
    for one in readings(SOURCES[whose], whose, shown_day, played, counted=_counted(whose, day)):
        values = one.values
        if device == "e2":
            values = (*values[:-1], (int(values[-1]) * 40) % 65_536)
        yield Delivery(device, began_s + one.after_s, values, late)


def _stands(device: str, day: date) -> bool:
    """Tell whether a source is there: L3N took the place of L3."""
    if device == "l3":
        return day < L3N_FROM
    return device != "l3n" or day >= L3N_FROM


def _counted(device: str, day: date) -> int:
    """Give a source's counter as a day begins; L1's is set to 0 every morning."""
    if device == "l1":
        return 0
    return 31 * (day - FIRST).days


def _working_day_before(day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= works(day)
    return day


def _in(day: date, span: tuple[date, date]) -> bool:
    return span[0] <= day <= span[1]
