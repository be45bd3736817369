"""Size tiers of an industrial enterprise (划型, 规上/规下, level asked for) from its figures.

Pure and exact at every bound; a figure that is missing gives None, never the smallest tier.
Sources: 工信部联企业〔2011〕300号 (scale, industry); the statistical threshold of 20 million yuan;
Hubei action plan of 2025-06-27, part 3 (8) (level by output value; each bound belongs to the upper
tier: ruling of this program).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

EDITION: Final = "2011"
"""Edition of the scale's bounds."""
THRESHOLD_WAN: Final = 2000
"""Main-business revenue from which an enterprise is 规上, in 10 000 yuan."""


class Scale(StrEnum):
    """Size of an enterprise (划型)."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"


_SCALES: Final = ((Scale.LARGE, 1000, 40_000), (Scale.MEDIUM, 300, 2000), (Scale.SMALL, 20, 300))
"""Least staff and least revenue in 10 000 yuan; both must be reached, else it drops a tier."""
_LEVELS: Final = (("L5", 500_000), ("L4", 100_000), ("L3", 10_000), ("L2", 2000))
"""Level of digitalisation asked for, by least output value in 10 000 yuan."""


def scale(staff: int | None, revenue_wan: float | None) -> Scale | None:
    """Give the size of an industrial enterprise; None where a figure is missing."""
    if staff is None or revenue_wan is None:
        return None
    reached = (name for name, x, y in _SCALES if staff >= x and revenue_wan >= y)
    return next(reached, Scale.MICRO)


def above_threshold(revenue_wan: float | None) -> bool | None:
    """Tell whether an industrial enterprise is 规上; None where the revenue is missing."""
    return None if revenue_wan is None else revenue_wan >= THRESHOLD_WAN


def wanted_level(output_wan: float | None) -> str | None:
    """Give the level the plan asks of an enterprise, L2 to L5; None below, or where unknown."""
    if output_wan is None:
        return None
    return next((level for level, least in _LEVELS if output_wan >= least), None)
