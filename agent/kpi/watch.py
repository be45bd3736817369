"""Taking in the frames of one group: at once if all is good and of this hour, else with care.

On the path of every value: a full, good, agent-stamped frame costs a handful of additions and one
comparison, whatever its size. One thread only (the event loop).
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Final, Protocol

from agent.kpi.groupday import GroupDay
from agent.kpi.track import LOOK_NS, Track
from agent.kpi.watched import is_control_metric
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from agent.kpi.days import Day
    from agent.kpi.tally import Tally
    from drivers.api import Frame, Value

_GOOD_MASK = bytes(quality == Quality.GOOD for quality in range(256))
"""Turns a column of qualities into one of 1 (good) and 0, for `compress`."""
_DAYS_COMPARED: Final = 2
"""Days per group whose first values are kept, for frames around midnight belong to either.

Values of a third day push out the oldest: it is still counted, and compared from there anew.
"""
AHEAD_NS: Final = 24 * 3_600_000_000_000
"""A value stamped so much later than it was received is of no day: its clock is wrong."""
BEHIND_NS: Final = 7 * AHEAD_NS
"""A live value stamped so much earlier tells what still is so, not what was seen on its day."""


class Books(Protocol):
    """Where the counts of one device are kept."""

    def day(self, time_ns: int) -> Day:
        """Give the shop day of an instant."""

    def record(self, day: date) -> Tally:
        """Give the count of a day."""

    def touch(self, record: Tally) -> None:
        """Note a count that differs from what was last stored."""

    def spread(self, from_ns: int, until_ns: int) -> Iterator[tuple[Tally, int, int]]:
        """Cut a span into (count, hour of the shop day, ns)."""

    def speaks(self, group: str, time_ns: int) -> None:
        """Note that a group delivers again."""

    def falls_silent(self, group: str, time_ns: int) -> None:
        """Note that nothing of a group can be read any more."""


class Watch:
    """Takes in the frames of one group of one device."""

    __slots__ = ("_all", "_books", "_columns", "_control", "_controls", "_counted",
                 "_counted_controls", "_days", "_good", "_group", "_past", "_today",
                 "_track")  # fmt: skip

    def __init__(self, books: Books, group: str, names: Sequence[str]) -> None:
        """Take the books of the device, the group's name, and its metrics in frame order."""
        self._books = books
        self._group = group
        self._all = range(len(names))
        self._control = tuple(is_control_metric(name) for name in names)
        self._controls = sum(self._control)
        self._good = b""
        self._columns: Sequence[int] = ()
        self._counted: Sequence[int] = ()
        self._counted_controls = 0
        self._days: dict[date, GroupDay] = {}
        self._today: GroupDay | None = None
        self._track = Track(names, books.spread)
        self._past = Track(names, books.spread)

    def observe(self, frame: Frame) -> None:
        """Count a frame: at once if all of it is good and of this hour, else with care."""
        time_ns = frame.read_ns
        today = self._today
        if (
            frame.columns is None
            and frame.qualities is None
            and frame.times_ns is None
            and today is not None
            and today.from_ns <= time_ns < today.until_ns
        ):
            record = today.record
            values = frame.values
            record.good += len(values)
            record.control_good += self._controls
            if time_ns > record.last_ns:
                record.last_ns = time_ns
            elif time_ns < record.first_ns:
                record.first_ns = time_ns
            if not record.changed and today.differs_full(values):
                record.changed = True
            if record.clean:
                self._books.touch(record)
            track = self._track
            if time_ns >= track.look_ns or (
                track.state_at >= 0 and values[track.state_at] != track.state
            ):
                track.look(record, values, time_ns)
            return
        self._observe_any(frame)

    def forget(self, day: date) -> None:
        """Let go of a day whose count was put away."""
        gone = self._days.pop(day, None)
        if gone is not None and gone is self._today:
            self._today = None

    def _observe_any(self, frame: Frame) -> None:
        columns, values, times_ns = self._good_part(frame)
        if frame.qualities is not None:
            self._note_bad(frame, len(frame.values) - len(values))
        if not values:
            return
        distinct = set(times_ns)  # few: a server samples many points at once
        first_ns, last_ns = min(distinct), max(distinct)
        oldest_ns = 0 if frame.backfill else frame.read_ns - BEHIND_NS
        if first_ns < oldest_ns or last_ns > frame.read_ns + AHEAD_NS:
            columns, values, times_ns = self._in_time(
                columns, values, times_ns, oldest_ns=oldest_ns, read_ns=frame.read_ns
            )
            if not values:
                return
            distinct = set(times_ns)
            first_ns, last_ns = min(distinct), max(distinct)
        if self._today is None and not frame.backfill:
            self._books.speaks(self._group, last_ns)
        today = self._turn(first_ns)
        if last_ns < today.ends_ns:
            if last_ns >= today.until_ns:
                for time_ns in sorted(distinct):
                    today.turn_hour(time_ns)
            self._count(today, columns, values, first_ns=first_ns, last_ns=last_ns)
        else:
            for column, value, time_ns in zip(columns, values, times_ns, strict=True):
                day = self._turn(time_ns)
                self._count(day, (column,), (value,), first_ns=time_ns, last_ns=time_ns)
        self._follow(frame, columns, values, times_ns)

    def _in_time(
        self,
        columns: Sequence[int],
        values: Sequence[Value],
        times_ns: Sequence[int],
        *,
        oldest_ns: int,
        read_ns: int,
    ) -> tuple[Sequence[int], Sequence[Value], Sequence[int]]:
        """Give what is of a day on which it can have been seen; the rest counts as not good."""
        fits = [oldest_ns <= time_ns <= read_ns + AHEAD_NS for time_ns in times_ns]
        self._count_bad(len(fits) - sum(fits), read_ns)
        return (
            tuple(compress(columns, fits)),
            tuple(compress(values, fits)),
            tuple(compress(times_ns, fits)),
        )

    def _follow(
        self,
        frame: Frame,
        columns: Sequence[int],
        values: Sequence[Value],
        times_ns: Sequence[int],
    ) -> None:
        """Show the followed columns of a frame to their track."""
        track = self._past if frame.backfill else self._track
        if not track.columns or (columns is not self._all and track.columns.isdisjoint(columns)):
            return
        if frame.columns is None and not frame.backfill:
            self._look(columns, values, max(times_ns))
            return
        stamps = times_ns if len(times_ns) == len(values) else list(times_ns) * len(values)
        for column, value, time_ns in zip(columns, values, stamps, strict=True):
            if column in track.columns:
                if frame.backfill and time_ns < track.seen_ns:
                    track.restart()
                track.take(self._turn(time_ns).record, column, value, time_ns)

    def _look(self, columns: Sequence[int], values: Sequence[Value], time_ns: int) -> None:
        """Look at the followed columns of a full frame, good ones only, if a look is due."""
        track = self._track
        at = columns.index(track.state_at) if track.state_at in columns else -1
        if time_ns < track.look_ns and (at < 0 or values[at] == track.state):
            return
        record = self._turn(time_ns).record
        if columns is self._all:
            track.look(record, values, time_ns)
            return
        track.look_ns = time_ns + LOOK_NS
        for column in track.columns.intersection(columns):
            track.take(record, column, values[columns.index(column)], time_ns)

    def _note_bad(self, frame: Frame, bad: int) -> None:
        """Count values that are not good, and see whether state or group fell silent."""
        if not bad or frame.backfill:
            return
        self._count_bad(bad, frame.read_ns)
        at = self._track.state_at
        if frame.columns is not None:
            at = frame.columns.index(at) if at in frame.columns else -1
        if at >= 0 and frame.qualities is not None and frame.qualities[at] != Quality.GOOD:
            self._track.lose_state(frame.read_ns)
        if frame.columns is None and bad == len(frame.values):
            self._today = None
            self._books.falls_silent(self._group, frame.read_ns)

    def _count_bad(self, bad: int, read_ns: int) -> None:
        record = self._books.record(self._books.day(read_ns).date)
        record.bad += bad
        if record.clean:
            self._books.touch(record)

    def _good_part(self, frame: Frame) -> tuple[Sequence[int], Sequence[Value], Sequence[int]]:
        """Give columns, values and source times of the good values, in the frame's order."""
        columns: Sequence[int] = self._all if frame.columns is None else frame.columns
        values, times_ns = frame.values, frame.times_ns
        if frame.qualities is not None:
            good = frame.qualities.translate(_GOOD_MASK)
            values = tuple(compress(values, good))
            times_ns = tuple(compress(times_ns, good)) if times_ns else None
            columns = (
                self._good_columns(good)
                if frame.columns is None
                else tuple(compress(columns, good))
            )
        return columns, values, times_ns or (frame.read_ns,)

    def _good_columns(self, good: bytes) -> Sequence[int]:
        """Give the good columns of a full frame; a point that stays bad costs this only once."""
        if good != self._good:
            self._good, self._columns = good, tuple(compress(self._all, good))
        return self._columns

    def _control_columns(self, columns: Sequence[int]) -> int:
        """Count the columns of control metrics."""
        if not self._controls or columns is self._all:
            return self._controls
        if columns is not self._counted:
            self._counted = columns
            self._counted_controls = sum(map(self._control.__getitem__, columns))
        return self._counted_controls

    def _count(
        self,
        today: GroupDay,
        columns: Sequence[int],
        values: Sequence[Value],
        *,
        first_ns: int,
        last_ns: int,
    ) -> None:
        record = today.record
        record.add(len(values), self._control_columns(columns), first_ns, last_ns)
        if not record.changed and today.differs(columns, values):
            record.changed = True
        if record.clean:
            self._books.touch(record)

    def _turn(self, time_ns: int) -> GroupDay:
        """Make the hour of an instant the one at hand; of older days the last two are kept."""
        today = self._today
        if today is not None and today.from_ns <= time_ns < today.until_ns:
            return today
        if today is None or not today.begins_ns <= time_ns < today.ends_ns:
            today = self._day(time_ns)
        today.turn_hour(time_ns)
        self._today = today
        return today

    def _day(self, time_ns: int) -> GroupDay:
        day = self._books.day(time_ns)
        found = self._days.get(day.date)
        if found is None:
            found = GroupDay(day, self._books.record(day.date), len(self._all))
            self._days[day.date] = found
            if len(self._days) > _DAYS_COMPARED:
                del self._days[next(iter(self._days))]
        return found
