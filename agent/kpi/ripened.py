"""The verified rate without the machines whose days have just become enough. Pure.

After an installation all machines reach the days asked for on one day: that rate rises by itself,
each machine says why, and it is no jump that anybody has to explain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.kpi.evidence import Standing
from agent.kpi.rates import FORMULAS, keep
from agent.kpi.reasons import Reason

if TYPE_CHECKING:
    from agent.kpi.rates import Figure
    from agent.kpi.result import RateResult

COLLECTING: Final = frozenset({Reason.NO_DATA, Reason.TOO_FEW_DAYS, Reason.IDENTITY_UNREAD})
"""Reasons that end by themselves when data keep coming."""


def ripened(before: RateResult, after: RateResult) -> frozenset[str]:
    """Give the machines verified by data now that only lacked days, or an answer, before."""
    lacked = {
        one.machine.id
        for one in before.headline_set.assessments
        if one.standing is Standing.UNVERIFIED and one.reason in COLLECTING
    }
    return frozenset(
        one.machine.id
        for one in after.headline_set.assessments
        if one.reason is Reason.VERIFIED and one.machine.id in lacked
    )


def verified_without_ripened(before: RateResult, after: RateResult) -> Figure:
    """Give the later verified headline as if the days of these machines were not enough yet."""
    machines = ripened(before, after)
    if not machines:
        return after.headline.verified
    found = after.headline_set
    return FORMULAS[after.method](keep(found.processes, found.verified - machines))
