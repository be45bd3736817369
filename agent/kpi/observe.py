"""Counts, while frames pass, what each device delivered on each shop day: the raw evidence.

Counts are by the value's own source time, so replayed data count on the day they are of. Only
good values count; a day without any leaves no trace. One thread only (the event loop).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from agent.kpi.groupday import HOUR_NS
from agent.kpi.tally import Tally
from agent.kpi.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agent.kpi.days import Day
    from agent.kpi.deviceday import DeviceDay
    from drivers.api import Frame

DEVICE_DOWN: Final = "device_down"
"""Cause of a gap: the device did not answer."""
AGENT_DOWN: Final = "agent_down"
"""Cause of a gap: this program did not run, or did not reach the device before it ended."""
_OPEN_DAYS: Final = 4
"""Days whose counts are kept open; older ones are put away as records, and opened when needed."""


class Calendar(Protocol):
    """Tells days; `agent.kpi.calendar.ShopCalendar` and `agent.kpi.days.Calendar` do."""

    def day(self, time_ns: int) -> Day:
        """Give the day that contains an instant (UTC nanoseconds)."""


class Observer:
    """Keeps one `DeviceDay` per device and day; feed it through `watch` or `observe`."""

    def __init__(self, tags: Mapping[tuple[str, str], Sequence[str]], calendar: Calendar) -> None:
        """Take the metric names of every (device, group) in frame order, and the calendar."""
        self._calendar = calendar
        self._devices: dict[str, _DeviceBooks] = {}
        self._watches: dict[tuple[str, str], Watch] = {}
        self._touched: list[Tally] = []
        for (device, group), names in tags.items():
            self._watches[device, group] = self._books(device).add(group, names)

    def watch(self, device: str, group: str, names: Sequence[str] = ()) -> Callable[[Frame], None]:
        """Give the function that takes in a group's engineering frames; `names` of a new group."""
        if (device, group) not in self._watches:
            self._watches[device, group] = self._books(device).add(group, names)
        return self._watches[device, group].observe

    def observe(self, frame: Frame) -> None:
        """Take in one engineering frame of any group."""
        self._watches[frame.device, frame.group].observe(frame)

    def load(self, days: Iterable[DeviceDay]) -> None:
        """Continue from what was counted before; call it once, before any frame."""
        for one in days:
            self._books(one.device).load(one)

    def drain(self) -> list[DeviceDay]:
        """Give the days that changed since the last call, each with its whole count, to store."""
        touched, self._touched = self._touched, []
        for record in touched:
            record.clean = True
        found = [record.day() for record in touched if record.good]
        newest = max((one.day for one in found), default=date.min)
        if newest > date.min + timedelta(_OPEN_DAYS):
            for books in self._devices.values():
                books.put_away(newest - timedelta(_OPEN_DAYS))
        return found

    def days(self, since: date = date.min) -> list[DeviceDay]:
        """Give every day known, counted or loaded, from `since` on."""
        return [one for books in self._devices.values() for one in books.days(since)]

    def prune(self, before: date) -> None:
        """Let go of the days before one; the store has them."""
        for books in self._devices.values():
            books.prune(before)

    def day(self, time_ns: int) -> Day:
        """Give the shop day of an instant."""
        return self._calendar.day(time_ns)

    def touch(self, record: Tally) -> None:
        """Note a count that differs from what was last drained; for the watches."""
        record.clean = False
        self._touched.append(record)

    def _books(self, device: str) -> _DeviceBooks:
        books = self._devices.get(device)
        if books is None:
            books = self._devices[device] = _DeviceBooks(self, device)
        return books


class _DeviceBooks:
    """The counts of one device, and whether it is silent."""

    def __init__(self, observer: Observer, device: str) -> None:
        self._device = device
        self._observer = observer
        self.day = observer.day
        self.touch = observer.touch
        self._watches: list[Watch] = []
        self._open: dict[date, Tally] = {}
        self._known: dict[date, DeviceDay] = {}
        self._speaking: set[str] = set()
        self._silent_ns = 0
        self._cause = AGENT_DOWN

    def add(self, group: str, names: Sequence[str]) -> Watch:
        watch = Watch(self, group, names)
        self._watches.append(watch)
        return watch

    def load(self, day: DeviceDay) -> None:
        self._known[day.day] = day
        self._silent_ns = max(self._silent_ns, day.last_ms * 1_000_000)

    def record(self, day: date) -> Tally:
        record = self._open.get(day)
        if record is None:
            known = self._known.pop(day, None)
            record = Tally(self._device, day) if known is None else Tally.of(known)
            self._open[day] = record
        return record

    def days(self, since: date) -> Iterator[DeviceDay]:
        yield from (one for one in self._known.values() if one.day >= since)
        for record in self._open.values():
            if record.good and record.date >= since:
                yield record.day()

    def put_away(self, before: date) -> None:
        for day, record in list(self._open.items()):
            if day < before and record.clean:
                for watch in self._watches:
                    watch.forget(day)
                if record.good:
                    self._known[day] = record.day()
                del self._open[day]

    def prune(self, before: date) -> None:
        for day in [day for day in self._known if day < before]:
            del self._known[day]

    def spread(self, from_ns: int, until_ns: int) -> Iterator[tuple[Tally, int, int]]:
        while from_ns < until_ns:
            day = self.day(from_ns)
            hour = (from_ns - day.from_ns) // HOUR_NS
            ends_ns = min(day.from_ns + (hour + 1) * HOUR_NS, day.until_ns, until_ns)
            record = self.record(day.date)
            if record.clean:
                self.touch(record)
            yield record, hour, ends_ns - from_ns
            from_ns = ends_ns

    def speaks(self, group: str, time_ns: int) -> None:
        if not self._speaking and 0 < self._silent_ns < time_ns:
            self._count_gap(time_ns)
        self._speaking.add(group)

    def falls_silent(self, group: str, time_ns: int) -> None:
        spoke = bool(self._speaking)
        self._speaking.discard(group)
        if spoke and not self._speaking:
            self._silent_ns, self._cause = time_ns, DEVICE_DOWN

    def _count_gap(self, until_ns: int) -> None:
        """Count a silence by its cause, day by day; days wholly silent have no record."""
        from_ns = self._silent_ns
        while from_ns < until_ns:
            day = self.day(from_ns)
            ends_ns = min(day.until_ns, until_ns)
            record = self._open.get(day.date)
            if record is None and day.date in self._known:
                record = self.record(day.date)
            if record is not None or ends_ns == until_ns:
                record = record or self.record(day.date)
                record.gaps_ns[self._cause] += ends_ns - from_ns
                if record.clean:
                    self.touch(record)
            from_ns = ends_ns
