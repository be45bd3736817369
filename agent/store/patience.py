"""How a disk that refuses is asked again: after longer and longer pauses, and what is told."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

from agent.store.file import refused_write
from agent.store.outbox import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.telemetry.status import Message

RETRY_S = (0.5, 1.0, 2.0)
"""Pauses after a refused commit; the last one repeats. What is stored is read all the while."""


class Patience:
    """The refusals in a row, and when the next attempt is due."""

    def __init__(self) -> None:
        self.problem: Message | None = None
        """What the disk refuses; None while it takes what it is given."""
        self._failures = 0
        self._retry_s = -inf

    def refused(self, error: sqlite3.Error, *, closing: bool) -> None:
        """Note a refusal; who is about to end does not wait long."""
        self.problem = refused_write(error)
        pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        self._retry_s = time.monotonic() + (min(pause_s, RETRY_S[0]) if closing else pause_s)

    @contextmanager
    def asking(self, *, closing: bool) -> Iterator[None]:
        """Note a refusal of what is done inside, and go on."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self.refused(error, closing=closing)

    def succeeded(self) -> None:
        """Note that the disk takes data."""
        self.problem, self._failures, self._retry_s = None, 0, -inf

    def left_s(self) -> float:
        """Give how long to wait before the next attempt; 0 or less when it is due."""
        return self._retry_s - time.monotonic()

    def give_up(self, frames: int, error: sqlite3.Error) -> None:
        """When the process is to end, do not try for ever.

        Raises:
            StoreError: the store was asked often enough.
        """
        if self._failures > len(RETRY_S):
            raise StoreError(
                f"{frames} frames could not be stored before the end: {error}",
                zh=f"退出前有 {frames} 帧数据未能写入存储：{error}",
            ) from error
