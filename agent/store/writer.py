"""One thread owns the outbox: it gathers what the loop hands it and commits in groups.

A commit happens at most every `commit_interval_s`, at once after a pause and soon after a group's
first frame, and takes everything that is there: frames, events, acknowledgements, rejections and
evidence. If the disk refuses, the batch is kept and tried again; intake fills, collectors wait.
Nothing is ever thrown away here.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import deque
from functools import partial
from math import inf
from typing import TYPE_CHECKING

from agent.store.account import Account
from agent.store.asking import Asking
from agent.store.ending import Ending
from agent.store.intake import Intake
from agent.store.outbox import Batch, Kind, NewRow
from agent.store.patience import Patience
from agent.store.requests import resolve
from agent.store.wakeup import Company, Firsts, WakeUp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.store.intake import Encodes
    from agent.store.outbox import Committed, EvidenceRow, LessonRow, Range, Rejection, Telling
    from agent.store.sqlite import Outbox
    from agent.telemetry.status import StoreStatus
    from drivers.api import Frame

EAGERNESS = 0.9
"""Share of the interval after which data is committed: polls of the same interval never wait."""
LAZINESS_S = 1.0
"""Acknowledgements wait so much longer for data to be committed with: half as many commits."""
EARLY_VALUES = 150_000
"""So many values, some 6 MB, are committed at once; the more a commit holds, the less it costs."""
HEARTBEAT_S = 5.0
"""An idle thread goes round this often, and is seen to live."""
SALVAGE_PAUSE_S = 0.02
"""Rest between two steps of a salvage: half of a core at most, and commits are never late."""


class Writer(Asking):
    """The store's thread, and the loop's handle on it.

    Methods named `put_*` and those of `Asking` are called in the event loop; `on_commit` is called
    there after every commit. `failure` is set, and `on_failure` called, if the thread must end.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        commit_interval_s: float,
        on_commit: Callable[[Committed], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._intake = Intake()
        super().__init__(outbox, Account(outbox, self._intake), WakeUp())
        self._interval_s = commit_interval_s
        self._on_commit = on_commit
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self.save_memory = self._intake.save_memory
        """Takes by how much less than usual may wait in memory; 1 is as usual."""
        self._flushes: deque[asyncio.Future[None]] = deque()
        self._flushing: list[asyncio.Future[None]] = []
        self._uncommitted = Batch()
        self._space = asyncio.Event()
        self._space.set()
        self._idle, self._closing, self._serving = True, False, False
        self._company, self._firsts = Company(), Firsts(self._intake, self.hasten)
        self._last_commit_s, self._commits = -1e9, 0
        self._oldest_ms, self._patience = outbox.oldest_t_ms(), Patience()
        self.progress_s = time.monotonic()
        """When the thread last went round, monotonic; a watchdog reads it."""
        self._ending = Ending()
        run = partial(self._ending.of, self._run)
        self._thread = threading.Thread(target=run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._serving = True
        self._thread.start()

    async def close(self) -> None:
        """Commit what is there, end the thread, close the file.

        Raises:
            TimeoutError: the disk does not answer, or too slowly; the thread is left behind.
        """
        self._closing = True
        self._wake.set()
        await self._ending.wait()

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
            self._firsts.came(codec)
            if self._intake.reaches(EARLY_VALUES):
                self._wake.set()

    def put_event(self, t_ms: int, body: bytes) -> None:
        """Hand in an event row."""
        self._intake.events.append(NewRow(Kind.EVENT, t_ms, 0, body))
        self._nudge()

    def put_acked(self, ranges: Sequence[Range], *, by: int = 0) -> None:
        """Report rows accepted by the destination, or by one of several; with the next commit."""
        self._intake.acknowledge(ranges, by)

    def put_rejected(self, rejections: Sequence[Rejection], *, by: int = 0) -> None:
        """Report rows refused for good; they are set aside and announced."""
        self._intake.reject(rejections, by)
        self._nudge()

    def put_evidence(self, days: Sequence[EvidenceRow]) -> None:
        """Hand in what was observed; kept with the next commit."""
        self._intake.evidence.extend(days)

    def put_lessons(self, lessons: Sequence[LessonRow]) -> None:
        """Hand in what was learned of devices; kept with the next commit."""
        self._intake.lessons.extend(lessons)

    def put_told(self, told: Telling) -> None:
        """Hand in losses and the events that tell of them; kept with the next commit, whole."""
        self._intake.told.append(told)
        self._nudge()

    async def flush(self) -> None:
        """Have everything handed in so far committed now; no wait where no thread would do it."""
        if not self._serving:
            return
        future: asyncio.Future[None] = self._loop.create_future()
        self._flushes.append(future)
        self._wake.set()
        await future

    def hasten(self) -> None:
        """Have the frames that wait committed now: for who can send them, or for their first."""
        if self._serving and self._intake.frames:
            self._flushes.append(self._loop.create_future())
            self._wake.set()

    @property
    def pending_frames(self) -> int:
        """Frames collected and not yet committed."""
        return self._intake.pending_frames

    @property
    def unsaved(self) -> bool:
        """Whether anything but acknowledgements, which come again, is not yet committed."""
        return self._intake.owes or self._uncommitted.owes

    @property
    def healthy(self) -> bool:
        """Whether the last commit succeeded and the thread lives."""
        return self._patience.problem is None and self._serving

    def status(self, *, of: int = 0) -> StoreStatus:
        """Give a snapshot of the counters, all from the same commit; or those of a destination."""
        problem = self._patience.problem or self._outbox.salvaging
        return self._account.status(
            oldest_ms=self._oldest_ms, commits=self._commits, problem=problem, number=of
        )

    def _nudge(self) -> None:
        """Have an idle thread woken when the next commit is due: once for all that comes until."""
        if self._idle:
            self._idle = False
            now_s = time.monotonic()
            left_s = self._last_commit_s + self._interval_s * EAGERNESS - now_s
            self._loop.call_later(max(left_s, self._company.wait_s(now_s)), self._wake.set)

    def _run(self) -> None:
        try:
            while not (self._closing and not self._pending()):
                self.progress_s = time.monotonic()
                self._serve_reads()
                self._wait()
                self._flushing += [self._flushes.popleft() for _ in range(len(self._flushes))]
                due = self._closing or self._flushing or self._due_s() <= time.monotonic()
                if due and self._patience.left_s() <= 0:
                    self._commit()
                elif self._outbox.salvaging and self._patience.left_s() <= 0:
                    self._salvage()
                self._settle()
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which ends the process
            self._serving = False
            self._call(self._on_failure, error)
        finally:
            self._serving = False
            self._requests.cancel(self._call)
            for flush in (*self._flushing, *self._flushes):
                self._call(flush.cancel)
            self._outbox.close(clean=not self._pending())

    def _pending(self) -> bool:
        return bool(self._intake) or bool(self._uncommitted)

    def _urgent(self) -> bool:
        return self._intake.urgent or bool(self._uncommitted) or self._outbox.has_findings

    def _due_s(self) -> float:
        """Monotonic time of the next commit; far away while there is nothing to commit."""
        if self._intake.reaches(EARLY_VALUES) and not self._patience.problem:
            return -inf
        if self._urgent():
            return self._last_commit_s + self._interval_s * EAGERNESS
        return self._last_commit_s + self._interval_s + LAZINESS_S if self._pending() else inf

    def _wait(self) -> None:
        if (left_s := self._patience.left_s()) > 0:
            self._wake.wait(min(left_s, HEARTBEAT_S))
            return
        if self._requests or self._flushes or self._flushing or self._closing:
            return
        if not self._urgent():
            self._idle = True  # before looking again: what comes from now on wakes the thread
        left_s = self._due_s() - time.monotonic()
        if left_s > 0:
            resting = self._outbox.salvaging is not None
            self._wake.wait(min(left_s, SALVAGE_PAUSE_S if resting else HEARTBEAT_S))

    def _serve_reads(self) -> None:
        """Answer who wants rows; while the disk does not give them, they wait."""
        with self._patience.asking(closing=self._closing):
            self._requests.serve(self._call)

    def _salvage(self) -> None:
        with self._patience.asking(closing=self._closing):
            done = self._outbox.salvage_step()
            self._account.committed(done)
            self._call(self._committed, done)

    def _settle(self) -> None:
        """Answer who waited for a commit, or let them wait for the next attempt."""
        while self._flushing and not self._uncommitted:
            self._call(resolve, self._flushing.pop(), None)

    def _commit(self) -> None:
        batch, again = self._uncommitted, bool(self._uncommitted)
        if not again:  # one that was refused is tried again as it is: part of it may have landed
            self._intake.move_to(batch)
        if not batch and not self._outbox.has_findings:
            return
        began_s = time.monotonic()
        try:
            done = self._outbox.commit(batch)
        except sqlite3.OperationalError as error:
            self._patience.refused(error, closing=self._closing)
            self._relieve(batch)
            if self._closing:
                self._patience.give_up(self.pending_frames, error)
            return
        self._uncommitted = Batch()
        self._intake.committed()
        self._patience.succeeded()
        self._commits += 1
        self._last_commit_s = began_s
        self._account.committed(done)
        alone = self._account.alone(done)
        self._oldest_ms = done.rows[0].t_ms if alone else self._outbox.oldest_t_ms()
        self._call(self._committed, done)
        if again:
            self._commit()

    def _relieve(self, batch: Batch) -> None:
        """Let what is sent go on being noted on a full disk."""
        if self._outbox.can_relieve:
            self._intake.move_acked_to(batch)
            with contextlib.suppress(sqlite3.OperationalError):
                done = self._outbox.relieve(batch)
                self._account.committed(done)
                self._call(self._on_commit, done)

    def _committed(self, done: Committed) -> None:
        if not self._intake.full:
            self._space.set()
        self._on_commit(done)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """Run a callback in the loop; a loop that is gone has nobody to tell."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args)
