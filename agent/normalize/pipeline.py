"""What happens to a frame between driver and store, for one group: the one place that knows.

Order: normalize -> last values (every frame) -> report (what is stored) -> evidence (of what is
stored, so that whoever receives it comes to the same result).
Nothing here waits; the caller puts the result into the intake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.normalize.normalizer import Normalizer
from agent.normalize.report import Reporter
from drivers.api import ClockSource, Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.plan import GroupPlan
    from agent.telemetry.latest import LatestGroup

NO_COMMUNICATION = "BadNoCommunication"
"""Reason of every value of a group that cannot be read any more. Source: OPC 10000-4."""


class FrameError(Exception):
    """A driver handed over a frame whose columns do not fit together."""


class Pipeline:
    """One group's way from raw frame to what is stored."""

    def __init__(
        self,
        device: str,
        group: GroupPlan,
        *,
        latest: LatestGroup,
        observe: Callable[[Frame], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._device = device
        self._group = group.name
        self._size = len(group.tags)
        self._normalizer = Normalizer(group.tags)
        self._reporter = Reporter(group.settings, group.tags, monotonic=monotonic)
        self._latest = latest
        self._observe = observe
        self._silent = False

    def process(self, raw: Frame) -> Frame | None:
        """Take a driver's frame; give what is to be stored of it, None for nothing.

        Raises:
            FrameError: the driver handed over columns of different lengths.
        """
        frame = self._normalized(raw)
        self._latest.update(frame)
        self._silent = False
        stored = self._reporter.select(frame)
        if stored is not None:
            self._observe(stored)
        return stored

    def backfill(self, raw: Frame) -> Frame:
        """Take values of the past; give them as they are to be stored, all of them.

        They are older than what is shown and than what changes are judged by: they touch neither.

        Raises:
            FrameError: the driver handed over columns of different lengths.
        """
        frame = self._normalized(raw)
        self._observe(frame)
        return frame

    def times_ns(self) -> dict[int, int]:
        """Give the time of the last value of every tag that has one, by column."""
        last = enumerate(self._latest.all())
        return {column: one.time_ns for column, one in last if one.time_ns is not None}

    def silence(self, read_ns: int, reason: str = NO_COMMUNICATION) -> Frame | None:
        """Give the one BAD frame that marks the start of a silence; None while it lasts."""
        if self._silent:
            return None
        self._silent = True
        frame = Frame(
            self._device,
            self._group,
            read_ns,
            (None,) * self._size,
            None,
            bytes([Quality.BAD]) * self._size,
            dict.fromkeys(range(self._size), reason),
            None,
            ClockSource.AGENT,
        )
        self._latest.silence(reason)
        self._reporter.reset()
        return frame

    def _normalized(self, raw: Frame) -> Frame:
        expected = self._size if raw.columns is None else len(raw.columns)
        if len(raw.values) != expected:
            raise FrameError(
                f"{self._device}/{self._group}: {len(raw.values)} values for {expected} tags"
            )
        return self._normalizer.apply(raw)
