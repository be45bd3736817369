"""The machines while the agent runs: followed, kept in the store, published when a shift ends.

A machine is followed where the file says what to make of it: it has `states` or `oee`, or there
are shifts and it has a point machine.state. Records are kept as lessons of the pseudo-device
`@shifts`, so that a restart goes on where it ended; the time in between is unknown.
"""

from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

from agent.kpi.calendar import ShopCalendar
from agent.kpi.follow import COUNTERS, SIGNALS, STATE, Follows, Machine, Source, hold_ms
from agent.kpi.reissue import Reissue
from agent.kpi.report import DEVICE
from agent.kpi.segments import Segments
from agent.kpi.shift_record import ShiftRecord
from agent.kpi.shift_report import GROUP, METRIC_NAMES, shift_figures, shift_frame
from agent.states.counting import Counter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.states.timeline import Change
    from agent.store.intake import Encodes
    from agent.store.outbox import LessonRow
    from drivers.api import Frame

KEPT_IN = "@shifts"
"""Where the store's lessons keep the records; no device can be called so."""
KEEP_DAYS = 40
"""Records so much older than the newest are forgotten; a month's report still finds its own."""
SAVE_EVERY_S = 10.0
"""How often records are handed to the store; so much of them a crash can cost."""
GRACE_MS = 60_000
"""A shift's figures are published so long after its end: what was on its way has come."""

_DWELL_S = 2.0
_NS_PER_MS = 1_000_000


class Keeps(Protocol):
    """What this needs of the store; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what is to be kept; an empty text forgets."""


