"""The rate while the agent runs: observed, computed, shown, stored and published."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from agent.kpi.evidence import DeviceDay, demand
from agent.kpi.observe import Observer
from agent.kpi.report import METRICS, rate_frame, rate_status
from agent.kpi.result import RateResult, compute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.config.model import AgentConfig
    from agent.config.plan import DevicePlan, GroupPlan
    from agent.store.intake import Encodes
    from agent.store.outbox import EvidenceRow
    from agent.telemetry.status import RateStatus
    from drivers.api import Frame

SAVE_EVERY_S = 10.0
"""How often evidence is handed to the store; so much of it a crash can cost."""
FRESH_S = 5.0
"""A figure younger than this is shown again without computing it."""

METRIC_NAMES = tuple(metric.name for metric in METRICS)
"""The columns of the frame that carries the rate."""


class Keeps(Protocol):
    """What this needs of the store; `agent.store.writer.Writer` is one."""

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame."""

    def put_evidence(self, days: Sequence[EvidenceRow]) -> None:
        """Hand in what was observed."""


class LiveRate:
    """Keeps the evidence of every device and the rate that follows from it."""

    def __init__(
        self,
        config: AgentConfig,
        devices: Sequence[DevicePlan],
        known: Iterable[EvidenceRow],
        *,
        dated: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what to judge, what is known, and whether the gateway's own time can be trusted."""
        self._config = config
        self._dated = dated
        tags = {
            (device.id, group.name): tuple(tag.name for tag in group.tags)
            for device in devices
            for group in device.groups
        }
        self._observer = Observer(tags, config.gateway.timezone)
        self._observer.load(DeviceDay.of(row) for row in known)
        self._result: RateResult | None = None
        self._computed_s = 0.0

    def watch(self, device: str, group: GroupPlan) -> Callable[[Frame], None]:
        """Give the function that takes in the engineering frames of one group.

        What an untrusted clock has stamped is of no day, and so no evidence.
        """
        observe, dated = self._observer.watch(device, group.name), self._dated

        def watch(frame: Frame) -> None:
            if frame.times_ns is not None or dated():
                observe(frame)

        return watch

    def status(self) -> RateStatus:
        """Give the rate as it stands, at most `FRESH_S` old."""
        return rate_status(self._current())

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
            if self._config.processes and self._dated() and time.monotonic() >= due_s:
                due_s = max(due_s, time.monotonic() - self._config.rate.emit_every_s)
                due_s += self._config.rate.emit_every_s
                await store.put_frame(codec, rate_frame(self._current()))
            await asyncio.sleep(min(SAVE_EVERY_S, self._config.rate.emit_every_s))

    def _observed(self, now_ms: int) -> list[DeviceDay]:
        """Give the days of the period that ends today; older ones stay in the store."""
        today = self._observer.day(now_ms * 1_000_000).date
        return self._observer.days(since=demand(self._config.rate, today).first)

    def _current(self) -> RateResult:
        now_s = time.monotonic()
        if self._result is None or now_s - self._computed_s >= FRESH_S:
            now_ms = time.time_ns() // 1_000_000
            self._result = compute(self._config, self._observed(now_ms), now_ms=now_ms)
            self._computed_s = now_s
        return self._result
