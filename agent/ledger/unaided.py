"""What an edit does to the rate beside what it says aloud: without the machines that it adds. Pure.

A rate that rises by new machines may rise by machines left out as well; taking the new ones away,
and putting back key processes that went, shows that part alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from agent.config.ledger import ControlSet
from agent.kpi.rates import machines_controlled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from agent.config.ledger import Equipment, Process
    from agent.ledger.records import Declared

MOST_DAYS: Final = 24
"""So many days are looked at on which an edit takes effect; the earliest ones."""


def added_controlled(before: Declared, after: Declared, day: date) -> frozenset[str]:
    """Give the machines that count as numerically controlled only after the edit."""
    old, new = (
        machines_controlled(one.ledger().covered(day, ControlSet.BROAD)) for one in (before, after)
    )
    return new - old


def unaided(before: Declared, after: Declared, day: date) -> Declared:
    """Give the later ledger with no controlled machine added and no key process taken out."""
    added = added_controlled(before, after, day)
    old = {one.id: one for one in before.equipment}
    kept = {one.id for one in after.ledger().key_processes(day)}
    gone = {one.id: one for one in before.ledger().key_processes(day) if one.id not in kept}
    machines = (old.get(one.id) if one.id in added else one for one in after.equipment)
    return replace(
        after,
        processes=(*(one for one in after.processes if one.id not in gone), *gone.values()),
        equipment=tuple(_able(one, old.get(one.id), gone) for one in machines if one is not None),
    )


def _able(machine: Equipment, was: Equipment | None, gone: dict[str, Process]) -> Equipment:
    """Give a machine able to run what it was able to run of the processes put back."""
    if was is None:
        return machine
    more = [id_ for id_ in was.processes if id_ in gone and id_ not in machine.processes]
    return (
        machine.model_copy(update={"processes": (*machine.processes, *more)}) if more else machine
    )


def effective_days(before: Declared, after: Declared, day: date) -> tuple[date, ...]:
    """Give the day of an edit, and the later ones on which machines it changed come or go."""
    old = {one.id: one for one in before.equipment}
    found = {day}
    for machine in after.equipment:
        if machine != old.get(machine.id):
            found.update(_turns(machine))
    return tuple(sorted(one for one in found if one >= day)[:MOST_DAYS])


def _turns(machine: Equipment) -> Iterator[date]:
    spans = [(machine.in_service_from, machine.in_service_to)]
    spans += [(link.valid_from, link.valid_to) for link in machine.links]
    for first, last in spans:
        if first is not None:
            yield first
        if last is not None:
            yield last + timedelta(days=1)
