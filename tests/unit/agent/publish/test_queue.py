"""What is to be sent, in which order: every row in exactly one place, none forgotten."""

from __future__ import annotations

import asyncio

import pytest
from unit.agent.publish.messages import committed, row

from agent.publish import queue as queue_module
from agent.publish.queue import SendQueue
from agent.store.outbox import Kind

PLENTY = 10**9


class Shelf:
    """A store of rows; a read is answered when the test says so, or at once."""

    def __init__(self, *rows, held=False):
        self.rows = {r.seq: r for r in rows}
        self.reads = []
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def read(self, wanted, *, max_bytes):
        self.reads.append(wanted)
        await self.go.wait()
        found, size = [], 0
        for seq in sorted(self.rows):
            if wanted[0] <= seq <= wanted[1] and size < max_bytes:
                found.append(self.rows[seq])
                size += len(self.rows[seq].body)
        return found


def make(shelf, waiting=None):
    """Give a queue and the list of calls that said rows are ready."""
    ready = []
    return SendQueue(shelf, waiting=waiting, on_ready=lambda: ready.append(1)), ready


async def backlog(queue):
    """Read everything the queue still has to send."""
    seqs = []
    while True:
        queue.read_ahead()
        for _ in range(3):
            await asyncio.sleep(0)
        if not queue.has_ready:
            return seqs
        while queue.has_ready:
            seqs += [r.seq for r in queue.take(live=False, max_bytes=PLENTY)]


async def test_committed_rows_are_live_while_connected():
    """Rows committed while online are sent from memory; before that they are backlog."""
    shelf = Shelf(row(1), row(2))
    queue, _ = make(shelf)
    queue.committed(committed(row(1)))
    assert not queue.has_live
    queue.online()
    queue.committed(committed(row(2)))
    assert [r.seq for r in queue.take(live=True, max_bytes=PLENTY)] == [2]
    assert (queue.has_live, queue.live_bytes) == (False, 0)
    assert await backlog(queue) == [1]


async def test_the_backlog_of_the_last_life_is_read():
    """What waited when the store was opened is read in order, whatever has gone of it."""
    queue, ready = make(Shelf(*(row(n) for n in (3, 4, 9))), waiting=(1, 9))
    assert await backlog(queue) == []
    queue.online()
    assert await backlog(queue) == [3, 4, 9]
    assert ready
    assert await backlog(queue) == []


async def test_the_backlog_is_read_in_parts(monkeypatch):
    """A long backlog is read part by part, one part at a time."""
    monkeypatch.setattr(queue_module, "READ_BYTES", 300)
    rows = [row(n, size=100) for n in range(1, 8)]
    shelf = Shelf(*rows)
    queue, _ = make(shelf, waiting=(1, 7))
    queue.online()
    queue.read_ahead()
    queue.read_ahead()
    assert await backlog(queue) == [1, 2, 3, 4, 5, 6, 7]
    assert shelf.reads == [(1, 7), (3, 7), (5, 7), (7, 7)]


async def test_what_is_given_back_during_a_read_is_not_forgotten():
    """Rows refused while a later part of the backlog is being read are sent again."""
    shelf = Shelf(*(row(n) for n in range(1, 9)), held=True)
    queue, _ = make(shelf, waiting=(5, 8))
    queue.online()
    queue.read_ahead()
    await asyncio.sleep(0)
    queue.give_back([row(1), row(2), row(4)])
    shelf.go.set()
    assert await backlog(queue) == [5, 6, 7, 8, 1, 2, 4]


async def test_going_offline_makes_everything_backlog():
    """Live, read and half-read rows are all read again after a reconnect, once."""
    shelf = Shelf(*(row(n) for n in range(1, 7)))
    queue, _ = make(shelf, waiting=(1, 2))
    queue.online()
    queue.read_ahead()
    for _ in range(3):
        await asyncio.sleep(0)
    queue.committed(committed(row(3), row(4)))
    queue.offline()
    assert (queue.has_live, queue.has_ready, queue.live_bytes) == (False, False, 0)
    queue.committed(committed(row(5)))
    shelf.go.clear()
    queue.online()
    queue.read_ahead()
    await asyncio.sleep(0)
    queue.offline()
    shelf.go.set()
    queue.online()
    assert await backlog(queue) == [1, 2, 3, 4, 5]


async def test_announced_events_come_with_the_backlog():
    """Events the store wrote itself are read like any other row."""
    queue, _ = make(Shelf(row(9, kind=Kind.EVENT)))
    queue.online()
    queue.committed(committed(announced=[(9, 9)]))
    assert await backlog(queue) == [9]


async def test_what_was_dropped_is_not_sent():
    """What was dropped leaves memory, also when it was just committed; nothing else does."""
    queue, _ = make(Shelf())
    queue.online()
    queue.committed(committed(row(1, size=50), row(2, kind=Kind.EVENT), row(3)))
    queue.committed(committed(row(4), row(5), gone=[(1, 1), (3, 4)]))
    taken = []
    while queue.has_live:
        taken += [r.seq for r in queue.take(live=True, max_bytes=PLENTY)]
    assert taken == [2, 5]
    assert queue.live_bytes == 0


