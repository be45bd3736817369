"""The store's thread: groups what it is handed, commits it, survives a disk that refuses."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from unit.agent.store.outboxes import data, put, settings
from unit.agent.store.patience import until

from agent.store import intake, patience, wakeup, writer
from agent.store.inspect import report
from agent.store.outbox import Kind, NewRow, Rejection, StoreError
from agent.store.sqlite import Outbox
from agent.store.writer import Writer
from agent.telemetry.status import Count
from drivers.api import Frame

NEVER_S = 60.0
"""A commit interval that no test outlives."""


class Codec:
    """One row per frame, its body the frame's first value; notes which frames came together."""

    def __init__(self):
        self.calls = []

    def encode(self, frames):
        self.calls.append([f.values[0] for f in frames])
        return [NewRow(Kind.DATA, 7, len(f.values), f"{f.values[0]}".encode()) for f in frames]


class Bench:
    """A writer with everything it said."""

    def __init__(self, store, interval_s=0.02):
        self.path = store.path
        self.outbox = Outbox.open(store)
        self.commits, self.failures = [], []
        self.writer = Writer(
            self.outbox,
            commit_interval_s=interval_s,
            on_commit=self.commits.append,
            on_failure=self.failures.append,
        )
        self.codec = Codec()
        self.closed = False

    async def put(self, number, values=1):
        """Hand in a frame that begins with a number."""
        await self.writer.put_frame(self.codec, frame(number, values))

    def bodies(self):
        """Give the bodies of committed data rows, in order."""
        rows = [row for done in self.commits for row in done.rows]
        return [int(row.body) for row in rows if row.kind is Kind.DATA]

    def fill_disk(self):
        """Let the file grow no more; an insert of a page or more is refused."""
        pages = self.outbox._db.execute("PRAGMA page_count").fetchone()[0]
        self.outbox._db.execute(f"PRAGMA max_page_count={pages}")

    def free_disk(self):
        """Let the file grow again."""
        self.outbox._db.execute("PRAGMA max_page_count=1000000")

    async def close(self):
        """Close once; a second time does nothing."""
        if not self.closed:
            self.closed = True
            await self.writer.close()


def frame(number, values=1):
    return Frame("d", "g", 1, (number,) * values)


@pytest.fixture
async def bench(store):
    """A running writer that commits every 20 ms."""
    made = Bench(store)
    made.writer.start()
    yield made
    await made.close()
    assert report(made.path).sound


@pytest.fixture
async def slow(store):
    """A running writer that commits at once and then not again by itself."""
    made = Bench(store, interval_s=NEVER_S)
    made.writer.start()
    yield made
    await made.close()


@pytest.fixture
def impatient(monkeypatch):
    """Retries follow one another quickly."""
    monkeypatch.setattr(patience, "RETRY_S", (0.02, 0.02))


async def test_what_is_handed_in_is_committed_and_told(bench):
    """Frames become rows, in order; the callback hears of them, and the counters know."""
    for number in range(5):
        await bench.put(number, values=3)
    await until(lambda: len(bench.bodies()) == 5)
    assert bench.bodies() == list(range(5))
    status = bench.writer.status()
    assert (status.stored, status.waiting) == (Count(5, 15), Count(5, 15))
    assert (status.intake_frames, status.problem, status.oldest_ms) == (0, None, 7)
    assert status.commits == len(bench.commits)
    assert status.epoch == bench.outbox.epoch
    assert bench.writer.healthy


async def test_the_first_frame_is_committed_at_once_the_next_after_the_interval(slow):
    """After a pause nothing waits for the interval; what follows waits and goes together."""
    await slow.put(1)
    await until(lambda: slow.commits)  # NEVER_S would not be waited for
    for number in (2, 3, 4):
        await slow.put(number)
    await slow.writer.flush()
    assert [len(done.rows) for done in slow.commits] == [1, 3]


async def test_commits_keep_their_distance(store):
    """However many frames come, there are no more commits than the interval allows."""
    bench = Bench(store, interval_s=0.1)
    bench.writer.start()
    began_s = time.monotonic()
    for number in range(40):
        await bench.put(number)
        await asyncio.sleep(0.01)
    await until(lambda: len(bench.bodies()) == 40)
    took_s = time.monotonic() - began_s
    assert len(bench.commits) <= took_s / 0.1 + 2
    await bench.close()


