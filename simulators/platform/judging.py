"""Each machine of a ledger judged from what arrived, by the rules that the gateway announced.

Written from the rules alone. What only the gateway can find (a copied series, a simulator that
gives itself away) is taken over from its own verdict where that speaks against the machine; nothing
is taken over that speaks for one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from simulators.platform.evidence import Evidence, Proof

Verdict: TypeAlias = tuple[str, str]
"""Status and reason of one machine."""

_DISCRETE: Final = frozenset({"NC", "CNC", "DNC", "FMC", "robot"})
_PROCESS: Final = frozenset({"PLC", "DCS", "PCS"})
_BY_KIND: Final = {"discrete": _DISCRETE, "process": _PROCESS, "mixed": _DISCRETE | _PROCESS}
_WEEK: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WITNESS_DAYS: Final = 366

_CONTRADICTS: Final = frozenset(
    {"duplicate_endpoint", "simulator", "identity_mismatch", "copied", "flat_line"}
)
"""Findings that only the gateway can make, and that contradict a machine whatever its data."""
_DOUBTS: Final = frozenset(
    {
        "no_transition",
        "counter_back",
        "too_regular",
        "outside_shifts",
        "alike",
        "duplicate_serial",
        "identity_unread",
    }
)
"""Findings of the gateway that keep a machine with good data from being verified."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine in service."""

    id: str
    device: str | None
    processes: frozenset[str]
    declared: bool
    """Whether its control type counts in the control set."""
    status: str
    """`verified`, `unverified`, `contradicted`, `not_assessable` or `not_claimed`."""
    proof: Proof | None
    reason: str = ""
    """Code of the reason, as the rules name it."""

    @property
    def verdict(self) -> Verdict:
        """Status and reason as an indicator gives them."""
        status = "unverified" if self.status == "not_assessable" else self.status
        return status, self.reason


@dataclass(frozen=True, slots=True)
class Window:
    """The days that evidence is counted over, and how much of it is asked."""

    first: date
    last: date
    scheduled_days: int
    needed_days: int
    assessable: bool
    _calendar: Mapping[str, Any]

    @classmethod
    def of(cls, rules: Mapping[str, Any], last: date) -> Self:
        """Give the window that ends with a day, by the rules of a meta message."""
        first = last - timedelta(days=rules["period_days"] - 1)
        calendar = rules.get("calendar", {})
        days = (first + timedelta(days=n) for n in range(rules["period_days"]))
        planned = sum(_worked(day, calendar) for day in days)
        scheduled = planned if "weekdays" in calendar else rules["scheduled_days"]
        return cls(
            first, last, scheduled, _needed(rules, scheduled),
            assessable=scheduled >= rules["min_days"], _calendar=calendar,
        )  # fmt: skip

    def scheduled(self, day: date) -> bool:
        """Tell whether a day is a production day."""
        return _worked(day, self._calendar)


def needed_days(rules: Mapping[str, Any]) -> int:
    """Days with good values that a machine needs; the share is taken as the decimal it shows."""
    return _needed(rules, rules["scheduled_days"])


def within(day: date, first: str | None, last: str | None) -> bool:
    """Tell whether a day lies between two ISO days, both included; None leaves an end open."""
    starts = date.fromisoformat(first) if first else date.min
    ends = date.fromisoformat(last) if last else date.max
    return starts <= day <= ends


def day_starts_min(rules: Mapping[str, Any]) -> int:
    """Minutes after midnight at which a shop day begins."""
    hours, _, minutes = rules.get("calendar", {}).get("day_starts", "0:0").partition(":")
    return (int(hours) * 60 + int(minutes)) % (24 * 60)


def machines_of(
    meta: Mapping[str, Any],
    evidence: Evidence,
    window: Window,
    *,
    control_set: str,
    processes: Sequence[str],
    told: Mapping[str, Verdict],
) -> tuple[Machine, ...]:
    """Judge every machine in service on the window's last day; `processes` are the key ones."""
    strict = _BY_KIND[meta["enterprise"]["industry_kind"]]
    types = strict if control_set == "strict" else _DISCRETE | _PROCESS
    in_service = [
        item
        for item in meta["ledger"]["equipment"]
        if within(window.last, item.get("in_service_from"), item.get("in_service_to"))
    ]
    counted = [i for i in in_service if i["control_type"] in types and not i.get("part_of")]
    judge = _Judge(meta["rate"], evidence, window, told)
    judge.counted = frozenset(item["id"] for item in counted)
    judge.claims = Counter(item["device"] for item in counted if item["device"])
    return tuple(judge.machine(item, frozenset(processes)) for item in in_service)


