"""Rates of many enterprises in one figure, targets of the policy, and rates as text.

Pure and exact: a comparison with a target uses the fraction, never the text a person sees.
Source: docs/specs/rate, sections 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING

from agent.kpi.rates import Figure, NullReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class EnterpriseRate:
    """One enterprise in a region."""

    rate: Figure | None
    """None while it does not report."""
    key_processes: int
    """|P|, the weight in the pooled figure."""


@dataclass(frozen=True, slots=True)
class Region:
    """The figures of a region; every one is published, none alone."""

    mean_ent: Figure
    """Unweighted mean over assessed enterprises."""
    pooled: Figure
    """Mean over assessed enterprises, weighted by their key processes."""
    floor: Figure
    """Sum over assessed enterprises, divided by all in scope: silence counts as 0."""
    assessed: int
    in_scope: int


def region(enterprises: Sequence[EnterpriseRate]) -> Region:
    """Aggregate enterprises; those without a rate are in scope and not assessed."""
    assessed = [(e.rate, e.key_processes) for e in enterprises if isinstance(e.rate, Fraction)]
    total = sum((rate for rate, _ in assessed), Fraction(0))
    scope = len(enterprises)
    return Region(
        mean_ent=total / len(assessed) if assessed else NullReason.NO_ENTERPRISE_ASSESSED,
        pooled=weighted_mean(assessed),
        floor=total / scope if scope else NullReason.NO_ENTERPRISE_IN_SCOPE,
        assessed=len(assessed),
        in_scope=scope,
    )


class Doubt(StrEnum):
    """What of a region's figures looks too good to be measured."""

    MEAN_ABOVE_90 = "mean_above_90"
    NO_SPREAD = "no_spread"
    """Two enterprises or more, and every one of the same rate."""


def doubts(enterprises: Iterable[EnterpriseRate]) -> tuple[Doubt, ...]:
    """Give what an assessor should look at first; a doubt is no verdict."""
    rates = [e.rate for e in enterprises if isinstance(e.rate, Fraction)]
    found = []
    if rates and sum(rates, Fraction(0)) / len(rates) > Fraction(90, 100):
        found.append(Doubt.MEAN_ABOVE_90)
    if len(rates) > 1 and len(set(rates)) == 1:
        found.append(Doubt.NO_SPREAD)
    return tuple(found)


def weighted_mean(pairs: Iterable[tuple[Fraction, int]]) -> Figure:
    """Give the mean of (rate, weight) pairs; weights are 0 or above."""
    known = tuple(pairs)
    weight = sum(w for _, w in known)
    if not weight:
        return NullReason.NO_ENTERPRISE_ASSESSED
    return sum((rate * w for rate, w in known), Fraction(0)) / weight


@dataclass(frozen=True, slots=True)
class Target:
    """A number of the policy, in percent, and whether reaching it exactly is enough."""

    percent: int
    inclusive: bool

    def met(self, rate: Figure) -> bool | None:
        """Tell whether a rate meets the target; None where there is no rate."""
        if isinstance(rate, NullReason):
            return None
        share = Fraction(self.percent, 100)
        return rate >= share if self.inclusive else rate > share


CLOUD_TARGET = Target(50, inclusive=False)
"""Cloud coverage 超过 50 %. Source: Hubei action plan of 2025-06-27, part 3 (7)."""
RATE_TARGET = Target(75, inclusive=True)
"""Key-process CNC rate 达到 75 %. Source: the same."""


def percent_text(rate: Fraction, *, places: int = 2) -> str:
    """Give a share >= 0 in percent with so many decimals, halves rounded up, exactly."""
    scaled = (rate * 100 * 10**places + Fraction(1, 2)).__floor__()
    if not places:
        return str(scaled)
    whole, part = divmod(scaled, 10**places)
    return f"{whole}.{part:0{places}d}"
