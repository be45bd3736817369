"""The documents of one proof file, as the report reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from agent.kpi.region import percent_text
from agent.proof import canonical, members
from agent.proof.sealed_ledger import remarks_on

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from agent.proof.findings import Finding

_GROUP = 8
UNKNOWN = "—"
"""Stands where there is no figure; never a 0."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Every document; shapes as in docs/specs/proof."""

    header: Mapping[str, Any]
    ledger: dict[str, Any]
    settings: dict[str, Any]
    result: dict[str, Any]
    history: dict[str, Any]
    losses: tuple[dict[str, Any], ...]
    journal_lines: int
    digest_lines: int
    remarks: tuple[Finding, ...]
    """On the journal, as it is held against the digests."""

    @classmethod
    def of(cls, header: Mapping[str, Any], data: Mapping[str, bytes]) -> Self:
        """Read the data members; they must be canonical."""
        return cls(
            header=header,
            ledger=canonical.read_page(data[members.LEDGER]),
            settings=canonical.read_page(data[members.SETTINGS]),
            result=canonical.read_page(data[members.RESULT]),
            history=canonical.read_page(data[members.HISTORY]),
            losses=tuple(map(canonical.read_line, canonical.split(data[members.LOSSES]))),
            journal_lines=len(canonical.split(data[members.JOURNAL])),
            digest_lines=len(canonical.split(data[members.DIGESTS])),
            remarks=remarks_on(data),
        )

    @property
    def headline_set(self) -> dict[str, Any]:
        """The result under the headline's control set."""
        return dict(self.result["sets"][self.result["control_set"]])

    @property
    def headline(self) -> dict[str, Any]:
        """The headline formula's figures."""
        return dict(self.headline_set["rates"][self.result["method"]])

    def process_name(self, id_: str) -> str:
        """Give a process's name; its id where it has none."""
        named = (p["name"] for p in self.ledger["processes"] if p["id"] == id_)
        return next(named, "") or id_

    def moment(self, time_ms: int | None) -> str:
        """Give an instant in the factory's time, to the minute."""
        if time_ms is None:
            return UNKNOWN
        zone = ZoneInfo(self.settings["gateway"]["timezone"])
        return datetime.fromtimestamp(time_ms // 1000, zone).strftime("%Y-%m-%d %H:%M")


def share(figure: Mapping[str, Any]) -> Fraction | None:
    """Give a figure as a fraction; None where there is none."""
    return Fraction(figure["num"], figure["den"]) if "num" in figure else None


def percent(figure: Mapping[str, Any]) -> str:
    """Give a figure in percent with two decimals."""
    known = share(figure)
    return UNKNOWN if known is None else f"{percent_text(known)}%"


def fraction(figure: Mapping[str, Any]) -> str:
    """Give a figure as the exact fraction."""
    known = share(figure)
    return UNKNOWN if known is None else f"{known.numerator}/{known.denominator}"


def both(figure: Mapping[str, Any]) -> str:
    """Give a figure in percent, and exactly in brackets."""
    return UNKNOWN if share(figure) is None else f"{percent(figure)} ({fraction(figure)})"


def grouped(mark: str) -> str:
    """Give a fingerprint in groups that a person can compare."""
    return " ".join(mark[at : at + _GROUP] for at in range(0, len(mark), _GROUP))


def named(id_: str, name: str) -> str:
    """Give a name with its id; the id alone where there is no name."""
    return name if name == id_ else f"{name} ({id_})"
