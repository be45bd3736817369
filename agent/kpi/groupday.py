"""One group's share in a shop day: the hour at hand, and whether any value has changed yet.

Values are compared with the first of the day, and only until the first change is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.kpi.days import Day
    from agent.kpi.tally import Tally
    from drivers.api import Value

HOUR_NS: Final = 3_600_000_000_000


class _Unseen:
    """Stands where no good value of a column was seen on the day."""


_UNSEEN = _Unseen()


class GroupDay:
    """One group's share in a day: its bounds, its count, and the first good value of a column."""

    __slots__ = ("begins_ns", "compared", "complete", "ends_ns", "first", "from_ns", "record",
                 "until_ns")  # fmt: skip

    def __init__(self, day: Day, record: Tally, size: int) -> None:
        self.begins_ns = day.from_ns
        self.ends_ns = day.until_ns
        self.from_ns = self.until_ns = 0
        """Bounds of the hour at hand; its bit is set in the count."""
        self.record = record
        self.complete: tuple[Value, ...] | None = None
        """The first values, once every column has one."""
        self.first: list[Value | _Unseen] = [_UNSEEN] * size
        self.compared: tuple[Sequence[int], Sequence[Value]] | None = None
        """What was compared last without a change; a machine at rest repeats it."""

    def turn_hour(self, time_ns: int) -> None:
        """Make the hour of an instant the one at hand."""
        hour = (time_ns - self.begins_ns) // HOUR_NS
        self.from_ns = self.begins_ns + hour * HOUR_NS
        self.until_ns = min(self.from_ns + HOUR_NS, self.ends_ns)
        self.record.hours |= 1 << hour

    def differs(self, columns: Sequence[int], values: Sequence[Value]) -> bool:
        """Tell whether a value differs from the column's first of the day; keep new firsts."""
        if (columns, values) == self.compared:
            return False
        first = self.first
        for column, value in zip(columns, values, strict=True):
            known = first[column]
            if known is _UNSEEN:
                first[column] = value
            elif known != value:
                return True
        self.compared = (columns, values)
        return False

    def differs_full(self, values: tuple[Value, ...]) -> bool:
        """Do the same for a full frame, by one comparison once every column is known."""
        if self.complete is None:
            if self.differs(range(len(values)), values):
                return True
            self.complete = values
            return False
        return values is not self.complete and values != self.complete