async def test_frames_of_one_group_are_encoded_together(slow):
    """All frames of a group that wait are encoded in one go, so that they can share rows."""
    await slow.put(0)
    await until(lambda: slow.commits)
    other = Codec()
    await slow.put(1)
    await slow.writer.put_frame(other, frame(9))
    await slow.put(2)
    await slow.writer.flush()
    assert slow.codec.calls == [[0], [1, 2]]
    assert other.calls == [[9]]


async def test_many_values_do_not_wait_for_the_interval(slow, monkeypatch):
    """Above a number of values in memory the commit comes at once."""
    monkeypatch.setattr(writer, "EARLY_VALUES", 100)
    await slow.put(1)
    await until(lambda: slow.commits)
    await slow.put(2, values=99)
    assert len(slow.commits) == 1
    await slow.put(3)
    await until(lambda: slow.bodies() == [1, 2, 3])


async def test_acknowledgements_wait_for_company(bench):
    """Rows that are acknowledged leave with the next data, without causing a commit."""
    await bench.put(1)
    await bench.writer.flush()
    commits = bench.writer.status().commits
    bench.writer.put_acked([(1, 1)])
    await bench.put(2)
    await until(lambda: bench.writer.status().stored.rows == 2)
    assert bench.writer.status().acked == Count(1, 1)
    assert bench.writer.status().commits == commits + 1


async def test_acknowledgements_without_company_do_not_wait_for_ever(bench, monkeypatch):
    """With nothing else to commit, acknowledged rows leave after a while all the same."""
    monkeypatch.setattr(writer, "LAZINESS_S", 0.05)
    monkeypatch.setattr(writer, "HEARTBEAT_S", 0.02)
    await bench.put(1)
    await bench.writer.flush()
    bench.writer.put_acked([(1, 1)])
    bench.writer.put_evidence([("d", "2026-11-23", 1, False, 0, 1, 1)])
    await until(lambda: bench.writer.status().acked == Count(1, 1))
    assert len(bench.outbox.evidence()) == 1


async def test_flush_waits_for_the_commit_of_everything_before_it(slow):
    """After a flush every kind of thing handed in before it is on disk."""
    await slow.put(1)
    await slow.writer.flush()
    await slow.put(2)
    slow.writer.put_event(5, b'"e":1}')
    slow.writer.put_acked([(1, 1)])
    slow.writer.put_evidence([("d", "2026-11-23", 1, False, 0, 1, 1)])
    await slow.writer.flush()
    status = slow.writer.status()
    assert (status.stored, status.acked) == (Count(3, 2), Count(1, 1))
    assert slow.outbox.evidence() == [("d", "2026-11-23", 1, False, 0, 1, 1)]


async def test_flush_of_nothing_returns(slow):
    """A flush with nothing to commit, twice at once, returns and commits nothing."""
    await asyncio.gather(slow.writer.flush(), slow.writer.flush())
    assert slow.commits == []


async def test_a_rejection_is_carried_out_and_announced(bench):
    """A rejected row is set aside; the event about it is told like a backlog."""
    await bench.put(1)
    await bench.writer.flush()
    bench.writer.put_rejected([Rejection(1, "No", 0x99)])
    await bench.writer.flush()
    await until(lambda: bench.commits[-1].announced == ((2, 2),))
    assert bench.writer.status().rejected == Count(1, 1)


async def test_rows_can_be_read_while_others_are_committed(bench):
    """Reads are answered between commits, in order, with what was asked for."""
    for number in range(30):
        await bench.put(number)
    await bench.writer.flush()

    async def write_on():
        for number in range(30, 60):
            await bench.put(number)
            await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as both:
        both.create_task(write_on())
        for first in range(1, 30, 5):
            rows = await bench.writer.read((first, first + 4), max_bytes=10_000)
            assert [r.seq for r in rows] == list(range(first, first + 5))
    await bench.writer.flush()
    assert await bench.writer.read((100, 200), max_bytes=1) == []
    assert bench.bodies() == list(range(60))


