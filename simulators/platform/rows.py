"""A valid message taken apart into rows: what was measured when, and what happened.

Pure; `simulators.platform.checks` has said before that the message is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

JsonValue: TypeAlias = bool | int | float | str | None


class Point(NamedTuple):
    """One value of one metric."""

    metric: str
    time_ms: int
    value: JsonValue
    quality: str
    """`g`ood, `u`ncertain or `b`ad."""
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """One stored row as it arrived; (gateway, epoch, number) is its identity."""

    enterprise: str
    gateway: str
    epoch: str
    number: int
    kind: str
    """`data`, `hist` or `event`."""
    sent_ms: int
    meta_version: int
    content: Mapping[str, Any]
    """The block or the event record itself."""
    trusted: bool = True
    """Whether somebody vouched for the clock that made its times."""

    @property
    def device(self) -> str:
        """Device the row belongs to; empty for events of the gateway."""
        return str(self.content.get("d", ""))

    @property
    def group(self) -> str:
        """Poll group of the row; empty for events of the gateway."""
        return str(self.content.get("g", ""))

    @property
    def of_history(self) -> bool:
        """Whether the device itself had kept the values and told them later."""
        return self.content.get("hist") is True

    def points(self) -> Iterator[Point]:
        """Give every value with its own time and quality; nothing for an event."""
        t0 = self.content.get("t0", 0)
        flags = self.content.get("q", {})
        if "s" in self.content:
            times = [t0 + offset for offset in self.content["t"]]
            for metric, values in self.content["s"].items():
                yield from _column(metric, times, values, flags.get(metric, ()))
        for metric, (offsets, values) in self.content.get("p", {}).items():
            times = [t0 + offset for offset in offsets]
            yield from _column(metric, times, values, flags.get(metric, ()))


def rows_of(enterprise: str, kind: str, body: Mapping[str, Any]) -> Iterator[Row]:
    """Give the rows of a data, hist or event message."""
    for content in body["e" if kind == "event" else "b"]:
        yield Row(
            enterprise=enterprise,
            gateway=body["gw"],
            epoch=body["ep"],
            number=content["n"],
            kind=kind,
            sent_ms=body["sent"],
            meta_version=body["mv"],
            content=content,
            trusted=body["clk"] != "free",
        )


def _column(
    metric: str, times: list[int], values: list[JsonValue], flags: list[list[Any]]
) -> Iterator[Point]:
    """Give a column's points; null without a quality is no sample and gives none."""
    grades = {index: (grade, reason) for index, grade, reason in flags}
    for index, (time_ms, value) in enumerate(zip(times, values, strict=True)):
        grade, reason = grades.get(index, ("g", ""))
        if value is not None or index in grades:
            yield Point(metric, time_ms, value, grade, reason)
