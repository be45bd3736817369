"""Points 3, 4, 13 and 14: values are right, of the right tag, and fresh; and what else is told."""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from drivers.api import (
    Access,
    Alerts,
    Browses,
    FoundPoint,
    Identifies,
    PlansAlerts,
    Polls,
    Quality,
    Tag,
    Writes,
)
from drivers.testing.expect import deadline, require
from drivers.testing.frames import assert_frame_valid
from drivers.testing.stage import Stage, needs, require_values, scenario

if TYPE_CHECKING:
    from drivers.testing.case import Case

_BROWSED = 50


class Observing:
    """What a healthy machine tells arrives unchanged, under its own name and time."""

    case: ClassVar[Case]

    @scenario
    async def test_03_read_gives_every_tag(self) -> None:
        """Every tag has its own value, of its own type, good."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            require(isinstance(session, self.case.driver.session), f"open() gave {session!r}")
            seen = await stage.current(session)
        require_values(seen, stage.expects(), doing="first values")

    @needs(Polls)
    @scenario
    async def test_03_read_is_stamped_when_made(self) -> None:
        """A read is stamped by the wall clock between the call and its return."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            for _ in range(3):
                before_ns = time.time_ns()
                frame = await session.read(stage.plan)
                after_ns = time.time_ns()
                require(
                    before_ns <= frame.read_ns <= after_ns,
                    f"read_ns is {(frame.read_ns - before_ns) / 1e9:+.3f} s from the call",
                )

    @needs(Polls)
    @scenario
    async def test_03_read_is_stamped_when_answered(self) -> None:
        """A read that had to wait is stamped when the answer came, not when it was asked."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await session.read(stage.plan)
            await self.case.freeze()
            reading = asyncio.create_task(session.read(stage.plan))
            await asyncio.wait({reading}, timeout=self.case.timeout_s / 4)
            thawed_ns = time.time_ns()
            await self.case.thaw()
            early_s = (thawed_ns - (await reading).read_ns) / 1e9
        require(early_s <= 0, f"read_ns is {early_s:.3f} s before the machine answered")

    @needs(Polls)
    @scenario
    async def test_03_read_is_fresh(self) -> None:
        """A change at the machine is in the next read, and in no frame handed over before."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            old = await session.read(stage.plan)
            kept = (old.values, old.qualities, old.columns, old.read_ns)
            await self.case.set(*self.case.change)
            new = await session.read(stage.plan)
            assert_frame_valid(new, stage.plan, complete=True)
            require_values(
                await stage.current(session), stage.expects(changed=True), doing="after a change"
            )
        require(new is not old, "read() gave the same frame object twice")
        require(new.values != kept[0], "the read after a change holds the old values")
        require(
            (old.values, old.qualities, old.columns, old.read_ns) == kept,
            "a frame changed after it was handed over",
        )

    @scenario
    async def test_03_plans_do_not_mix(self) -> None:
        """Two plans of one session, read in turn, each give their own tags."""
        stage = await Stage.set_up(self.case)
        tags = list(self.case.expected)
        other = Stage.at(self.case, stage.config, tags[::-1])
        single = Stage.at(self.case, stage.config, tags[-1:])
        async with stage.open() as session:
            for each in (stage, other, single, other, stage):
                seen = await each.current(session)
                named = {tag.name: self.case.expected[tag] for tag in each.plan.tags}
                require_values(seen, named, doing="several plans")

    @scenario
    async def test_04_refused_address_spoils_no_other(self) -> None:
        """A tag the server refuses is bad, has no value and a reason; the others are good."""
        if (refused := self.case.refused) is None:
            pytest.skip("the case knows no address that a server refuses")
        stage = await Stage.set_up(self.case, extra=[refused])
        async with stage.open() as session:
            for turn in ("first read", "second read"):
                seen = await stage.current(session)
                value, quality, reason = seen[refused.name]
                require(quality is Quality.BAD, f"{turn}: {refused.name} is {quality.name}")
                require(value is None and reason, f"{turn}: {refused.name} is {value!r} {reason!r}")
                require_values(seen, stage.expects(), doing=f"{turn} beside a refused tag")

    @needs(Browses)
    @scenario
    async def test_13_browse_is_lazy_and_plans(self) -> None:
        """Points found by browsing can be planned and a walk can end early."""
        stage = await Stage.set_up(self.case)
        found: list[FoundPoint] = []
        async with stage.open() as session:
            walk = session.browse()
            async for point in walk:
                found.append(point)
                if len(found) == _BROWSED:
                    break
            await walk.aclose()
            require_values(await stage.current(session), stage.expects(), doing="after browsing")
        require(found, "browse() found nothing, though the case has tags")
        tags = [Tag(f"t{n}", p.address, p.data_type) for n, p in enumerate(found)]
        Stage.at(self.case, stage.config, tags)

    @needs(Writes)
    @scenario
    async def test_14_writes_are_read_back(self) -> None:
        """What is written is read back, and a tag that is only to be read is refused."""
        require(self.case.writable, "sessions are Writes: the case must give a writable tag")
        tag, value = self.case.writable or (Tag("", ""), None)
        read_only = next(t for t in self.case.expected if t.access is Access.READ)
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            first = await session.write(stage.plan, {tag: value})
            second = await session.write(stage.plan, {read_only: self.case.expected[read_only]})
            seen = await stage.current(session)
        require([r.written for r in first] == [True], f"write of {tag.name}: {first}")
        require([r.written for r in second] == [False], f"write of a read-only tag: {second}")
        require(all(r.reason for r in second), "a refused write has no reason")
        require_values(seen, stage.expects() | {tag.name: value}, doing="after a write")

    @needs(Alerts)
    @scenario
    async def test_14_alerts_begin_with_a_mark(self) -> None:
        """The first alert of a session says that events are seen from there on, and no more."""
        stage = await Stage.set_up(self.case)
        driver: Any = self.case.driver
        require(isinstance(driver, PlansAlerts), "sessions are Alerts, the driver plans none")
        plan = driver.plan_alerts(stage.config, device=stage.plan.device)
        if plan is None:
            pytest.skip("the case asks for no alerts")
        async with stage.open() as session, aclosing(session.alerts(plan)) as alerts:
            async with deadline(stage.answer_within_s, doing="the first alert"):
                first = await anext(alerts)
            await stage.current(session)
        require(not first.kind and not first.message, f"the first alert is {first}")
        require(first.time_ns > 0, "an alert has no time")

    @needs(Identifies)
    @scenario
    async def test_14_identity_is_stable(self) -> None:
        """A device says the same of itself in every session."""
        stage = await Stage.set_up(self.case)
        said = []
        for _ in range(2):
            async with stage.open() as session:
                said.append(await session.identify(stage.plan))
        require(all(a == b for a, b in itertools.pairwise(said)), f"two identities: {said}")
