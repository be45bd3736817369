"""What one machine gives to read on one shop day: raw words, as its controller or meter has them.

Pure and seeded: a machine and a day give the same readings every time. Between the readings of
every ten minutes there is one at each change of state.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from simulators.year.days import BREAKS_S, WORK_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

STEP_S: Final = 600
"""Seconds between two readings of a machine."""
RUNNING, IDLE, ALARM = "running", "idle", "alarm"
COLUMNS: Final = {
    "cnc": ("status.run", "status.aut", "status.alarm", "program.number", "axis.x.position",
            "spindle.load", "power.active", "part.count"),
    "opc": ("machine.state", "program.number", "axis.x.position", "spindle.load",
            "power.active", "part.count"),
    "press": ("signal.running", "signal.on", "machine.mode", "press.force", "part.count"),
    "meter": ("power.active", "energy.total"),
}  # fmt: skip
"""Kind of source -> its points, in the order of a reading's values.

A `cnc` gives the words from which its state follows, an `opc` the state itself.
"""
STATES: Final = (IDLE, RUNNING, ALARM)
"""State by the number an `opc` gives."""


class Span(NamedTuple):
    """A time in one state, in seconds after the start of the shop day."""

    begins_s: int
    state: str


class Reading(NamedTuple):
    """The values of one instant, raw."""

    after_s: int
    """Seconds after the start of the shop day."""
    values: tuple[int | bool, ...]


def course(machine: str, day: date, *, part_s: int = 0) -> tuple[Span, ...]:
    """Give the states of a working day, in turn; with `part_s` every part takes so long."""
    chance = Random(f"course {machine} {day}")
    found, at_s, state = [], 0, IDLE
    while at_s < WORK_S:
        pause = next((end for begins, end in BREAKS_S if begins <= at_s < end), 0)
        found.append(Span(at_s, IDLE if pause else state))
        if pause:
            at_s = pause
        elif state == RUNNING:
            at_s += part_s or chance.randrange(900, 4200)
        else:
            at_s += chance.randrange(90, 700)
        state = RUNNING if found[-1].state != RUNNING else chance.choices((IDLE, ALARM), (30, 1))[0]
    return tuple(found)


def readings(
    kind: str, machine: str, day: date, spans: tuple[Span, ...], *, counted: int = 0
) -> Iterator[Reading]:
    """Yield a day's readings of a source, by time; `counted` is its counter as the day begins."""
    chance = Random(f"values {machine} {day}")
    instants = sorted({*range(0, WORK_S, STEP_S), *(one.begins_s for one in spans)} - {WORK_S})
    at, parts = 0, counted
    for after_s in instants:
        if after_s >= WORK_S:
            return
        while at + 1 < len(spans) and spans[at + 1].begins_s <= after_s:
            parts += spans[at].state == RUNNING
            at += 1
        yield Reading(after_s, _values(kind, spans[at].state, parts, after_s, chance))


def _values(
    kind: str, state: str, parts: int, after_s: int, chance: Random
) -> tuple[int | bool, ...]:
    runs = state == RUNNING
    watts_tenth = chance.randrange(38_000, 92_000) if runs else chance.randrange(4_000, 4_600)
    if kind in {"cnc", "opc"}:
        load = chance.randrange(1_500, 8_000) if runs else 0
        position = chance.randrange(-400_000, 0) if runs else -12_000
        rest = 1001 + parts % 3, position, load, watts_tenth, parts % 65_536
        if kind == "opc":
            return STATES.index(state), *rest
        return 3 if runs else 0, 1, int(state == ALARM), *rest
    if kind == "press":
        return runs, True, 1, chance.randrange(5_000, 16_000) if runs else 0, parts % 65_536
    return watts_tenth, after_s // 60 + parts * 1000