async def test_a_reader_that_gave_up_hurts_nobody(bench):
    """A cancelled read leaves the thread and other reads alone."""
    await bench.put(1)
    await bench.writer.flush()
    reading = asyncio.create_task(bench.writer.read((1, 1), max_bytes=1))
    await asyncio.sleep(0)
    reading.cancel()
    assert [r.seq for r in await bench.writer.read((1, 1), max_bytes=1)] == [1]


async def test_a_full_intake_makes_collectors_wait_and_loses_nothing(store, monkeypatch):
    """Beyond the bound a frame waits for a commit; every frame is stored, in order."""
    monkeypatch.setattr(intake, "MAX_PENDING_FRAMES", 4)
    bench = Bench(store)
    for number in range(4):
        await bench.put(number)
    waiting = asyncio.create_task(bench.put(4))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert bench.writer.pending_frames == 4
    bench.writer.start()
    await waiting
    await bench.writer.flush()
    assert bench.bodies() == [0, 1, 2, 3, 4]
    await bench.close()


async def test_the_intake_is_bounded_by_values_too(store, monkeypatch):
    """A few frames of many values fill the intake like many small ones."""
    monkeypatch.setattr(intake, "MAX_PENDING_VALUES", 100)
    bench = Bench(store)
    await bench.put(0, values=100)
    waiting = asyncio.create_task(bench.put(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    bench.writer.start()
    await waiting
    await bench.close()
    assert report(bench.path).found == Count(2, 101)


async def test_a_frame_whose_giver_is_cancelled_is_stored_all_the_same(store, monkeypatch):
    """Cancelling a collector that waits for room does not lose the frame it holds."""
    monkeypatch.setattr(intake, "MAX_PENDING_FRAMES", 1)
    bench = Bench(store)
    await bench.put(0)
    waiting = asyncio.create_task(bench.put(1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bench.writer.start()
    await bench.close()
    assert report(bench.path).found.rows == 2


async def test_closing_commits_everything(store):
    """What was handed in a moment before closing is on disk, and the store is left clean."""
    bench = Bench(store, interval_s=NEVER_S)
    bench.writer.start()
    await bench.put(0)
    await until(lambda: bench.commits)
    for number in range(1, 100):
        await bench.put(number)
    bench.writer.put_event(1, b'"x":1}')
    await bench.close()
    assert not bench.writer.healthy
    again = Outbox.open(store)
    assert again.opened_clean
    assert again.totals.stored == Count(101, 100)
    again.close(clean=True)


async def test_a_full_disk_is_shown_and_nothing_is_lost(bench, impatient):
    """While the disk refuses, the problem is told and frames are kept; then all is stored."""
    await bench.put(0)
    await bench.writer.flush()
    bench.fill_disk()
    await bench.put(1, values=2)
    bench.writer.put_event(1, b'"x":"' + b"y" * 50_000 + b'"}')
    await until(lambda: bench.writer.status().problem)
    problem = bench.writer.status().problem
    assert "disk" in problem.en
    assert "磁盘拒绝写入" in problem.zh
    assert not bench.writer.healthy
    await bench.put(2)
    bench.writer.put_acked([(1, 1)])
    status = bench.writer.status()
    assert status.balanced
    assert status.intake_frames == 2
    bench.free_disk()
    await bench.writer.flush()
    assert bench.writer.healthy
    assert bench.bodies() == [0, 1, 2]
    status = bench.writer.status()
    assert (status.stored, status.acked) == (Count(4, 4), Count(1, 1))
    assert bench.failures == []


async def test_a_flush_waits_while_the_disk_refuses(bench, impatient):
    """A flush is not answered by a failed attempt, only by the commit."""
    bench.fill_disk()
    bench.writer.put_event(1, b"y" * 50_000)
    flush = asyncio.create_task(bench.writer.flush())
    await until(lambda: bench.writer.status().problem)
    assert not flush.done()
    bench.free_disk()
    await flush
    assert bench.writer.status().stored == Count(1, 0)


async def test_rows_are_read_while_the_disk_refuses(bench, impatient):
    """What is stored can go out although nothing can come in."""
    await bench.put(1)
    await bench.writer.flush()
    bench.fill_disk()
    bench.writer.put_event(1, b"y" * 50_000)
    await until(lambda: bench.writer.status().problem)
    assert [r.body for r in await bench.writer.read((1, 1), max_bytes=10)] == [b"1"]
    bench.free_disk()
    await bench.writer.flush()


async def test_closing_on_a_full_disk_ends_with_the_error(store, impatient):
    """A disk that refuses to the end is told as a failure, in both languages, in good time."""
    bench = Bench(store)
    bench.writer.start()
    await bench.put(0)
    await bench.writer.flush()
    bench.fill_disk()
    for number in range(1, 4):
        await bench.put(number)
    bench.writer.put_event(1, b"y" * 50_000)
    async with asyncio.timeout(5):
        await bench.close()
    (failure,) = bench.failures
    assert isinstance(failure, StoreError)
    assert "3 frames could not be stored" in str(failure)
    assert "3 帧数据未能写入" in failure.zh
    again = Outbox.open(store)
    assert not again.opened_clean
    assert again.totals.stored == Count(1, 1)
    again.close(clean=True)


async def test_a_broken_encoder_ends_the_thread_and_is_told(store):
    """An error that no retry can heal reaches the loop; who waits is not left waiting."""

    class Broken:
        def encode(self, frames):
            raise ZeroDivisionError("bug")

    bench = Bench(store)
    bench.writer.start()
    await bench.writer.put_frame(Broken(), frame(1))
    await until(lambda: bench.failures)
    assert isinstance(bench.failures[0], ZeroDivisionError)
    await until(lambda: not bench.writer.healthy)
    async with asyncio.timeout(1):
        await bench.writer.flush()
        await bench.close()


async def test_who_waits_for_a_thread_that_fails_is_released(slow):
    """Readers and flushers that wait when the thread dies are cancelled, not forgotten."""
    failing, go = threading.Event(), threading.Event()

    class Broken:
        def encode(self, frames):
            failing.set()
            go.wait(5)
            raise ZeroDivisionError("bug")

    await slow.put(0)
    await until(lambda: slow.commits)
    await slow.writer.put_frame(Broken(), frame(1))
    served = asyncio.create_task(slow.writer.flush())
    await until(failing.is_set)
    queued = asyncio.create_task(slow.writer.flush())
    reading = asyncio.create_task(slow.writer.read((1, 1), max_bytes=1))
    await asyncio.sleep(0)
    go.set()
    done, late = await asyncio.wait([served, queued, reading], timeout=5)
    assert (len(done), late) == (3, set())
    assert all(task.cancelled() for task in done)
    assert len(slow.failures) == 1


async def test_a_writer_goes_on_where_the_last_one_stopped(store):
    """Rows waiting from before are known at the start: oldest time, counters, progress."""
    outbox = Outbox.open(store)
    put(outbox, data(4, t_ms=77))
    outbox.close(clean=True)
    bench = Bench(store)
    status = bench.writer.status()
    assert (status.oldest_ms, status.waiting, status.commits) == (77, Count(1, 4), 0)
    before_s = bench.writer.progress_s
    bench.writer.start()
    await bench.writer.flush()
    await until(lambda: bench.writer.progress_s > before_s)
    await bench.close()


async def test_a_loop_that_is_gone_does_not_stop_the_last_commit(tmp_path):
    """When the event loop ends before the thread, what was handed in is stored all the same."""
    store = settings(tmp_path)

    async def life():
        bench = Bench(store, interval_s=NEVER_S)
        bench.writer.start()
        await bench.put(1)
        return bench

    bench = await asyncio.to_thread(asyncio.run, life())
    bench.writer._closing = True
    bench.writer._wake.set()
    await asyncio.to_thread(bench.writer._thread.join)
    assert report(store.path).found == Count(1, 1)


async def test_the_first_frame_of_a_group_is_committed_soon(slow):
    """Even right after a commit; the second frame of a group waits for its turn."""
    await slow.put(1)
    await until(lambda: slow.bodies() == [1])
    other = Codec()
    await slow.put(2)
    await slow.writer.put_frame(other, frame(3))
    await until(lambda: sorted(slow.bodies()) == [1, 2, 3])
    commits = len(slow.commits)
    await slow.put(4)
    await slow.writer.put_frame(other, frame(5))
    await asyncio.sleep(5 * wakeup.FIRST_S)
    assert len(slow.commits) == commits
