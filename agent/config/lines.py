"""What polling costs each line: expected time of a full cycle, and the load; pure, no I/O.

A line is what devices with equal links share. Its figures come from the plans' own `explain`;
where a driver cannot tell, they are None, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.config.model import Mode
from drivers.api import Explains

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from agent.config.plan import DevicePlan, GroupPlan
    from drivers.api import Plan, PlannedRequest


@dataclass(frozen=True, slots=True)
class LineCost:
    """What the polls of one line ask of it."""

    name: str
    """The link's address, for people."""
    devices: tuple[str, ...]
    """Ids of the devices on it, in the order of the file."""
    cycle_s: float | None
    """Expected time to read every polled group once; None when a plan of the line cannot tell."""
    load: float | None
    """Share of the line's time the polls need: above 1 they cannot all be made."""
    fastest_s: float | None
    """Shortest interval polled on it; None when nothing is polled."""


def line_costs(devices: Iterable[DevicePlan]) -> list[LineCost]:
    """Give the cost of every line, in the order of its first device."""
    shared: dict[tuple[str, Hashable], list[DevicePlan]] = {}
    for device in devices:
        shared.setdefault((device.entry.driver, device.link), []).append(device)
    return [_cost(members) for members in shared.values()]


def explained(plan: Plan) -> Sequence[PlannedRequest] | None:
    """Give a plan's requests; None where its driver cannot show them."""
    return tuple(plan.explain()) if isinstance(plan, Explains) else None


def expected_s(plan: Plan) -> float | None:
    """Give the expected time of one read on the line; None when unknown."""
    total_s = 0.0
    for request in explained(plan) or (None,):
        if request is None or request.duration_s is None:
            return None
        total_s += request.duration_s
    return total_s


def _cost(devices: Sequence[DevicePlan]) -> LineCost:
    polled = [g for d in devices for g in d.groups if g.settings.mode is not Mode.SUBSCRIBE]
    return LineCost(
        name=str(devices[0].link),
        devices=tuple(d.id for d in devices),
        cycle_s=_cycle_s(polled),
        load=_load(polled),
        fastest_s=min((g.settings.interval_s for g in polled), default=None),
    )


def _cycle_s(groups: Sequence[GroupPlan]) -> float | None:
    times_s = [expected_s(group.plan) for group in groups]
    known = [time_s for time_s in times_s if time_s is not None]
    return sum(known) if known and len(known) == len(times_s) else None


def _load(groups: Sequence[GroupPlan]) -> float | None:
    shares = [
        time_s / group.settings.interval_s
        for group in groups
        if (time_s := expected_s(group.plan)) is not None
    ]
    return sum(shares) if shares and len(shares) == len(groups) else None
