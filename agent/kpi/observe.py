"""Counts, while frames pass, what each device delivered on each day: the raw evidence.

On the path of every value: a full, good, agent-stamped frame of today costs a handful of
additions, whatever its size; values are compared only until the first change of the day is
found. Counts are by the value's own source time, so replayed data count on the day they are of.
Only good values count; a frame without any leaves no trace. One thread only (the event loop).
"""

from __future__ import annotations

from datetime import date
from itertools import compress
from typing import TYPE_CHECKING

from agent.kpi.days import Calendar
from agent.kpi.evidence import DeviceDay, is_control_metric
from drivers.api import Quality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent.kpi.days import Day
    from drivers.api import Frame, Value

_GOOD_MASK = bytes(quality == Quality.GOOD for quality in range(256))
"""Turns a column of qualities into one of 1 (good) and 0, for `compress`."""
_NS_PER_MS = 1_000_000
_DAYS_COMPARED = 2
"""Days per group whose first values are kept, for frames around midnight belong to either.

Values of a third day push out the oldest: it is still counted, and compared from there anew.
"""


class _Unseen:
    """Stands where no good value of a column was seen on the day."""


_UNSEEN = _Unseen()


class Observer:
    """Keeps one `DeviceDay` per device and day; feed it through `watch` or `observe`."""

    def __init__(self, tags: Mapping[tuple[str, str], Sequence[str]], timezone: str) -> None:
        """Take the metric names of every (device, group) in frame order, and the IANA zone."""
        self._calendar = Calendar(timezone)
        self._records: dict[tuple[str, date], _Record] = {}
        self._touched: list[_Record] = []
        self._watches = {key: _Watch(self, key[0], names) for key, names in tags.items()}

    def watch(self, device: str, group: str) -> Callable[[Frame], None]:
        """Give the function that takes in the engineering frames of one group."""
        return self._watches[device, group].observe

    def observe(self, frame: Frame) -> None:
        """Take in one engineering frame of any group."""
        self._watches[frame.device, frame.group].observe(frame)

    def load(self, days: Iterable[DeviceDay]) -> None:
        """Continue from what was counted before; adds up where both know a day."""
        for one in days:
            record = self.record(one.device, one.day)
            first_ns = one.first_ms * _NS_PER_MS
            record.add(one.good, one.control_good, first_ns, one.last_ms * _NS_PER_MS)
            record.changed |= one.metrics_changed

    def drain(self) -> list[DeviceDay]:
        """Give the days that changed since the last call, each with its whole count, to store."""
        touched, self._touched = self._touched, []
        for record in touched:
            record.clean = True
        return [record.day() for record in touched]

    def days(self, since: date = date.min) -> list[DeviceDay]:
        """Give every day known, counted or loaded, from `since` on."""
        return [one.day() for one in self._records.values() if one.good and one.date >= since]

    def day(self, time_ns: int) -> Day:
        """Give the calendar day of an instant; for the watches."""
        return self._calendar.day(time_ns)

    def record(self, device: str, day: date) -> _Record:
        """Give the count of one device and day; for the watches."""
        key = (device, day)
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(device, day)
        return record

    def touch(self, record: _Record) -> None:
        """Note a count that differs from what was last drained; for the watches."""
        record.clean = False
        self._touched.append(record)


class _Record:
    """The count of one device and day; all groups of the device share it."""

    __slots__ = (
        "changed", "clean", "control_good", "date", "device", "first_ns", "good", "last_ns",
    )  # fmt: skip

    def __init__(self, device: str, day: date) -> None:
        self.device = device
        self.date = day
        self.good = 0
        self.control_good = 0
        self.changed = False
        self.first_ns = self.last_ns = 0
        self.clean = True

    def add(self, good: int, control_good: int, first_ns: int, last_ns: int) -> None:
        if not self.good:
            self.first_ns, self.last_ns = first_ns, last_ns
        else:
            self.first_ns = min(self.first_ns, first_ns)
            self.last_ns = max(self.last_ns, last_ns)
        self.good += good
        self.control_good += control_good

    def day(self) -> DeviceDay:
        return DeviceDay(self.device, self.date, self.good, self.changed, self.control_good,
                         self.first_ns // _NS_PER_MS, self.last_ns // _NS_PER_MS)  # fmt: skip


class _GroupDay:
    """One group's share in a day: its bounds, its count, and the first good value of a column."""

    __slots__ = ("compared", "complete", "first", "from_ns", "record", "until_ns")

    def __init__(self, day: Day, record: _Record, size: int) -> None:
        self.from_ns = day.from_ns
        self.until_ns = day.until_ns
        self.record = record
        self.complete: tuple[Value, ...] | None = None
        """The first values, once every column has one."""
        self.first: list[Value | _Unseen] = [_UNSEEN] * size
        self.compared: tuple[Sequence[int], Sequence[Value]] | None = None
        """What was compared last without a change; a machine at rest repeats it."""

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


class _Watch:
    """Takes in the frames of one group of one device."""

    __slots__ = (
        "_all", "_columns", "_control", "_controls", "_counted", "_counted_controls", "_days",
        "_device", "_good", "_observer", "_today",
    )  # fmt: skip

    def __init__(self, observer: Observer, device: str, names: Sequence[str]) -> None:
        self._observer = observer
        self._device = device
        self._all = range(len(names))
        self._control = tuple(is_control_metric(name) for name in names)
        self._controls = sum(self._control)
        self._good = b""
        self._columns: Sequence[int] = ()
        self._counted: Sequence[int] = ()
        self._counted_controls = 0
        self._days: dict[date, _GroupDay] = {}
        self._today: _GroupDay | None = None

    def observe(self, frame: Frame) -> None:
        """Count a frame: at once if all of it is good and of today, else with care."""
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
            record.good += len(frame.values)
            record.control_good += self._controls
            if time_ns > record.last_ns:
                record.last_ns = time_ns
            elif time_ns < record.first_ns:
                record.first_ns = time_ns
            if not record.changed and today.differs_full(frame.values):
                record.changed = True
            if record.clean:
                self._observer.touch(record)
            return
        self._observe_any(frame)

    def _observe_any(self, frame: Frame) -> None:
        columns, values, times_ns = self._good_part(frame)
        if not values:
            return
        distinct = set(times_ns)  # few: a server samples many points at once
        first_ns, last_ns = min(distinct), max(distinct)
        today = self._turn(first_ns)
        if last_ns < today.until_ns:
            self._count(today, columns, values, first_ns=first_ns, last_ns=last_ns)
            return
        for column, value, time_ns in zip(columns, values, times_ns, strict=True):
            day = self._turn(time_ns)
            self._count(day, (column,), (value,), first_ns=time_ns, last_ns=time_ns)

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
        today: _GroupDay,
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
            self._observer.touch(record)

    def _turn(self, time_ns: int) -> _GroupDay:
        """Make the day of an instant today; an older day than the last two starts anew."""
        today = self._today
        if today is not None and today.from_ns <= time_ns < today.until_ns:
            return today
        day = self._observer.day(time_ns)
        today = self._days.get(day.date)
        if today is None:
            record = self._observer.record(self._device, day.date)
            today = self._days[day.date] = _GroupDay(day, record, len(self._all))
            if len(self._days) > _DAYS_COMPARED:
                del self._days[next(iter(self._days))]
        self._today = today
        return today
