"""Spans of loss by cause and device: they merge, so that the book of them stays small for ever.

A `LossBook` is a value: taking a loss gives another book. So a transaction that fails goes back to
the book before it, and a reader in another thread sees one or the other, never a mixture. What is
counted is never forgotten: when spans merge their counts add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

JOIN_MS: Final = 600_000
"""Losses of one cause and device that are no further apart are one span."""
MOST_SPANS: Final = 16
"""Spans kept of one cause and device; beyond it the two oldest become one."""
MOST_SERIES: Final = 2048
"""Series kept; beyond it the one that ended first is kept under no device."""
PLAUSIBLE_MS: Final = range(1_767_225_600_000, 4_102_444_800_000)
"""Dates that can be right: from 2026 up to, without it, 2100, UTC milliseconds."""

Key: TypeAlias = tuple[str, str, bool]
"""Cause, device, and whether the times can be relied on."""


@dataclass(frozen=True, slots=True)
class LossSpan:
    """A time in which something was lost for one cause."""

    cause: str
    """A code of `agent.losses.causes`."""
    device: str
    """Id of the device; empty where it is about the gateway as a whole."""
    from_ms: int
    to_ms: int
    times: int = 1
    """How often it happened; rows, where rows were lost."""
    amount: int = 0
    """How much in the unit of the cause: polls, changes, values or alarms; 0 where not known."""
    dated: bool = True
    """Whether the clock could be trusted when the span was noted."""

    @property
    def key(self) -> Key:
        """Name the series it belongs to."""
        return self.cause, self.device, self.dated


class LossBook:
    """Every span of loss, oldest first within its cause and device."""

    __slots__ = ("series",)

    def __init__(self, series: Mapping[Key, tuple[LossSpan, ...]] | None = None) -> None:
        self.series: Mapping[Key, tuple[LossSpan, ...]] = series or {}

    @classmethod
    def of(cls, spans: Iterable[LossSpan]) -> Self:
        """Make a book of spans as they were kept."""
        series: dict[Key, tuple[LossSpan, ...]] = {}
        for span in spans:
            series[span.key] = (*series.get(span.key, ()), span)
        return cls(series)

    def noted(self, losses: Iterable[LossSpan]) -> Self:
        """Give the book with more losses; itself when there are none."""
        series: dict[Key, tuple[LossSpan, ...]] | None = None
        for loss in losses:
            series = dict(self.series) if series is None else series
            dated = replace(loss, dated=loss.dated and loss.from_ms in PLAUSIBLE_MS)
            series[dated.key] = _merged(series.get(dated.key, ()), dated)
            if len(series) > MOST_SERIES:
                _fold_oldest(series)
        return self if series is None else type(self)(series)

    @property
    def spans(self) -> tuple[LossSpan, ...]:
        """Every span, the latest first; those of unknown date last."""
        found = [span for spans in self.series.values() for span in spans]
        return tuple(sorted(found, key=lambda span: (span.dated, span.to_ms), reverse=True))

    def changed_since(self, before: LossBook) -> list[Key]:
        """Give the series that differ from an earlier book, those that are gone included."""
        keys = {*self.series, *before.series}
        return [key for key in keys if self.series.get(key) is not before.series.get(key)]


def totals_by_cause(spans: Iterable[LossSpan]) -> dict[str, tuple[int, int]]:
    """Add up how often and how much was lost, by cause."""
    sums: dict[str, tuple[int, int]] = {}
    for span in spans:
        times, amount = sums.get(span.cause, (0, 0))
        sums[span.cause] = times + span.times, amount + span.amount
    return sums


def _merged(spans: tuple[LossSpan, ...], new: LossSpan) -> tuple[LossSpan, ...]:
    for at in range(len(spans) - 1, -1, -1):
        if _near(spans[at], new):
            return (*spans[:at], _joined(spans[at], new), *spans[at + 1 :])
    if len(spans) < MOST_SPANS:
        return (*spans, new)
    return (_joined(*spans[:2]), *spans[2:], new)


def _fold_oldest(series: dict[Key, tuple[LossSpan, ...]]) -> None:
    """Put the device's series that ended first under no device: renamed devices leave no end."""
    oldest = min((key for key in series if key[1]), key=lambda key: series[key][-1].to_ms)
    for span in series.pop(oldest):
        whole = replace(span, device="")
        series[whole.key] = _merged(series.get(whole.key, ()), whole)


def _near(one: LossSpan, other: LossSpan) -> bool:
    return one.from_ms - JOIN_MS <= other.to_ms and other.from_ms <= one.to_ms + JOIN_MS


def _joined(one: LossSpan, other: LossSpan) -> LossSpan:
    return replace(
        one,
        from_ms=min(one.from_ms, other.from_ms),
        to_ms=max(one.to_ms, other.to_ms),
        times=one.times + other.times,
        amount=one.amount + other.amount,
    )
