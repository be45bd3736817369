"""The rate while the agent runs: observed, computed, shown, stored and published."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from agent.kpi.calendar import ShopCalendar
from agent.kpi.evidence import DeviceDay, demand
from agent.kpi.observe import Observer
from agent.kpi.report import METRICS, rate_frame, rate_status
from agent.kpi.result import RateResult, compute
from agent.kpi.sources import facts_of
from agent.kpi.watched import evidence_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.kpi.identity import DeviceFacts
    from agent.kpi.sealing import Sealing
    from agent.losses.spans import LossSpan
    from agent.store.intake import Encodes
    from agent.store.outbox import EvidenceRow, LessonRow
    from agent.telemetry.status import DeviceStatus, RateStatus
    from drivers.api import Frame

    Around: TypeAlias = tuple[Sequence[DeviceStatus], Sequence[LossSpan]]
    """The devices with who they say they are, and what was lost."""

SAVE_EVERY_S = 10.0
"""How often evidence is handed to the store; so much of it a crash can cost."""
FRESH_S = 5.0
"""A figure younger than this is shown again without computing it."""

MORE_DAYS: Final = 7
"""Days before the period that are kept in memory too; the store keeps all."""

METRIC_NAMES = tuple(metric.name for metric in METRICS)
"""The columns of the frame that carries the rate."""


class Keeps(Protocol):
    """What this needs of the store; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame."""

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in digests, kept with the lessons."""

    def put_evidence(self, days: Sequence[EvidenceRow]) -> None:
        """Hand in what was observed."""


class Tells(Protocol):
    """What tells of sealed days; `agent.indicator.keeper.Indicators` is one."""

    key: str
    """Public key of the newest digest, hexadecimal; empty before the first."""

    def sealed(self, lessons: Iterable[LessonRow]) -> None:
        """Tell digests that are being handed to the store."""

    async def catch_up(
        self,
        store: Keeps,
        judge: Callable[[AgentConfig, date], RateResult],
        *,
        since: date,
        now_ms: int,
    ) -> None:
        """Tell the rate of every sealed day that is due and not before `since`."""

    def history(self) -> dict[str, Any]:
        """Give the rates of past days."""


