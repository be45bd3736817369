"""The frames that wait between the wire and the host: bounded, oldest first, losses counted."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.api import DriverError, Frame

MOST_FRAMES = 256
MOST_VALUES = 262_144
"""About 30 MB of values at the worst; 26 s of 10,000 changes a second."""


class FrameBuffer:
    """Frames in the order in which they came; when full, the oldest go and are counted.

    One task takes; anything in the same loop may put. Frames put before an end are still given.
    """

    def __init__(self, *, frames: int = MOST_FRAMES, values: int = MOST_VALUES) -> None:
        self._frames: deque[Frame] = deque()
        self._room = frames
        self._values_room = values
        self._values = 0
        self._lost = 0
        self._end: DriverError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.dropped = 0
        """Values that went because the host was too slow."""

    def put(self, frame: Frame) -> None:
        """Append a frame, dropping the oldest where there is no room."""
        self._frames.append(frame)
        self._values += len(frame.values)
        while len(self._frames) > 1 and (
            len(self._frames) > self._room or self._values > self._values_room
        ):
            self._drop(self._frames.popleft())
        self._wake()

    def _drop(self, frame: Frame) -> None:
        """Count a frame that had to go."""
        self._values -= len(frame.values)
        self._lost += len(frame.values) + frame.overflow
        self.dropped += len(frame.values)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be taken."""
        return not self._frames

    def lose(self, changes: int) -> None:
        """Count changes that never became a frame; the next frame tells of them."""
        self._lost += changes

    def end(self, error: DriverError) -> None:
        """Let `get` raise this once the frames are taken; the first error stays."""
        if self._end is None:
            self._end = error
        self._wake()

    async def get(self) -> Frame:
        """Give the oldest frame, waiting for one.

        Raises:
            DriverError: what `end` was told.
        """
        while not self._frames:
            if self._end is not None:
                raise self._end
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        frame = self._frames.popleft()
        self._values -= len(frame.values)
        frame.overflow += self._lost
        self._lost = 0
        return frame

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
