"""The neighbouring indicators: digital and networked production equipment, with points.

Pure. The bins are those of the self-assessment form of 2024 (questions 2 and 3), both shares over
*all* production equipment. Source: docs/specs/rate, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from agent.kpi.rates import Figure, NullReason
from agent.kpi.region import percent_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.kpi.judge import Assessment

_BINS: Final = (
    (Fraction(10, 100), Fraction(0)),
    (Fraction(20, 100), Fraction(3, 2)),
    (Fraction(40, 100), Fraction(3)),
    (Fraction(60, 100), Fraction(9, 2)),
    (Fraction(1), Fraction(6)),
)
"""(upper bound, included; points)."""


def points(share: Fraction) -> Fraction:
    """Give the points of a share from 0 to 1: 10.00 % gives 0, 10.01 % gives 1.5."""
    return next(given for bound, given in _BINS if share <= bound)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Counts of production equipment in service."""

    equipment: int
    """All of it, numerically controlled or not."""
    nc: int
    """With a control that counts."""
    digital: int
    """With a digital control (数字化设备)."""
    networked: int
    """With good data in the window (联网设备)."""
    observed: int
    """With good data on enough days."""

    @property
    def digital_rate(self) -> Figure:
        """设备数字化率: digital / all."""
        return self._share(self.digital)

    @property
    def networked_rate(self) -> Figure:
        """设备联网率: networked / all, not / digital."""
        return self._share(self.networked)

    def _share(self, count: int) -> Figure:
        return Fraction(count, self.equipment) if self.equipment else NullReason.NO_MACHINE

    def document(self) -> dict[str, Any]:
        """Give counts, shares and points as JSON types; null where there is no equipment."""
        return {
            "equipment": self.equipment,
            "nc": self.nc,
            "digital": self.digital,
            "networked": self.networked,
            "observed": self.observed,
            "digital_rate": _share(self.digital_rate),
            "networked_rate": _share(self.networked_rate),
        }


def neighbours(
    assessments: Iterable[Assessment], *, in_service: frozenset[str], counted: frozenset[str]
) -> Neighbours:
    """Count the machines in service; `counted` are those whose control type counts."""
    machines = [one for one in assessments if one.machine.id in in_service]
    return Neighbours(
        equipment=len(machines),
        nc=sum(one.machine.id in counted for one in machines),
        digital=sum(one.digital for one in machines),
        networked=sum(one.networked for one in machines),
        observed=sum(one.observed for one in machines),
    )


def _share(figure: Figure) -> dict[str, Any] | None:
    if isinstance(figure, NullReason):
        return None
    return {
        "num": figure.numerator,
        "den": figure.denominator,
        "percent": percent_text(figure),
        "points": float(points(figure)),
    }