class LiveRate:
    """Keeps the evidence of every device and the rate that follows from it."""

    def __init__(
        self,
        config: AgentConfig,
        devices: Sequence[DevicePlan],
        known: Iterable[EvidenceRow],
        *,
        dated: Callable[[], bool] = lambda: True,
        around: Callable[[], Around] = lambda: ((), ()),
        sealing: Sealing | None = None,
        tells: Tells | None = None,
    ) -> None:
        """Take what to judge, what is known, and whether the gateway's own time can be trusted.

        `around` gives what else a judgement rests on, as it stands now; `sealing` has days sealed,
        `tells` tells of them.
        """
        self._config = config
        self._devices = devices
        self._dated = dated
        self._around = around
        self._sealing = sealing
        self._tells = tells
        self._calendar = ShopCalendar.of(config)
        tags = {
            (device.id, group.name): evidence_names(group)
            for device in devices
            for group in device.groups
        }
        self._observer = Observer(tags, self._calendar)
        rows = list(known)
        newest = max((row[1] for row in rows), default="")
        since = _kept_since(newest, config.rate.period_days)
        self._observer.load(DeviceDay.of(row) for row in rows if row[1] >= since)
        self._result: RateResult | None = None
        self._computed_s = 0.0
        self.turn = asyncio.Lock()
        """Held while a rate is handed in; who holds it may change what the rate follows from."""

    def renew(self, config: AgentConfig, devices: Sequence[DevicePlan]) -> None:
        """Go on by another ledger and settings of the rate, and these devices."""
        self._config, self._devices, self._result = config, devices, None

    def watch(self, device: str, group: GroupPlan) -> Callable[[Frame], None]:
        """Give the function that takes in the engineering frames of one group.

        What an untrusted clock has stamped is of no day, and so no evidence.
        """
        observe = self._observer.watch(device, group.name, evidence_names(group))
        dated = self._dated

        def watch(frame: Frame) -> None:
            if frame.times_ns is not None or dated():
                observe(frame)

        return watch

    def status(self) -> RateStatus:
        """Give the rate as it stands, at most `FRESH_S` old."""
        status = rate_status(self._current())
        if self._tells is None:
            return status
        return replace(status, history=self._tells.history(), key=self._tells.key)

    def save(self, store: Keeps) -> None:
        """Hand the evidence that changed to the store."""
        days = self._observer.drain()
        if days:
            store.put_evidence([day.row() for day in days])

    async def run(self, store: Keeps, codec: Encodes) -> None:
        """Save evidence, and publish the rate where there is a ledger, until cancelled.

        Without a trusted clock nobody knows of which day it would be, and it is not published.
        """
        due_s = time.monotonic()
        while True:
            self.save(store)
            if self._sealing is not None and self._sealing.looks and self._dated():
                await self._seal(self._sealing, store)
            if self._config.processes and self._dated() and time.monotonic() >= due_s:
                due_s = max(due_s, time.monotonic() - self._config.rate.emit_every_s)
                due_s += self._config.rate.emit_every_s
                async with self.turn:
                    await store.put_frame(codec, rate_frame(self._current()))
            await asyncio.sleep(min(SAVE_EVERY_S, self._config.rate.emit_every_s))

    def result(self) -> RateResult:
        """Give the rate as it stands, at most `FRESH_S` old."""
        return self._current()

    def _observed(self, now_ms: int) -> list[DeviceDay]:
        """Give the days of the period that ends today; older ones stay in the store."""
        first = demand(self._config.rate, self._calendar.day_of(now_ms * 1_000_000)).first
        if self._dated():
            self._observer.prune(first - timedelta(days=MORE_DAYS))
        return self._observer.days(since=first)

    async def _seal(self, sealing: Sealing, store: Keeps) -> None:
        """Seal what is due, and have it told in the same breath as it is stored."""
        rows = await asyncio.to_thread(sealing.seal, self._observer.days(), self._calendar)
        store.put_lessons(rows)
        if self._tells is None:
            return
        self._tells.sealed(rows)
        now_ms = time.time_ns() // 1_000_000
        oldest = self._calendar.day_of(now_ms * 1_000_000) - timedelta(days=MORE_DAYS - 1)
        await self._tells.catch_up(store, self._judged, since=oldest, now_ms=now_ms)

    def _judged(self, config: AgentConfig, as_of: date) -> RateResult:
        """Compute the rate as of a day of the last week, by what is known now."""
        now_ms = time.time_ns() // 1_000_000
        first = demand(config.rate, as_of, self._calendar).first
        facts, losses = self._beside()
        days = self._observer.days(since=first)
        return compute(config, days, now_ms=now_ms, as_of=as_of, facts=facts, losses=losses)

    def _beside(self) -> tuple[Mapping[str, DeviceFacts], Sequence[LossSpan]]:
        """Give what is known of each device beside its data, and what was lost."""
        devices, losses = self._around()
        said = {one.id: one.identity for one in devices if one.identity is not None}
        unread = {one.id for one in devices if one.identity is None}
        return facts_of(self._devices, said, unread), losses

    def _current(self) -> RateResult:
        now_s = time.monotonic()
        if self._result is None or now_s - self._computed_s >= FRESH_S:
            now_ms = time.time_ns() // 1_000_000
            facts, losses = self._beside()
            self._result = compute(
                self._config,
                self._observed(now_ms),
                now_ms=now_ms,
                facts=facts,
                losses=losses,
            )
            self._computed_s = now_s
        return self._result


def _kept_since(newest: str, period_days: int) -> str:
    """Give the ISO day from which days are kept in memory, by the newest that is known."""
    if not newest:
        return ""
    kept = timedelta(days=period_days + MORE_DAYS)
    return (date.fromisoformat(newest) - kept).isoformat()
