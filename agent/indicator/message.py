"""The events `indicator` and `digest`: the figures of a day, and a signed link of the chain. Pure.

Either may be longer than one message should be, and then comes in parts that each say which of how
many they are. Shape: docs/specs/payload, section 5.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.kpi.rates import NullReason
from agent.kpi.report import pair

if TYPE_CHECKING:
    from agent.kpi.digest import Digest
    from agent.kpi.rates import Triple
    from agent.kpi.result import RateResult, SetResult

MACHINES_A_PART: Final = 100
"""So many machines, in both control sets, take some 10 KB."""
LINK_CHARACTERS: Final = 20_000
"""Most characters of a link in one event."""


def indicator_parts(result: RateResult, *, ledger: str, journal: str) -> list[dict[str, Any]]:
    """Give the fields of the events that tell a result.

    `ledger` is the hash of the ledger it follows from, `journal` the last one of its journal.
    """
    asked = result.asked
    told: dict[str, Any] = {
        "rules": result.rules,
        "method": result.method.value,
        "set": result.control_set.value,
        "from": asked.first.isoformat(),
        "scheduled": asked.scheduled_days,
        "needed": asked.needed_days,
        "ledger": ledger,
        "journal": journal,
        "rates": {name.value: _formulas(found) for name, found in result.sets.items()},
    }
    if result.eased:
        told["eased"] = {one.setting: [one.is_, one.rule] for one in result.eased}
    length = max(len(found.assessments) for found in result.sets.values())
    starts = range(0, max(length, 1), MACHINES_A_PART)
    return [
        {
            "day": asked.last.isoformat(),
            "part": [nr, len(starts)],
            "sum": told,
            "machines": {
                name.value: _standings(found)[start : start + MACHINES_A_PART]
                for name, found in result.sets.items()
            },
        }
        for nr, start in enumerate(starts, 1)
    ]


def digest_parts(digest: Digest) -> list[dict[str, Any]]:
    """Give the fields of the events that tell a link of the chain, byte by byte as it is signed."""
    line = digest.line().decode()
    starts = range(0, len(line), LINK_CHARACTERS)
    return [
        {
            "day": digest.day.isoformat(),
            "nr": digest.nr,
            "part": [nr, len(starts)],
            "link": line[start : start + LINK_CHARACTERS],
        }
        for nr, start in enumerate(starts, 1)
    ]


def _formulas(found: SetResult) -> dict[str, Any]:
    return {method.value: _triple(one) for method, one in found.rates.items()}


def _triple(one: Triple) -> dict[str, Any]:
    figures = {"declared": one.declared, "adjusted": one.adjusted, "verified": one.verified}
    why = {n: f.value for n, f in figures.items() if isinstance(f, NullReason)}
    return {n: pair(f) for n, f in figures.items()} | ({"why": why} if why else {})


def _standings(found: SetResult) -> list[list[str]]:
    return [
        [one.machine.id, one.standing.value, one.reason.value, one.level.value]
        for one in found.assessments
    ]