async def test_what_was_read_and_dropped_is_not_sent():
    """Rows of the backlog that are at hand and dropped meanwhile are not sent."""
    queue, _ = make(Shelf(row(1), row(2), row(3)), waiting=(1, 3))
    queue.online()
    queue.read_ahead()
    for _ in range(3):
        await asyncio.sleep(0)
    queue.committed(committed(gone=[(1, 2)]))
    assert [r.seq for r in queue.take(live=False, max_bytes=PLENTY)] == [3]


async def test_memory_is_bounded(monkeypatch):
    """Beyond the bound the oldest live rows are left to the backlog; the newest stay live."""
    monkeypatch.setattr(queue_module, "LIVE_BYTES", 1000)
    rows = [row(n, size=300) for n in range(1, 6)]
    queue, _ = make(Shelf(*rows))
    queue.online()
    queue.committed(committed(*rows))
    assert queue.live_bytes <= 1000
    live = [r.seq for r in queue.take(live=True, max_bytes=PLENTY)]
    assert live == [4, 5]
    assert await backlog(queue) == [1, 2, 3]


@pytest.mark.parametrize("size", [1, 200, 10**6])
async def test_a_message_holds_what_fits_and_at_least_one_row(size):
    """Rows are taken up to the size; a row that is too large alone is taken alone."""
    queue, _ = make(Shelf())
    queue.online()
    rows = [row(n, size=10) for n in range(1, 6)]
    queue.committed(committed(*rows))
    each = len(rows[0].body) + queue_module.IDENTITY_BYTES
    taken = queue.take(live=True, max_bytes=size)
    assert len(taken) == min(5, max(1, size // each))


async def test_kinds_and_meta_versions_do_not_share_a_message():
    """A message ends where the kind of row or the version of its meaning changes."""
    queue, _ = make(Shelf())
    queue.online()
    rows = [row(1), row(2, kind=Kind.EVENT), row(3), row(4, mv=2), row(5, mv=2)]
    queue.committed(committed(*rows))
    messages = []
    while queue.has_live:
        messages.append([r.seq for r in queue.take(live=True, max_bytes=PLENTY)])
    assert messages == [[2], [1, 3], [4, 5]]


async def test_rows_of_a_refused_message_go_alone():
    """Rows that were refused together share no message any more, until they are settled."""
    queue, _ = make(Shelf())
    rows = [row(n) for n in range(1, 5)]
    queue.online()
    assert queue.refused(rows[1:3]) == 0
    queue.committed(committed(*rows))
    messages = []
    while queue.has_live:
        messages.append([r.seq for r in queue.take(live=True, max_bytes=PLENTY)])
    assert messages == [[1], [2], [3], [4]]
    queue.settled(rows)
    queue.committed(committed(*rows))
    assert len(queue.take(live=True, max_bytes=PLENTY)) == 4


async def test_tries_of_a_single_row_are_counted():
    """Every refusal of a row on its own counts; settling it begins anew."""
    queue, _ = make(Shelf())
    assert queue.refused([row(1), row(2)]) == 0
    assert [queue.refused([row(1)]) for _ in range(3)] == [1, 2, 3]
    assert queue.refused([row(2)]) == 1
    queue.settled([row(1)])
    assert queue.refused([row(1)]) == 1


async def test_the_past_waits_behind_the_present():
    """Rows of a device's own history are backlog from the start, even while connected."""
    past = row(2)
    past = past._replace(body=b'"t0":2,"d":"dev","g":"grp","hist":true,"t":[0],"s":{"x":[1]}}')
    shelf = Shelf(row(1), past, row(3))
    queue, _ = make(shelf)
    queue.online()
    queue.committed(committed(row(1), past, row(3)))
    assert [r.seq for r in queue.take(live=True, max_bytes=PLENTY)] == [1, 3]
    assert await backlog(queue) == [2]


async def test_events_go_first_then_states_then_the_rest():
    """Of what waits the most urgent is sent first, each lane in its own order."""
    queue, _ = make(Shelf())
    queue.online()
    kinds = [Kind.DATA, Kind.STATE, Kind.DATA, Kind.EVENT, Kind.STATE, Kind.EVENT]
    queue.committed(committed(*[row(n)._replace(kind=k) for n, k in enumerate(kinds, 1)]))
    taken = []
    while queue.has_live:
        taken.append([r.seq for r in queue.take(live=True, max_bytes=PLENTY)])
    assert taken == [[4, 6], [2, 5], [1, 3]]
    assert queue.live_bytes == 0


async def test_the_least_urgent_is_left_to_the_backlog(monkeypatch):
    """Where live rows are too many gauges leave memory before states and events."""
    monkeypatch.setattr(queue_module, "LIVE_BYTES", 1100)
    queue, _ = make(Shelf())
    queue.online()
    kinds = [Kind.EVENT, Kind.STATE, Kind.DATA, Kind.DATA, Kind.STATE]
    rows = [row(n, size=300)._replace(kind=k) for n, k in enumerate(kinds, 1)]
    queue.committed(committed(*rows))
    assert [r.seq for r in queue._live] == [1, 2, 5]
    assert queue._backlog.ranges == ((3, 4),)


async def test_the_backlog_mixes_states_and_the_rest():
    """Read back in the order of their numbers, both share messages."""
    rows = [row(1), row(2)._replace(kind=Kind.STATE), row(3)]
    queue, _ = make(Shelf(*rows), waiting=(1, 3))
    queue.online()
    queue.read_ahead()
    for _ in range(3):
        await asyncio.sleep(0)
    assert [r.seq for r in queue.take(live=False, max_bytes=PLENTY)] == [1, 2, 3]