class _Judge:
    """What all machines of one judgement share."""

    def __init__(
        self,
        rules: Mapping[str, Any],
        evidence: Evidence,
        window: Window,
        told: Mapping[str, Verdict],
    ) -> None:
        self._rules, self._evidence, self._window, self._told = rules, evidence, window, told
        self.counted: frozenset[str] = frozenset()
        self.claims: Counter[str] = Counter()

    def machine(self, item: Mapping[str, Any], key: frozenset[str]) -> Machine:
        able = self._able(item)
        proof = self._proof(item["device"])
        declared = item["id"] in self.counted
        status, reason = self._verdict(item, proof, serves=bool(able & key))
        told = self._told.get(item["id"])
        if told is not None and status != "not_claimed":
            status, reason = _taken_over((status, reason), told)
        return Machine(item["id"], item["device"], able, declared, status, proof, reason)

    def _able(self, item: Mapping[str, Any]) -> frozenset[str]:
        """Give the processes a machine can run on the day; a part of a whole runs none itself."""
        if item.get("part_of"):
            return frozenset()
        now = self._window.last
        timed = (
            link["process"]
            for link in item.get("links", ())
            if within(now, link.get("valid_from"), link.get("valid_to"))
        )
        return frozenset(item["processes"]) | frozenset(timed)

    def _proof(self, device: str | None) -> Proof | None:
        if not device:
            return None
        return self._evidence.proof(
            device,
            first=self._window.first,
            last=self._window.last,
            control_metrics=self._rules["control_metrics"],
            scheduled=self._window.scheduled,
        )

    def _verdict(self, item: Mapping[str, Any], proof: Proof | None, *, serves: bool) -> Verdict:
        if item["id"] not in self.counted:
            return "not_claimed", "part_of" if item.get("part_of") else "not_claimed"
        if not serves:
            return "not_claimed", "no_key_process"
        if item["device"] and self.claims[item["device"]] > 1:
            return "contradicted", "same_source"
        if self._witnessed(item):
            return "verified", "witnessed"
        return self._by_data(item, proof)

    def _by_data(self, item: Mapping[str, Any], proof: Proof | None) -> Verdict:
        if proof is None:
            return "unverified", "no_device"
        if not self._window.assessable:
            return "not_assessable", "too_few_scheduled_days"
        tests = (
            (proof.good_values == 0, "no_data"),
            (proof.good_days < self._window.needed_days, "too_few_days"),
            (not proof.changed, "no_change"),
            (
                proof.control_days < self._window.needed_days and not self._named(item),
                "no_control_identity",
            ),
        )
        missing = next((reason for failed, reason in tests if failed), None)
        return ("verified", "verified") if missing is None else ("unverified", missing)

    def _named(self, item: Mapping[str, Any]) -> bool:
        """Tell whether the device gave a name that stands in the ledger as its controller."""
        said = self._evidence.said.get(item["device"], "").casefold()
        words = re.findall(r"\w{4,}", item.get("controller", "").casefold())
        return any(word in said for word in words)

    def _witnessed(self, item: Mapping[str, Any]) -> bool:
        oldest = self._window.last - timedelta(days=_WITNESS_DAYS)
        visits = (date.fromisoformat(day) for day in item.get("witnessed", ()))
        return any(oldest < day <= self._window.last for day in visits)


def _taken_over(own: Verdict, told: Verdict) -> Verdict:
    """Give the gateway's verdict where it found against a machine what cannot be seen from here."""
    status, reason = told
    if status == "contradicted" and reason in _CONTRADICTS and own[1] != "same_source":
        return told
    well = own[0] == "verified" and own[1] != "witnessed"
    if status == "unverified" and reason in _DOUBTS and (well or own[1] == "no_control_identity"):
        return told
    return own


def _needed(rules: Mapping[str, Any], scheduled: int) -> int:
    least: int = rules["min_days"]
    return max(least, ceil(Fraction(str(rules["min_day_share"])) * scheduled))


def _worked(day: date, calendar: Mapping[str, Any]) -> bool:
    """Tell whether a day is worked: by `workdays`, else not on `holidays`, else by weekday."""
    if "weekdays" not in calendar:
        return True
    if _among(day, calendar.get("workdays", ())):
        return True
    free = _among(day, calendar.get("holidays", ()))
    return not free and _WEEK[day.weekday()] in calendar["weekdays"]


def _among(day: date, spans: Sequence[str]) -> bool:
    """Tell whether a day is one of `2026-10-01` or inside one of `2026-10-01/2026-10-07`."""
    pairs = (span.partition("/") for span in spans)
    return any(first <= day.isoformat() <= (last or first) for first, _, last in pairs)
