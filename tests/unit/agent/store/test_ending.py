"""The end of the store's thread is waited for while it moves, and never by a clock alone."""

from __future__ import annotations

import asyncio
import threading

import pytest
from unit.agent.store.outboxes import settings
from unit.agent.store.patience import until

from agent.store import ending
from agent.store.ending import Ending
from agent.store.sqlite import Outbox
from agent.store.writer import Writer


@pytest.fixture
def quick(monkeypatch):
    """Looks follow each other closely."""
    monkeypatch.setattr(ending, "LOOK_S", 0.01)


@pytest.fixture
async def held():
    """Give an ending whose thread waits, and the event that lets it go on."""
    end, go = Ending(), threading.Event()
    thread = threading.Thread(target=end.of, args=(go.wait,))
    thread.start()
    await until(lambda: end._clock is not None and end._ident)
    yield end, go
    go.set()
    thread.join()


async def test_a_thread_that_stands_still_is_left_behind_and_its_place_told(held, quick, caplog):
    """No work for some looks: the wait ends, and the log names the call that hangs, once."""
    end, go = held
    with pytest.raises(TimeoutError):
        await end.wait()
    (said,) = caplog.messages
    assert "stands still" in said
    assert "self._cond.wait" in said
    go.set()
    await end.wait()


async def test_a_thread_that_works_is_waited_for(held, quick, monkeypatch):
    """Any work between two looks begins the count of looks anew."""
    end, go = held
    looks = []

    def works_now_and_then():
        looks.append(None)
        if len(looks) == 3 * ending.STILL_LOOKS:
            go.set()
        return len(looks) // (ending.STILL_LOOKS - 2)

    monkeypatch.setattr(end, "ran_ns", works_now_and_then)
    await end.wait()
    assert len(looks) > 2 * ending.STILL_LOOKS


async def test_a_thread_that_never_ends_its_work_is_not_waited_for(held, quick, monkeypatch):
    """After the last look nobody waits, whatever the thread does."""
    end, _ = held
    looks = iter(range(10 * ending.MOST_LOOKS))
    monkeypatch.setattr(end, "ran_ns", lambda: next(looks))
    with pytest.raises(TimeoutError):
        await end.wait()
    assert next(looks) == ending.MOST_LOOKS + 1


async def test_work_is_told_by_the_processor_time_of_the_thread(held):
    """It rises while the thread computes, and has no value once it has ended."""
    end, _ = held
    assert end.ran_ns() == end.ran_ns() > 0
    busy, computed = Ending(), threading.Event()
    thread = threading.Thread(target=busy.of, args=(lambda: _compute_until(computed),))
    thread.start()
    await until(lambda: busy.ran_ns() > 0)
    first_ns = busy.ran_ns()
    await until(lambda: busy.ran_ns() > first_ns)
    computed.set()
    thread.join()
    await until(lambda: busy.ran_ns() == 0)
    await busy.wait()


async def test_the_pool_of_the_loop_is_not_needed(tmp_path, quick):
    """With every thread of the pool held by something else the store closes all the same."""
    go = threading.Event()
    loop = asyncio.get_running_loop()
    waiting = [loop.run_in_executor(None, go.wait) for _ in range(64)]
    try:
        await _opened(tmp_path).close()
    finally:
        go.set()
        await asyncio.gather(*waiting)
    assert Outbox.open(settings(tmp_path)).opened_clean


async def test_what_is_not_saved_is_known_while_the_disk_hangs(tmp_path, quick, monkeypatch):
    """Acknowledgements come again; an event in a commit that hangs does not."""
    go = threading.Event()
    commit = Outbox.commit

    def hang(self, batch):
        go.wait()
        return commit(self, batch)

    writer = _opened(tmp_path)
    assert not writer.unsaved
    monkeypatch.setattr(Outbox, "commit", hang)
    writer.put_acked([(1, 1)])
    assert not writer.unsaved
    writer.put_event(1, b'"type":"x"}')
    with pytest.raises(TimeoutError):
        await writer.close()
    assert writer.unsaved
    go.set()
    await writer.close()
    assert not writer.unsaved
    kept = Outbox.open(settings(tmp_path))
    assert kept.totals.stored.rows == 1


def _opened(folder):
    writer = Writer(
        Outbox.open(settings(folder)),
        commit_interval_s=60,
        on_commit=lambda _done: None,
        on_failure=lambda error: pytest.fail(repr(error)),
    )
    writer.start()
    return writer


def _compute_until(event):
    while not event.is_set():
        sum(range(100))
