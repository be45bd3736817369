"""The gateway's indicators held against what is computed here from its ledger and its data.

Every figure of both control sets and every machine's status is compared, and each difference told
by its name. What this cannot know, it says (`unknown_ledger`); it never takes a figure on trust.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from simulators.platform.chain import check_chain, journals, sealed_days
from simulators.platform.finding import Finding
from simulators.platform.rate import METHODS, compute

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction

    from simulators.platform.evidence import Evidence
    from simulators.platform.rate import Rate
    from simulators.platform.told import Told

_FIGURES: Final = ("declared", "adjusted", "verified")


def compare(told: Told, evidence: Evidence) -> list[Finding]:
    """Give everything that does not hold, the chain first, then the indicators by day.

    The newest indicator of a day is compared, for a supplement brings another one.
    """
    found = list(check_chain(told.links, told.key))
    newest = {one["day"]: one for one in told.indicators}
    if newest:
        missing = {d for d in sealed_days(told.links) if d > min(newest)} - newest.keys()
        found += [Finding("missing_indicator", day, "") for day in sorted(missing)]
    signed = journals(told.links)
    for day in sorted(newest):
        theirs = newest[day]["sum"]["journal"]
        if signed.get(day, theirs) != theirs:
            found.append(Finding("journal_differs", day, "", theirs, signed[day]))
        found += _indicator(newest[day], told, evidence)
    return found


def _indicator(one: Mapping[str, Any], told: Told, evidence: Evidence) -> Iterator[Finding]:
    day, meta = one["day"], told.metas.get(one["sum"]["ledger"])
    if meta is None:
        yield Finding("unknown_ledger", day, one["sum"]["ledger"])
        return
    for name, standings in one["machines"].items():
        verdicts = {id_: (status, reason) for id_, status, reason, _ in standings}
        rate = compute(
            meta, evidence, today=date.fromisoformat(day), control_set=name, told=verdicts
        )
        yield from _machines(day, name, verdicts, rate)
        yield from _rates(day, name, one["sum"]["rates"][name], rate)


def _machines(
    day: str, control_set: str, told: Mapping[str, tuple[str, str]], rate: Rate
) -> Iterator[Finding]:
    own = {item.id: item.verdict for item in rate.machines}
    for id_ in sorted({*told, *own}):
        theirs = told.get(id_, ("", ""))
        ours = own.get(id_, ("not_claimed", "not_in_service"))
        if theirs != ours:
            about = f"{control_set} {id_}"
            yield Finding("machine_differs", day, about, "/".join(theirs), "/".join(ours))


def _rates(day: str, control_set: str, told: Mapping[str, Any], rate: Rate) -> Iterator[Finding]:
    for method in METHODS:
        for figure in _FIGURES:
            theirs = told[method][figure]
            ours = _pair(getattr(rate, figure)[method])
            if theirs != ours:
                about = f"{control_set} {method} {figure}"
                yield Finding("rate_differs", day, about, str(theirs), str(ours))


def _pair(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]
