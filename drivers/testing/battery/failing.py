"""Points 5, 6, 7, 15 and 19: what goes wrong on a wire becomes the right error, in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from drivers.api import ConnectError, DriverError, SessionLost, Silent
from drivers.testing.expect import MARGIN_S, Violation, deadline, must_raise, require
from drivers.testing.stage import Stage, require_values, scenario
from drivers.testing.wire import hostile_server

if TYPE_CHECKING:
    from drivers.testing.case import Case

_UNDER_WAY_S = 0.05
"""How long a read of a frozen server is left to get under way; any length is correct."""


class Failing:
    """Faults are told as `DriverError`s that say what the host shall do."""

    case: ClassVar[Case]

    @scenario
    async def test_05_no_server_is_a_connect_error(self) -> None:
        """Opening a link whose server is down raises ConnectError in time."""
        stage = await Stage.set_up(self.case)
        await self.case.stop()
        error = await must_raise(
            _open_and_read(stage),
            ConnectError,
            within_s=stage.open_within_s,
            doing="opening with the server down",
        )
        require(str(error), "the ConnectError says nothing")

    @scenario
    async def test_05_silent_server_is_noticed_on_opening(self) -> None:
        """A server that accepts and says nothing fails the opening, or else the first read."""
        stage = await Stage.set_up(self.case)
        await self.case.freeze()
        error = await must_raise(
            _open_and_read(stage),
            DriverError,
            within_s=stage.open_within_s + stage.answer_within_s,
            doing="opening a silent server",
        )
        require(
            isinstance(error, ConnectError | SessionLost | Silent),
            f"a silent server is told as {error!r}: ConnectError, SessionLost or Silent is due",
        )

    @scenario
    async def test_06_cut_read_ends_the_session(self) -> None:
        """A connection cut in the middle of a read raises SessionLost."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.freeze()
            reading = asyncio.create_task(stage.current(session))
            await asyncio.wait({reading}, timeout=_UNDER_WAY_S)
            await self.case.drop()
            await _must_lose(reading, stage, doing="a read cut in its midst")
            await self.case.thaw()
            await _must_lose(stage.current(session), stage, doing="a read of a dead session")

    @scenario
    async def test_06_cut_between_reads_ends_the_session(self) -> None:
        """A connection cut between two reads raises SessionLost at the second."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.drop()
            await _must_lose(stage.current(session), stage, doing="a read after a cut")
            await _must_lose(stage.current(session), stage, doing="a second read after a cut")

    @scenario
    async def test_06_new_session_works_after_a_cut(self) -> None:
        """After a cut, a new session on the same link reads the values of now."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.drop()
        await self.case.set(*self.case.change)
        async with stage.open() as session:
            seen = await stage.current(session)
        require_values(seen, stage.expects(changed=True), doing="a session after a cut")

    @scenario
    async def test_07_silence_ends_in_time(self) -> None:
        """A server that falls silent ends the read within the driver's deadline."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.freeze()
            await _must_be_silent(stage, session)
            leaving = asyncio.get_running_loop().time()
        left_s = asyncio.get_running_loop().time() - leaving
        within_s = self.case.timeout_s + MARGIN_S
        require(left_s <= within_s, f"leaving a frozen session took {left_s:.2f} s")

    @scenario
    async def test_07_late_answer_is_nobodys(self) -> None:
        """What a frozen server answers late is never read as the answer to a later question."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.freeze()
            silence = await _must_be_silent(stage, session)
            await self.case.set(*self.case.change)
            await self.case.thaw()
            async with deadline(stage.answer_within_s, doing="a read after a late answer"):
                after = await _outcome(stage, session)
        if isinstance(silence, SessionLost):
            require(isinstance(after, SessionLost), f"a dead session answers: {after!r}")
        elif isinstance(after, dict):
            require_values(after, stage.expects(changed=True), doing="a read after a silence")
        async with stage.open() as session:
            seen = await stage.current(session)
        require_values(seen, stage.expects(changed=True), doing="after a late answer")

    @scenario
    async def test_15_dead_session_closes_quietly(self) -> None:
        """Leaving the block of a session whose server is gone raises nothing."""
        stage = await Stage.set_up(self.case)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.stop()

    @scenario
    async def test_19_hostile_answers_are_no_values(self) -> None:
        """Torn, oversized and nonsense answers raise a DriverError or give nothing good."""
        replies = self.case.hostile_replies()
        if not replies:
            pytest.skip("the case gives no hostile replies")
        for reply in replies:
            async with hostile_server(reply) as (host, port):
                config = self.case.config_at(host, port)
                if config is None:
                    raise Violation("a case with hostile replies must write `config_at`")
                stage = Stage.at(self.case, config, list(self.case.expected))
                within_s = stage.open_within_s + stage.answer_within_s
                async with deadline(within_s, doing=f"the answer {reply[:40]!r}"):
                    seen = await _opened_outcome(stage)
            require(
                isinstance(seen, DriverError) or not _any_good(seen),
                f"the answer {reply[:40]!r} was read as {seen!r}",
            )


async def _open_and_read(stage: Stage) -> None:
    async with stage.open() as session:
        await stage.current(session)


async def _must_lose(call: Any, stage: Stage, *, doing: str) -> None:
    await must_raise(call, SessionLost, within_s=stage.answer_within_s, doing=doing)


async def _must_be_silent(stage: Stage, session: Any) -> DriverError:
    """Read a frozen server; give how the driver told it: the session is over, or goes on."""
    error = await must_raise(
        stage.current(session),
        DriverError,
        within_s=stage.answer_within_s,
        doing="a read of a frozen server",
    )
    polled = SessionLost | Silent if stage.polls else SessionLost
    require(isinstance(error, polled), f"a frozen server is told as {error!r}")
    return error


async def _outcome(stage: Stage, session: Any) -> object:
    try:
        return await stage.current(session)
    except DriverError as error:
        return error


async def _opened_outcome(stage: Stage) -> object:
    try:
        async with stage.open() as session:
            return await stage.current(session)
    except DriverError as error:
        return error


def _any_good(seen: object) -> bool:
    return isinstance(seen, dict) and any(value is not None for value, _, _ in seen.values())
