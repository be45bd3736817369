"""Point 12: a subscription starts with what is, follows what changes, and ends when closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from drivers.api import Frame, Quality, SessionLost, Subscribes
from drivers.testing.expect import MARGIN_S, deadline, must_raise, require
from drivers.testing.frames import assert_frame_valid
from drivers.testing.stage import (
    Reading,
    Stage,
    collect,
    needs,
    readings,
    require_values,
    scenario,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.api import Value
    from drivers.testing.case import Case


class Subscribing:
    """Pushed values are as true as read ones."""

    case: ClassVar[Case]

    @needs(Subscribes)
    @scenario
    async def test_12_subscription_starts_with_current_values(self) -> None:
        """The first frames of a subscription hold every tag's value, a second time too."""
        stage = await self._stage()
        async with stage.open() as session:
            for turn in ("first", "second"):
                async with stage.stream(session) as frames:
                    seen = await self._first(stage, frames)
                require_values(seen, stage.expects(), doing=f"{turn} subscription")

    @needs(Subscribes)
    @scenario
    async def test_12_changes_follow(self) -> None:
        """A change at the machine comes as a frame, and only what changed comes with it."""
        stage = await self._stage()
        tag, value = self.case.change
        async with stage.open() as session, stage.stream(session) as frames:
            await self._first(stage, frames)
            for wanted in (value, self.case.expected[tag], value):
                await self.case.set(tag, wanted)
                async with deadline(self._change_within_s, doing="a change"):
                    await _until(frames, stage, tag.name, wanted)

    @needs(Subscribes)
    @scenario
    async def test_12_subscriptions_run_side_by_side(self) -> None:
        """Two subscriptions of one session each follow; closing one leaves the other alive."""
        stage = await self._stage()
        other = Stage.at(self.case, stage.config, list(self.case.expected)[::-1])
        tag, value = self.case.change
        async with stage.open() as session, stage.stream(session) as lasting:
            await self._first(stage, lasting)
            async with other.stream(session) as passing:
                seen = await self._first(other, passing)
                require_values(seen, stage.expects(), doing="a subscription beside another")
                await self.case.set(tag, value)
                async with deadline(self._change_within_s, doing="a change for the newer"):
                    await _until(passing, other, tag.name, value)
                async with deadline(self._change_within_s, doing="a change for the older"):
                    await _until(lasting, stage, tag.name, value)
            await self.case.set(tag, self.case.expected[tag])
            async with deadline(self._change_within_s, doing="a change for the one left"):
                await _until(lasting, stage, tag.name, self.case.expected[tag])

    @needs(Subscribes)
    @scenario
    async def test_12_refused_address_spoils_no_other(self) -> None:
        """A tag the server refuses is bad in the first frames; the others are good."""
        if (refused := self.case.refused) is None:
            pytest.skip("the case knows no address that a server refuses")
        stage = await self._stage(refused=True)
        async with stage.open() as session, stage.stream(session) as frames:
            seen = await self._first(stage, frames)
        value, quality, reason = seen[refused.name]
        require(
            quality is Quality.BAD and value is None and reason,
            f"{refused.name} is {value!r} ({quality.name} {reason!r}): BAD and a reason are due",
        )
        require_values(seen, stage.expects(), doing="subscription beside a refused tag")

    @needs(Subscribes)
    @scenario
    async def test_12_cut_ends_the_subscription(self) -> None:
        """A connection cut under a subscription raises SessionLost from its iterator."""
        stage = await self._stage()
        async with stage.open() as session, stage.stream(session) as frames:
            await self._first(stage, frames)
            await self.case.drop()
            await self._must_lose(frames, doing="a subscription whose connection was cut")

    @needs(Subscribes)
    @scenario
    async def test_12_silence_ends_the_subscription(self) -> None:
        """A server that falls silent under a subscription raises SessionLost in time."""
        stage = await self._stage()
        async with stage.open() as session, stage.stream(session) as frames:
            await self._first(stage, frames)
            await self.case.freeze()
            await self._must_lose(frames, doing="a subscription to a frozen server")

    @needs(Subscribes)
    @scenario
    async def test_12_overrun_is_counted(self) -> None:
        """Changes that a full buffer could not hold are counted, and the last value arrives."""
        stage = await self._stage()
        if not self.case.burst:
            pytest.skip("the case gives no burst that overruns the buffer")
        tag, value = self.case.change
        lost = 0
        async with stage.open() as session, stage.stream(session) as frames:
            await self._first(stage, frames)
            for turn in range(self.case.burst):
                await self.case.set(tag, self.case.expected[tag] if turn % 2 else value)
            last: Value = value if self.case.burst % 2 else self.case.expected[tag]
            async with deadline(self._change_within_s, doing="counting an overrun"):
                while not lost:
                    frame = await anext(frames)
                    assert_frame_valid(frame, stage.plan)
                    lost += frame.overflow
                found = readings([frame], stage.plan).get(tag.name)
                if found is None or found[0] != last:
                    await _until(frames, stage, tag.name, last)
        require(lost > 0, "a burst overran the buffer and no frame says so")

    async def _stage(self, *, refused: bool = False) -> Stage:
        extra = [self.case.refused] if refused and self.case.refused else []
        return await Stage.set_up(self.case, extra=extra)

    @property
    def _silence_s(self) -> float:
        return (self.case.silence_s or self.case.timeout_s) + MARGIN_S

    @property
    def _change_within_s(self) -> float:
        return 2 * self.case.interval_s + self.case.timeout_s + MARGIN_S

    async def _first(self, stage: Stage, frames: AsyncIterator[Frame]) -> dict[str, Reading]:
        async with deadline(self._change_within_s, doing="the first values"):
            return await collect(frames, stage.plan)

    async def _must_lose(self, frames: AsyncIterator[Frame], *, doing: str) -> None:
        await must_raise(_drain(frames), SessionLost, within_s=self._silence_s, doing=doing)


async def _drain(frames: AsyncIterator[Frame]) -> None:
    async for _ in frames:
        pass


async def _until(frames: AsyncIterator[Frame], stage: Stage, name: str, value: Value) -> None:
    """Take frames until a tag has a value; every frame must be valid."""
    async for frame in frames:
        assert_frame_valid(frame, stage.plan)
        found = readings([frame], stage.plan).get(name)
        if found is not None and found[0] == value and found[1] is Quality.GOOD:
            return
    require(False, f"the subscription ended before {name} became {value!r}")
