"""What a metric's name says of it as evidence: control, counter, must move, carries noise. Pure.

Lists, not guesses: a metric that is named otherwise simply proves less. Names are those of
docs/specs/payload; part of the rules of docs/specs/rate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agent.config.plan import GroupPlan

CONTROL_METRICS: Final = (
    "program.",
    "machine.mode",
    "axis.",
    "tool.",
    "spindle.speed_cmd",
    "feed.override",
    "rapid.override",
    "spindle.override",
    "controller.",
)
"""Metrics only a controller can tell: an equal name, or any name below an entry ending in '.'."""

RUNNING: Final = "running"
"""The state in which a machine works."""

_COUNTERS: Final = ("part.count", "time.", "energy.total")
_MOVERS: Final = ("program.line", "spindle.load", "power.active", "energy.total", "time.cutting",
                  "time.cycle", "time.operating")  # fmt: skip
_MOVING_ENDS: Final = (".position", ".work", ".load")
_NOISY: Final = ("power.", "current.", "temperature.", "vibration.", "torque.")
_NOISY_ENDS: Final = (".load", ".power", ".current", ".temperature", ".vibration",
                      ".torque")  # fmt: skip


def _listed(name: str, entries: tuple[str, ...]) -> bool:
    return any(name.startswith(e) if e.endswith(".") else name == e for e in entries)


@lru_cache(8192)  # a plant of 100,000 tags has few names, and all are asked about at once
def is_control_metric(name: str) -> bool:
    """Tell whether good values of the metric prove that a controller itself is read."""
    return _listed(name, CONTROL_METRICS)


def is_counter(name: str) -> bool:
    """Tell whether the metric only counts up, but for wraps and resets."""
    return _listed(name, _COUNTERS)


def must_move(name: str) -> bool:
    """Tell whether the metric cannot have one value all through an hour of running."""
    return _listed(name, _MOVERS) or (name.startswith("axis.") and name.endswith(_MOVING_ENDS))


def carries_noise(name: str) -> bool:
    """Tell whether the metric is measured, so that two machines never give equal series.

    Positions, programs and overrides are not: machines that make equal parts have them in common;
    nor is voltage, which all machines of a shop share.
    """
    return _listed(name, _NOISY) or name.endswith(_NOISY_ENDS)


def evidence_names(group: GroupPlan) -> tuple[str, ...]:
    """Give the metrics of a group in frame order; empty for what is computed under a control name.

    A name of a controller's metric proves something only where the value was read.
    """
    computed = {one.name for one in group.derived}
    return tuple(
        "" if tag.name in computed and is_control_metric(tag.name) else tag.name
        for tag in group.tags
    )
