"""Series that are copies: of another device's, or of the same device's of another day. Pure.

Accused is only who has content that cannot be equal by chance: steps of measured values with four
digits, hardly any of them twice in their own series, most of them found in the other one, on
several days. Machines at rest, machines that make equal parts, coarse points and counters that
run with the clock have no such content, and are never accused. Stays in a state, which linked
machines may share, make a series remarkable, not a copy. Source: docs/specs/rate, section 5.1.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from agent.kpi.findings import Finding
from agent.kpi.reasons import Reason
from agent.kpi.sketch import SPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from agent.kpi.deviceday import DeviceDay, Sketch

LEAST_STEPS: Final = 60
"""Steps that a day must hold before it can be told from others."""
LEAST_STAYS: Final = 24
DISTINCT: Final = 0.5
"""Share of the steps that must be different ones; a series that repeats itself proves nothing."""
SHARED: Final = 0.5
"""Share of the smallest hashes of both days that must be in common."""
SHARED_STAYS: Final = 0.75
"""The same of stays: with equal parts there are so few different ones that some meet by chance."""
COPIED_DAYS: Final = 3
"""Days that must be copies before anybody is accused."""
ALIKE_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two days of equal content; `later` is not before `earlier`."""

    earlier: tuple[date, str]
    later: tuple[date, str]


def copies(days: Mapping[str, Sequence[DeviceDay]]) -> dict[str, Finding]:
    """Give the finding against each device whose series are another's, or its own of before."""
    pairs = _pairs(days, lambda one: one.values, LEAST_STEPS, share=SHARED)
    found = _against(pairs, COPIED_DAYS)
    accused = {
        device: Finding(Reason.COPIED, about, _others(device, about)) for device, about in found
    }
    pairs = _pairs(days, lambda one: one.stays, LEAST_STAYS, share=SHARED_STAYS)
    for device, about in _against(pairs, ALIKE_DAYS):
        finding = Finding(Reason.ALIKE, about, _others(device, about))
        accused.setdefault(device, finding)
    return accused


def _others(device: str, about: Mapping[str, str]) -> tuple[str, ...]:
    return () if about["other"] == device else (about["other"],)


def _against(pairs: Iterable[Pair], least_days: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each device with enough days that are copies of one other, and what was seen.

    Of two equal days the later one is the copy; on one and the same day nobody can tell which.
    """
    seen: defaultdict[tuple[str, str], dict[date, date]] = defaultdict(dict)
    for pair in pairs:
        (earlier_day, earlier), (later_day, later) = pair.earlier, pair.later
        seen[later, earlier].setdefault(later_day, earlier_day)
        if earlier_day == later_day:
            seen[earlier, later].setdefault(earlier_day, later_day)
    told = set()
    for (device, other), days in sorted(seen.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(days) >= least_days and device not in told:
            told.add(device)
            day = min(days)
            yield device, {
                "other": other, "copied": str(len(days)),
                "day": day.isoformat(), "other_day": days[day].isoformat(),
            }  # fmt: skip


def _pairs(
    days: Mapping[str, Sequence[DeviceDay]],
    sketch: Callable[[DeviceDay], Sketch],
    least: int,
    *,
    share: float,
) -> Iterator[Pair]:
    """Yield pairs of days with equal content; compared are neighbours by two hashes or more."""
    told = [
        (one.day, device, sketch(one))
        for device, found in sorted(days.items())
        for one in found
        if has_content(sketch(one), least)
    ]
    told.sort(key=lambda item: item[:2])
    met: defaultdict[tuple[int, int], int] = defaultdict(int)
    sketches = [one for _, _, one in told]
    for part in range(_PARTS):
        for owners in _owners(sketches, part):
            for nr, second in enumerate(owners[1:], 1):
                for first in owners[max(0, nr - _MOST_OWNERS) : nr]:
                    met[first, second] += 1
    for (first, second), _ in sorted(item for item in met.items() if item[1] > 1):
        if shared(told[first][2], told[second][2]) >= share:
            yield Pair(told[first][:2], told[second][:2])


def _owners(sketches: Sequence[Sketch], part: int) -> Iterator[list[int]]:
    """Yield, for each hash of one part of them that several days have, which days these are."""
    entries = sorted(
        hashed * len(sketches) + at
        for at, one in enumerate(sketches)
        for hashed in one.hashes
        if hashed % _PARTS == part
    )
    for _, group in groupby(entries, key=lambda entry: entry // len(sketches)):
        owners = [entry % len(sketches) for entry in group]
        if len(owners) > 1:
            yield owners


_PARTS: Final = 8
"""Hashes are looked through in so many parts, so that a year of a hundred machines fits."""
_MOST_OWNERS: Final = 8
"""So many days before a day that hold the same hash are its neighbours: the work stays bounded."""


def has_content(sketch: Sketch, least: int) -> bool:
    """Tell whether a day's series is long, and repeats itself so little that it can be told."""
    held = len(sketch.kept) // _HASH_BYTES
    if sketch.offered < least or held < _FULL:
        return False
    largest = int.from_bytes(sketch.kept[-_HASH_BYTES:], "big")
    return (held - 1) * SPACE / max(largest, 1) >= sketch.offered * DISTINCT


_HASH_BYTES: Final = 4
_FULL: Final = 12
"""Hashes that a sketch must hold to be compared."""


def shared(one: Sketch, other: Sketch) -> float:
    """Estimate which share of the steps of both series is in both, from 0 to 1."""
    mine, theirs = set(one.hashes), set(other.hashes)
    size = min(len(mine), len(theirs))
    if not size:
        return 0.0
    smallest = sorted(mine | theirs)[:size]
    return sum(hashed in mine and hashed in theirs for hashed in smallest) / size
