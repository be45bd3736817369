"""One thread owns the outbox: it gathers what the loop hands it and commits in groups.

A commit happens at most every `commit_interval_s`, at once after a pause, and takes everything
that is there: frames, events, acknowledgements, rejections and evidence, in one transaction.
If the disk refuses, the batch is kept and tried again; the intake fills, and collectors wait.
Nothing is ever thrown away here.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import deque
from math import inf
from typing import TYPE_CHECKING, TypeVar

from agent.store.file import refused_write
from agent.store.intake import Intake
from agent.store.outbox import Batch, Kind, NewRow, StoreError
from agent.store.wakeup import Company, WakeUp
from agent.telemetry.status import Message, StoreStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.store.intake import Encodes
    from agent.store.outbox import Committed, EvidenceRow, LessonRow, Range, Rejection, Row
    from agent.store.sqlite import Outbox
    from drivers.api import Frame

_Result = TypeVar("_Result")

EAGERNESS = 0.9
"""Share of the interval after which data is committed: polls of the same interval never wait."""
LAZINESS_S = 1.0
"""Acknowledgements wait so much longer for data to be committed with: half as many commits."""
EARLY_VALUES = 150_000
"""So many values, some 6 MB, are committed at once; the more a commit holds, the less it costs."""
HEARTBEAT_S = 5.0
"""An idle thread goes round this often, and is seen to live."""
RETRY_S = (0.5, 1.0, 2.0, 5.0)
"""Pauses after a refused commit; the last one repeats."""


class Writer:
    """The store's thread, and the loop's handle on it.

    Methods named `put_*` and `read` are called in the event loop; `on_commit` is called there
    after every commit. `failure` is set, and `on_failure` called, if the thread must end.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        commit_interval_s: float,
        on_commit: Callable[[Committed], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._outbox = outbox
        self._interval_s = commit_interval_s
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._intake = Intake()
        self._reads: deque[tuple[Range, int, asyncio.Future[list[Row]]]] = deque()
        self._flushes: deque[asyncio.Future[None]] = deque()
        self._flushing: list[asyncio.Future[None]] = []
        self._uncommitted = Batch()
        self._space = asyncio.Event()
        self._space.set()
        self._wake = WakeUp()
        self._idle = True
        self._company = Company()
        self._closing = self._serving = False
        self._last_commit_s = -1e9
        self._commits = 0
        self._oldest_ms = outbox.oldest_t_ms()
        self._problem: Message | None = None
        self._failures = 0
        self._totals = outbox.totals
        self.progress_s = time.monotonic()
        """Monotonic time at which the thread last went round; a watchdog reads it."""
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._serving = True
        self._thread.start()

    async def close(self) -> None:
        """Commit what is there, end the thread, close the file."""
        self._closing = True
        self._wake.set()
        await asyncio.to_thread(self._thread.join)

    # -- called in the event loop ----------------------------------------------------------------

    async def put_frame(self, codec: Encodes, frame: Frame) -> None:
        """Hand in a frame; waits while the intake is full, but takes it even if cancelled then."""
        try:
            while self._intake.full:
                self._space.clear()
                await self._space.wait()
        finally:
            self._intake.put(codec, frame)
            self._company.came(time.monotonic(), first=self._idle)
            self._nudge()
            if self._intake.pending_values >= EARLY_VALUES:
                self._wake.set()

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""
        self._intake.events.append(NewRow(Kind.EVENT, t_ms, 0, body))
        self._nudge()

    def put_acked(self, ranges: Sequence[Range]) -> None:
        """Report rows accepted by the destination; they leave with the next commit."""
        self._intake.acked.extend(ranges)

    def put_rejected(self, rejections: Sequence[Rejection]) -> None:
        """Report rows refused for good; they are set aside and announced."""
        self._intake.rejected.extend(rejections)
        self._nudge()

    def put_evidence(self, days: Sequence[EvidenceRow]) -> None:
        """Hand in what was observed; kept with the next commit."""
        self._intake.evidence.extend(days)

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what was learned of devices; kept with the next commit."""
        self._intake.lessons.extend(lessons)

    async def flush(self) -> None:
        """Have everything handed in so far committed now; no wait where no thread would do it."""
        if not self._serving:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._flushes.append(future)
        self._wake.set()
        await future

    async def read(self, wanted: Range, *, max_bytes: int) -> list[Row]:
        """Read waiting rows of a range, in order, at least one if there is one."""
        future: asyncio.Future[list[Row]] = self._loop.create_future()
        self._reads.append((wanted, max_bytes, future))
        self._wake.set()
        return await future

    @property
    def pending_frames(self) -> int:
        """Frames collected and not yet committed."""
        return self._intake.pending_frames

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded and the thread lives."""
        return self._problem is None and self._serving

    def status(self) -> StoreStatus:
        """Give a snapshot of the counters; every one is from the same commit."""
        totals = self._totals
        return StoreStatus(
            self._outbox.epoch,
            totals.stored,
            totals.acked,
            totals.rejected,
            totals.dropped,
            totals.waiting,
            totals.waiting_bytes,
            self._outbox.limit_bytes,
            self._oldest_ms,
            self.pending_frames,
            self._commits,
            self._problem,
        )

    def _nudge(self) -> None:
        """Have an idle thread woken when the next commit is due: once for all that comes until."""
        if self._idle:
            self._idle = False
            now_s = time.monotonic()
            left_s = self._last_commit_s + self._interval_s * EAGERNESS - now_s
            self._loop.call_later(max(left_s, self._company.wait_s(now_s)), self._wake.set)

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not (self._closing and not self._pending()):
                self.progress_s = time.monotonic()
                self._serve_reads()
                self._wait()
                self._flushing += [self._flushes.popleft() for _ in range(len(self._flushes))]
                if self._closing or self._flushing or self._due_s() <= time.monotonic():
                    self._commit()
                self._settle()
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which ends the process
            self._serving = False
            self._call(self._on_failure, error)
        finally:
            self._serving = False
            for _, _, reading in self._reads:
                self._call(reading.cancel)
            for flush in (*self._flushing, *self._flushes):
                self._call(flush.cancel)
            self._outbox.close(clean=not self._pending())

    def _pending(self) -> bool:
        return bool(self._intake) or bool(self._uncommitted)

    def _urgent(self) -> bool:
        return self._intake.urgent or bool(self._uncommitted)

    def _due_s(self) -> float:
        """Monotonic time of the next commit; far away while there is nothing to commit."""
        if self._intake.pending_values >= EARLY_VALUES and not self._problem:
            return -inf
        if self._urgent():
            return self._last_commit_s + self._interval_s * EAGERNESS
        return self._last_commit_s + self._interval_s + LAZINESS_S if self._pending() else inf

    def _wait(self) -> None:
        if self._reads or self._flushes or self._flushing or self._closing:
            return
        if not self._urgent():
            self._idle = True  # before looking again: what comes from now on wakes the thread
        left_s = self._due_s() - time.monotonic()
        if left_s > 0:
            self._wake.wait(min(left_s, HEARTBEAT_S))

    def _serve_reads(self) -> None:
        while self._reads:
            (first, last), max_bytes, future = self._reads.popleft()
            rows = self._outbox.read(first, last, max_bytes=max_bytes)
            self._call(_resolve, future, rows)

    def _settle(self) -> None:
        """Answer who waited for a commit, or let them wait for the next attempt."""
        while self._flushing and not self._uncommitted:
            self._call(_resolve, self._flushing.pop(), None)

    def _commit(self) -> None:
        batch = self._uncommitted
        self._intake.move_to(batch)
        if not batch:
            return
        began_s = time.monotonic()
        try:
            done = self._outbox.commit(batch)
        except sqlite3.OperationalError as error:
            self._problem = refused_write(error)
            self._pause(error)
            return
        self._uncommitted = Batch()
        self._intake.committed()
        self._problem = None
        self._failures = 0
        self._commits += 1
        self._last_commit_s = began_s
        self._totals = self._outbox.totals
        alone = bool(done.rows) and not done.gone and self._totals.waiting.rows == len(done.rows)
        self._oldest_ms = done.rows[0].t_ms if alone else self._outbox.oldest_t_ms()
        self._call(self._committed, done)

    def _pause(self, error: sqlite3.Error) -> None:
        """Wait before the batch is tried again; when closing, not for ever.

        Raises:
            StoreError: the store cannot be written, and the process is to end.
        """
        pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        if not self._closing:
            time.sleep(pause_s)
        elif self._failures > len(RETRY_S):
            raise StoreError(
                f"{self.pending_frames} frames could not be stored before the end: {error}",
                zh=f"退出前有 {self.pending_frames} 帧数据未能写入存储：{error}",
            ) from error
        else:
            time.sleep(RETRY_S[0])

    def _committed(self, done: Committed) -> None:
        if not self._intake.full:
            self._space.set()
        self._on_commit(done)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """Run a callback in the loop; a loop that is gone has nobody to tell."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)


def _resolve(future: asyncio.Future[_Result], result: _Result) -> None:
    if not future.done():
        future.set_result(result)
