"""Points 8, 9, 10, 11 and 18: a session comes, goes, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from drivers.api import SessionLost, Silent, Subscribes
from drivers.testing.expect import eventually, must_cancel, require
from drivers.testing.stage import (
    Holdings,
    LoopTicker,
    Stage,
    needs,
    require_values,
    scenario,
)

if TYPE_CHECKING:
    from drivers.testing.case import Case

_TURNS = (0, 1, 2, 3, 5, 8, 13, 21)
"""After how many turns of the loop a call is cancelled: early, while it sets itself up."""
_REOPENS = 20
_BLOCKED_S = 0.1
_READS = 20
_ATTEMPTS = 3
_HUNG_S = 0.05


class Living:
    """Lifetimes are exact, and cancelling is always possible."""

    case: ClassVar[Case]

    @scenario
    async def test_08_open_can_be_cancelled(self) -> None:
        """An opening cancelled at any moment ends promptly and leaves nothing."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        for turns in _TURNS:
            await must_cancel(_hold(stage), turns=turns, doing=f"open, cancelled after {turns}")
        await _require_nothing_more(before, doing="cancelled openings")

    @scenario
    async def test_08_hung_open_can_be_cancelled(self) -> None:
        """An opening of a silent server, cancelled, ends promptly and leaves nothing."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        await self.case.freeze()
        await must_cancel(_hold(stage), turns=0, pause_s=_HUNG_S, doing="open of a silent server")
        await self.case.thaw()
        await _require_nothing_more(before, doing="a cancelled, hung opening")

    @scenario
    async def test_08_read_can_be_cancelled(self) -> None:
        """A read cancelled at any moment ends promptly, and leaving the session is quiet."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        for turns in _TURNS:
            async with stage.open() as session:
                read = stage.current(session)
                await must_cancel(read, turns=turns, doing=f"read, cancelled after {turns}")
        await _require_nothing_more(before, doing="cancelled reads")

    @scenario
    async def test_08_hung_read_can_be_cancelled(self) -> None:
        """A read of a silent server, cancelled, ends promptly and leaves nothing."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        async with stage.open() as session:
            await stage.current(session)
            await self.case.freeze()
            read = stage.current(session)
            await must_cancel(read, turns=0, pause_s=_HUNG_S, doing="read of a silent server")
            await self.case.thaw()
        await _require_nothing_more(before, doing="a cancelled, hung read")

    @scenario
    async def test_08_cancelled_read_shifts_nothing(self) -> None:
        """After a cancelled read, the session is over or answers what is asked next."""
        stage = await Stage.set_up(self.case)
        other = Stage.at(self.case, stage.config, list(self.case.expected)[::-1])
        async with stage.open() as session:
            await stage.current(session)
            await self.case.freeze()
            read = stage.current(session)
            await must_cancel(read, turns=0, pause_s=_HUNG_S, doing="read of a silent server")
            await self.case.thaw()
            try:
                seen = await other.current(session)
            except (SessionLost, Silent):
                return
        require_values(seen, stage.expects(), doing="a read after a cancelled one")

    @needs(Subscribes)
    @scenario
    async def test_08_subscription_can_be_cancelled(self) -> None:
        """A subscription cancelled at any moment ends promptly and leaves nothing."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        for turns in _TURNS:
            async with stage.open() as session:
                watch = _watch(stage, session)
                await must_cancel(watch, turns=turns, doing=f"subscribe, cancelled after {turns}")
        await _require_nothing_more(before, doing="cancelled subscriptions")

    @scenario
    async def test_09_sessions_leave_nothing(self) -> None:
        """Twenty sessions, one after the other, leave no task, thread or descriptor."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        for _ in range(_REOPENS):
            async with stage.open() as session:
                await stage.current(session)
        await _require_nothing_more(before, doing=f"{_REOPENS} sessions")

    @scenario
    async def test_09_lost_sessions_leave_nothing(self) -> None:
        """Sessions whose connection was cut leave no task, thread or descriptor."""
        stage = await Stage.set_up(self.case)
        before = await _warmed(stage)
        for _ in range(3):
            async with stage.open() as session:
                await stage.current(session)
                await self.case.drop()
        await _require_nothing_more(before, doing="lost sessions")

    @scenario
    async def test_10_sessions_share_nothing(self) -> None:
        """Of two sessions side by side, the end of one does not touch the other."""
        if self.case.exclusive:
            pytest.skip("the case says a link bears one session only")
        stage = await Stage.set_up(self.case)
        async with stage.open() as lasting:
            async with stage.open() as passing:
                reads = (stage.current(lasting), stage.current(passing))
                both = await asyncio.gather(*reads)
            alone = await stage.current(lasting)
        for seen in (*both, alone):
            require_values(seen, stage.expects(), doing="two sessions side by side")

    @scenario
    async def test_10_one_session_serves_many_tasks(self) -> None:
        """Calls made on one session by several tasks at once each get their own answer."""
        stage = await Stage.set_up(self.case)
        tags = list(self.case.expected)
        stages = [Stage.at(self.case, stage.config, order) for order in (tags, tags[::-1])] * 3
        async with stage.open() as session:
            for seen in await asyncio.gather(*(each.current(session) for each in stages)):
                require_values(seen, stage.expects(), doing="several tasks on one session")

    @scenario
    async def test_11_loop_is_never_blocked(self) -> None:
        """Opening, reading and closing never hold the loop for 100 ms, once all is imported."""
        stage = await Stage.set_up(self.case)
        await _warmed(stage)
        longest_s = [await _longest_block_s(stage) for _ in range(_ATTEMPTS)]
        # a busy machine holds up a loop now and then; a blocking driver does it every time
        require(min(longest_s) < _BLOCKED_S, f"the loop was blocked for {min(longest_s):.3f} s")

    @scenario
    async def test_18_happy_path_is_quiet(self) -> None:
        """Sessions that go well log no warning, and no exception is left for nobody."""
        stage = await Stage.set_up(self.case)
        await _warmed(stage)
        heard = _Heard(self.case.noisy)
        asyncio.get_running_loop().set_exception_handler(heard.unhandled)
        logging.getLogger().addHandler(heard)
        try:
            for _ in range(3):
                async with stage.open() as session:
                    await stage.current(session)
            gc.collect()
        finally:
            logging.getLogger().removeHandler(heard)
        require(not heard.lines, f"the happy path says: {heard.lines}")


class _Heard(logging.Handler):
    """Collects warnings and exceptions that nobody handled."""

    def __init__(self, noisy: Any) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._noisy = tuple(noisy)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, unless it is the case's own server that speaks."""
        if not any(record.name == n or record.name.startswith(f"{n}.") for n in self._noisy):
            self.lines.append(f"{record.name}: {record.getMessage()}")

    def unhandled(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what the event loop was left with."""
        self.lines.append(f"{context.get('message')}: {context.get('exception')!r}")


async def _warmed(stage: Stage) -> Holdings:
    """Open once, so that lazy imports and pools exist, and tell what is held after."""
    start = Holdings.now()
    async with stage.open() as session:
        await stage.current(session)
    # the server notices the closing a little later than we do
    await eventually(lambda: not Holdings.now().surplus(start), within_s=0.5)
    return Holdings.now()


async def _require_nothing_more(before: Holdings, *, doing: str) -> None:
    gone = await eventually(lambda: not Holdings.now().surplus(before))
    require(gone, f"after {doing} is left over: {Holdings.now().surplus(before)}")


async def _hold(stage: Stage) -> None:
    async with stage.open():
        await asyncio.Event().wait()


async def _watch(stage: Stage, session: Any) -> None:
    async with stage.stream(session) as frames:
        async for _ in frames:
            pass


async def _longest_block_s(stage: Stage) -> float:
    async with LoopTicker() as ticker, stage.open() as session:
        for _ in range(_READS):
            await stage.current(session)
    return ticker.longest_s
