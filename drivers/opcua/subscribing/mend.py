"""Messages of a subscription that were numbered and never came: asked for again, or a gap.

What comes meanwhile waits, so that every tag's values keep their order. What the server has not
kept is a gap: every point is then read once, what waited is given before it. A notification that
came after the read began is newer than the read, and stands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

from drivers.api import Gap
from drivers.opcua.frames import without
from drivers.opcua.subscribing.lifeline import MOST_MESSAGES, after
from drivers.opcua.subscribing.told import now_ns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from drivers.api import Frame
    from drivers.opcua.subscribing.told import Told

    Again: TypeAlias = Callable[[int, int], Awaitable[list[Frame] | None]]
    """Takes a message's number and the latest time it can be of; gives what it holds, None where
    the server has it no more."""

MOST_HELD: Final = 128
"""Frames that wait for a repair; a server that loses ever more is not waited for."""
DEADLINE_S: Final = 10.0
"""How long asking again may take before it is a gap."""
PUBLISH_GAP: Final = "publish_gap"
"""Reason of the gap."""


class Mending:
    """One repair: from the first message that is missing until all is known again."""

    def __init__(self, told: Told, *, since_ns: int, read: Callable[[], Awaitable[Frame]]) -> None:
        """Take until when all was known, and what reads every point of the plan once."""
        self.since_ns = since_ns
        """Until when all was known, UTC nanoseconds."""
        self._told = told
        self._read = read
        self._wanted: deque[tuple[int, int]] = deque()
        self._lost = 0
        self._found: list[Frame] = []
        self._held: list[Frame] = []
        self._over = False

    def add(self, first: int, missing: int, *, known_ns: int) -> None:
        """Want so many messages from a number on; `known_ns` is when they were missed."""
        if len(self._wanted) + missing > MOST_MESSAGES:
            self._lost += missing
            return
        self._wanted.extend((after(first, step), known_ns) for step in range(missing))

    def hold(self, frame: Frame) -> None:
        """Let a frame wait for what came before it."""
        if self._over:
            self._told.put(frame)
            return
        self._held.append(frame)
        if len(self._held) > MOST_HELD:
            self.abandon()

    async def run(self, again: Again) -> None:
        """Ask for every missing message; give what waited, after what was found.

        Raises:
            DriverError: the session is over, or the server refuses to be read.
        """
        await self._ask(again)
        while self._lost and not self._over:
            lost = self._lost
            read, newer = await self._read_once()
            if self._lost == lost and not self._wanted:
                self._tell_gap()
                self._told.put(without(read, newer))
            else:  # more was lost since the read began
                await self._ask(again)
        self._release()

    def abandon(self) -> None:
        """Tell the gap as it is now, then what waited; the values of now are still to be read."""
        self._over = True
        self._lost += len(self._wanted)
        self._wanted.clear()
        self._told.torn = True
        self._tell_gap()

    async def _ask(self, again: Again) -> None:
        """Ask for what is wanted, message by message; count what is lost.

        What is found after a loss waits for the gap to be told first.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                while self._wanted:
                    frames = await again(*self._wanted[0])
                    if self._over:
                        return  # it was told as lost
                    self._wanted.popleft()
                    self._take(frames)
        self._lost += len(self._wanted)
        self._wanted.clear()

    def _take(self, frames: list[Frame] | None) -> None:
        if frames is None:
            self._lost += 1
        elif self._lost:
            self._found += frames
        else:
            for frame in frames:
                self._told.put(frame)

    async def _read_once(self) -> tuple[Frame, set[int]]:
        """Read every point once; give that, and the tags of which news came meanwhile."""
        before = len(self._held)
        with self._told.noting() as newer:
            read = await self._read()
        for frame in self._held[before:]:
            newer.update(frame.columns or range(len(frame.values)))
        return read, newer

    def _tell_gap(self) -> None:
        if self._lost:
            self._told.miss(Gap(self.since_ns, now_ns(), PUBLISH_GAP), messages=self._lost)
        self._lost = 0
        self._release()

    def _release(self) -> None:
        waiting = [*self._found, *self._held]
        self._found, self._held = [], []
        for frame in waiting:
            self._told.put(frame)
