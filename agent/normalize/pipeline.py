"""What happens to a frame between driver and store, for one group: the one place that knows.

Order: normalize -> computed columns -> last values (every frame) -> report and
compression (what is stored) -> evidence (of what is stored, so that whoever receives it comes to
the same result).
Nothing here waits; the caller puts the result into the intake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent.derive.columns import Deriver
from agent.normalize.normalizer import Normalizer
from agent.normalize.report import Reporter
from agent.normalize.trend import Compressor, assembled, samples_of
from drivers.api import ClockSource, Frame, Quality

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config.plan import GroupPlan
    from agent.telemetry.latest import LatestGroup

NO_COMMUNICATION = "BadNoCommunication"
"""Reason of every value of a group that cannot be read any more. Source: OPC 10000-4."""


class FrameError(Exception):
    """A driver handed over a frame whose columns do not fit together."""


class Follows(Protocol):
    """What wants every engineering frame of the group, stored or not."""

    def take(self, frame: Frame) -> None:
        """Take a frame with values, of the past too."""

    def heard(self, frame: Frame) -> None:
        """Take a sign of life without values."""

    def silence(self) -> None:
        """Take that the group cannot be read any more."""


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
        follow: Follows | None = None,
    ) -> None:
        self._device = device
        self._group = group.name
        self._size = len(group.tags)
        self._read = self._size - len(group.derived)
        self._normalizer = Normalizer(group.tags[: self._read])
        self._deriver = Deriver(self._read, group.derived) if group.derived else None
        self._compressor = Compressor(group.compress) if group.compress else None
        self._reporter = Reporter(group.settings, group.tags, monotonic=monotonic)
        self._latest = latest
        self._observe = observe
        self._follow = follow
        self._silent = False

    def process(self, raw: Frame) -> Frame | None:
        """Take a driver's frame; give what is to be stored of it, None for nothing.

        Raises:
            FrameError: the driver handed over columns of different lengths.
        """
        frame = self._normalized(raw)
        self._latest.update(frame)
        if self._follow is not None:
            self._follow.take(frame)
        self._silent = False
        stored = self._reporter.select(frame)
        if stored is not None and self._compressor is not None:
            stored = self._compressor.select(stored)
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
        if self._follow is not None:
            self._follow.take(frame)
        return frame

    def heard(self, empty: Frame) -> None:
        """Take a sign of life of the device that holds no value."""
        if self._follow is not None:
            self._follow.heard(empty)

    def times_ns(self) -> dict[int, int]:
        """Give the time of the last value of every tag read that has one, by column."""
        return {c: ns for c, ns in self._latest.times_ns().items() if c < self._read}

    @property
    def coalesced(self) -> int:
        """Values that were read and not stored since their trend is compressed."""
        return 0 if self._compressor is None else self._compressor.coalesced

    def finish(self) -> Frame | None:
        """Give what compression still holds back, before an end; None for nothing."""
        held = [] if self._compressor is None else self._compressor.flush()
        if not held:
            return None
        read_ns = max(sample.time_ns for sample in held)
        frame = assembled(Frame(self._device, self._group, read_ns, ()), held)
        self._observe(frame)
        return frame

    def silence(self, read_ns: int, reason: str = NO_COMMUNICATION) -> Frame | None:
        """Give the one BAD frame that marks the start of a silence; None while it lasts.

        It is no evidence, but the end of it: what is missing from then on has a cause.
        """
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
        if self._compressor is not None:
            held = self._compressor.flush()
            frame = assembled(frame, [*held, *samples_of(frame)]) if held else frame
        self._latest.silence(reason)
        self._reporter.reset()
        if self._deriver is not None:
            self._deriver.silence()
        self._observe(frame)
        if self._follow is not None:
            self._follow.silence()
        return frame

    def _normalized(self, raw: Frame) -> Frame:
        expected = self._read if raw.columns is None else len(raw.columns)
        if len(raw.values) != expected:
            raise FrameError(
                f"{self._device}/{self._group}: {len(raw.values)} values for {expected} tags"
            )
        frame = self._normalizer.apply(raw)
        return frame if self._deriver is None else self._deriver.extend(frame)