class Shop:
    """Every machine that is followed, and its records."""

    def __init__(
        self,
        config: AgentConfig,
        devices: Sequence[DevicePlan],
        lessons: Iterable[LessonRow],
        *,
        tell: Callable[..., None],
        dated: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what to follow, what is kept, and where events are told, by kind and fields."""
        self._config = config
        self._tell = tell
        self._dated = dated
        self._calendar = ShopCalendar.of(config)
        self._segments = Segments(self._calendar)
        self._records = {(one.device, one.day): one for one in records(lessons)}
        self._touched: set[tuple[str, date]] = set()
        self._all_looked_at = False
        self._again = Reissue()
        self._plans: dict[str, DevicePlan] = {}
        self._machines: dict[str, Machine] = {}
        self.join(devices)

    def join(self, devices: Sequence[DevicePlan]) -> None:
        """Go on by these devices, all of them; call it while those that changed do not run."""
        entries = tuple(device.entry for device in devices)
        self._config = self._config.model_copy(update={"devices": entries})
        self._machines = {
            device.id: self._machines[device.id]
            if self._plans.get(device.id) is device and device.id in self._machines
            else self._machine(device)
            for device in devices
            if _followed(device, shifts=self._calendar.has_shifts)
        }
        self._plans = {device.id: device for device in devices}
        self._roles = {device.id: _roles(device) for device in devices}

    def follow(self, device: str, group: GroupPlan) -> Follows | None:
        """Give what follows a group's frames; None where nothing in it is followed."""
        machine = self._machines.get(device)
        roles = self._roles.get(device, {})
        columns = {at: roles[tag.name] for at, tag in enumerate(group.tags) if tag.name in roles}
        if machine is None or not columns:
            return None
        return Follows(machine, columns, dated=self._dated)

    def recent(self) -> tuple[tuple[str, str, str], ...]:
        """Give device, shop day and record text, as kept, of the two newest shop days."""
        days = sorted({day for _, day in self._records})[-2:]
        return tuple(
            (device, day.isoformat(), one.text())
            for (device, day), one in sorted(self._records.items())
            if day in days
        )

    def save(self, store: Keeps) -> None:
        """Hand the records that changed to the store; forget the oldest."""
        now_ms = time.time_ns() // _NS_PER_MS
        rows = [
            (KEPT_IN, f"{device} {day}", self._records[device, day].text(), now_ms)
            for device, day in sorted(self._touched)
        ]
        self._touched.clear()
        if rows:
            today = self._calendar.day_of(now_ms * _NS_PER_MS)  # a clock that ran ahead left later
            newest = min(today, max(day for _, day in self._records))
            oldest = newest - timedelta(days=KEEP_DAYS)
            gone = [key for key in self._records if key[1] < oldest]
            rows += [(KEPT_IN, f"{device} {day}", "", now_ms) for device, day in gone]
            for key in gone:
                del self._records[key]
            store.put_lessons(rows)

    async def run(self, store: Keeps, codec: Callable[[str, str, Sequence[str]], Encodes]) -> None:
        """Save, and publish each shift once it has ended, until cancelled; then save once more."""
        encoded = codec(DEVICE, GROUP, METRIC_NAMES)
        try:
            while True:
                if self._dated():
                    await self._publish(store, encoded, time.time_ns() // _NS_PER_MS)
                self.save(store)
                await asyncio.sleep(SAVE_EVERY_S)
        finally:
            self.save(store)

    async def _publish(self, store: Keeps, codec: Encodes, now_ms: int) -> None:
        """Publish what ended: of this shop day and the one before, first of all that are kept.

        What late data changed since is published again, once no more of them come.
        """
        today = self._calendar.day_of(now_ms * _NS_PER_MS)
        recent = (today - timedelta(days=1), today)
        again = self._again.due(now_ms)
        for record in list(self._records.values()):
            old = record.day not in recent
            record.told -= (changed := again.get((record.device, record.day), set()))
            if record.device not in self._machines or (old and self._all_looked_at and not changed):
                continue
            for name in self._ended(record, now_ms):
                if old and not any(bucket.shift == name for bucket in record.totals):
                    continue  # a shift of this name was not known then
                figures = shift_figures(self._config, record, name, now_ms=now_ms)
                await store.put_frame(codec, shift_frame(figures, now_ms=now_ms))
                record.told.add(name)
                self._touched.add((record.device, record.day))
        self._all_looked_at = True

    def _ended(self, record: ShiftRecord, now_ms: int) -> list[str]:
        """Give the shifts of a record that have ended and were not published."""
        return [
            shift.name
            for shift in self._calendar.planned(record.day)
            if shift.name not in record.told and now_ms - shift.end_ns // _NS_PER_MS >= GRACE_MS
        ]

    def _machine(self, device: DevicePlan) -> Machine:
        roles = _roles(device)
        states = device.entry.states
        dwell_ms = round((_DWELL_S if states is None else states.dwell_s) * 1000)
        lines = {
            role: Source(dwell_ms if role == STATE else 0, hold_ms(group))
            for group in device.groups
            for tag in group.tags
            for role in roles.get(tag.name, ())
            if role not in COUNTERS
        }
        return Machine(
            lambda day: self._record(device.id, day),
            self._segments,
            lines=lines,
            counters=self._counters(device),
            on_change=lambda change: self._changed(device.id, change),
            on_late=lambda bucket: self._again.note(device.id, bucket, time.time_ns()),
        )

    def _counters(self, device: DevicePlan) -> dict[str, Counter]:
        """Give the counters of a device as their latest readings left them."""
        oee = device.entry.oee
        known = {role: one for one in sorted(self._records.values(), key=lambda one: one.day)
                 if one.device == device.id for role in one.readings}  # fmt: skip
        found = {}
        for role in COUNTERS:
            record = known.get(role)
            found[role] = Counter(
                wrap=None if oee is None else oee.wrap,
                last=None if record is None else record.readings[role],
                fell=None if record is None else record.falls.get(role),
            )
        return found

    def _changed(self, device: str, change: Change) -> None:
        self._tell("state", d=device, was=change.was, state=change.state, at=change.at_ms,
                   lasted_ms=change.lasted_ms)  # fmt: skip

    def _record(self, device: str, day: date) -> ShiftRecord:
        key = (device, day)
        self._touched.add(key)
        found = self._records.get(key)
        if found is None:
            found = self._records[key] = ShiftRecord(device, day)
        return found


def records(lessons: Iterable[LessonRow]) -> list[ShiftRecord]:
    """Give the records among the store's lessons; one that cannot be read is left out."""
    found = []
    for kept_in, key, text, _ in lessons:
        if kept_in != KEPT_IN or not text:
            continue
        device, _, day = key.rpartition(" ")
        try:
            found.append(ShiftRecord.of_text(device, date.fromisoformat(day), text))
        except ValueError:
            continue
    return found


def _followed(device: DevicePlan, *, shifts: bool) -> bool:
    entry = device.entry
    has_state = any(tag.name == STATE for group in device.groups for tag in group.tags)
    return entry.states is not None or entry.oee is not None or (shifts and has_state)


def _roles(device: DevicePlan) -> dict[str, tuple[str, ...]]:
    """Give what each point of a device is to us, by its name."""
    found: dict[str, tuple[str, ...]] = {STATE: (STATE,)}
    oee = device.entry.oee
    for role in (*COUNTERS, *SIGNALS) if oee is not None else ():
        point = getattr(oee, role)
        if point is not None:
            found[point] = (*found.get(point, ()), role)
    return found
